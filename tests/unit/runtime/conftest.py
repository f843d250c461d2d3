# SPDX-License-Identifier: Apache-2.0
"""Servers of the standard library that stop at once: by default they look twice a second."""

from __future__ import annotations

import socketserver

import pytest


@pytest.fixture(autouse=True)
def stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look a hundred times a second whether a server is to stop."""
    monkeypatch.setattr(socketserver.BaseServer.serve_forever, "__defaults__", (0.01,))
