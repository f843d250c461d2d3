# SPDX-License-Identifier: Apache-2.0
"""The pages of the process: alive while its loops go round, ready while the cluster answers."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fluxsm.app import STUCK_SECONDS, UNREADY_SECONDS, _page
from fluxsm.errors import UsageError
from fluxsm.runtime.listener import parse_address
from fluxsm.runtime.probes import Page, Pages, PageServer


@contextmanager
def served(pages: Pages) -> Iterator[str]:
    """The pages, on a free port."""
    server = PageServer("127.0.0.1:0", pages)
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.close()


def ask(url: str) -> tuple[int, bytes]:
    """Status and body."""
    try:
        with urllib.request.urlopen(url) as answer:  # noqa: S310 on this machine
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_pages_are_found_with_and_without_a_slash_or_a_query() -> None:
    """As probes write them."""
    with served({"/healthz": lambda: Page(200, b"ok\n")}) as base:
        for path in ("/healthz", "/healthz/", "/healthz?verbose"):
            assert ask(base + path) == (200, b"ok\n")
        assert ask(f"{base}/other")[0] == 404


def test_a_failing_page_says_why() -> None:
    """The status is what the kubelet reads, the body is for people."""
    with served({"/readyz": lambda: _page({"the loop": 301.0}, STUCK_SECONDS)}) as base:
        assert ask(f"{base}/readyz") == (500, b"the loop: no activity for 301s\n")


def test_a_page_is_good_up_to_its_limit() -> None:
    """And only the late ones are named."""
    assert _page({"a": STUCK_SECONDS}, STUCK_SECONDS).status == 200
    late = _page({"a": 1.0, "b": UNREADY_SECONDS + 1}, UNREADY_SECONDS)
    assert (late.status, late.body) == (500, b"b: no activity for 181s\n")


@pytest.mark.parametrize("text", ["8081", ":", "host:port", ":99999", ""])
def test_a_wrong_address_is_refused(text: str) -> None:
    """With an example of a right one."""
    with pytest.raises(UsageError, match=":8081"):
        parse_address(text)


def test_a_taken_address_is_reported() -> None:
    """In one line, before anything else happens."""
    with served({}) as base:
        address = base.removeprefix("http://")
        with pytest.raises(UsageError, match=f"{address} cannot be listened on"):
            PageServer(address, {})


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_an_address_without_a_host_is_every_address() -> None:
    """Of both families: a cluster may have IPv6 alone."""
    server = PageServer(":0", {"/healthz": lambda: Page(200, b"ok\n")})
    try:
        for host in ("127.0.0.1", "[::1]"):
            assert ask(f"http://{host}:{server.port}/healthz") == (200, b"ok\n")
    finally:
        server.close()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
def test_a_host_may_be_of_either_family() -> None:
    """And only that one is listened on."""
    server = PageServer("[::1]:0", {"/healthz": lambda: Page(200, b"ok\n")})
    try:
        assert ask(f"http://[::1]:{server.port}/healthz") == (200, b"ok\n")
        with pytest.raises(urllib.error.URLError):
            ask(f"http://127.0.0.1:{server.port}/healthz")
    finally:
        server.close()
