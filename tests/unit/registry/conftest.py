# SPDX-License-Identifier: Apache-2.0
"""A registry that misbehaves, and a client that does not wait between its tries."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fluxsm.adapters.registry import client as registry_client
from fluxsm.adapters.registry import protocol, transport
from fluxsm.adapters.registry.client import OrasRegistry
from tests.registry.faulty import FaultyRegistry

Client = Callable[..., OrasRegistry]

_tls_context = functools.cache(transport.tls_context)
"""Reading all authorities of the system is most of what a new client costs."""


@pytest.fixture
def faulty() -> Iterator[FaultyRegistry]:
    """A registry whose answers the test sets."""
    with FaultyRegistry() as found:
        yield found


@pytest.fixture
def other() -> Iterator[FaultyRegistry]:
    """Another server, on another port and so of another origin."""
    with FaultyRegistry() as found:
        yield found


@pytest.fixture
def client(
    faulty: FaultyRegistry, other: FaultyRegistry, monkeypatch: pytest.MonkeyPatch
) -> Client:
    """Make a client for these registries."""
    monkeypatch.setattr(protocol, "FIRST_DELAY", 0.0)
    monkeypatch.setattr(registry_client, "tls_context", _tls_context)

    def make(cache: Path | None = None, **options: Any) -> OrasRegistry:
        known: dict[str, Any] = {
            "plain_http_hosts": {faulty.host, other.host},
            "deadline": timedelta(seconds=10),
        }
        return OrasRegistry(cache_dir=cache, **(known | options))

    return make
