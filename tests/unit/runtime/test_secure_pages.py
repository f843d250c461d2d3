# SPDX-License-Identifier: Apache-2.0
"""Pages over TLS, and only for readers whom somebody vouches for."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from fluxsm.adapters.certificate import Certificate
from fluxsm.adapters.kube import reviews as reviews_module
from fluxsm.adapters.kube.reviews import ALLOWED_SECONDS, REFUSED_SECONDS, Reviews
from fluxsm.cli import metrics, run
from fluxsm.errors import UsageError
from fluxsm.runtime.probes import Guard, Page, PageServer
from fluxsm.simulation.clock import VirtualClock
from tests.registry import server
from tests.registry.fixtures import make_certificate
from tests.unit.adapters.api_server import ApiServer, Request, serving


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> server.Certificate:
    """A certificate for 127.0.0.1 and who signed it."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def files(made: server.Certificate, tmp_path: Path) -> server.Certificate:
    """The same in files that a test may change."""
    for path in (made.authority, made.chain, made.key):
        shutil.copy(path, tmp_path)
    return server.Certificate(
        authority=tmp_path / made.authority.name,
        chain=tmp_path / made.chain.name,
        key=tmp_path / made.key.name,
    )


@contextmanager
def served(certificate: Certificate | None = None, guard: Guard | None = None) -> Iterator[str]:
    """One page, at host and port."""
    pages = {"/metrics": lambda: Page(200, b"1\n")}
    wrap = certificate.wrap if certificate else None
    found = PageServer("127.0.0.1:0", pages, wrap=wrap, guard=guard)
    try:
        yield f"127.0.0.1:{found.port}"
    finally:
        found.close()


def ask(url: str, *, trust: Path | None = None, token: str = "") -> tuple[int, bytes]:
    """Status and body."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    context = ssl.create_default_context(cafile=trust) if trust else None
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 on this machine
    try:
        with urllib.request.urlopen(request, context=context) as answer:  # noqa: S310 as above
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_a_page_is_served_by_tls(made: server.Certificate) -> None:
    """To whoever trusts the authority; in plain nothing is to be had."""
    with served(Certificate(made.chain, made.key)) as address:
        assert ask(f"https://{address}/metrics", trust=made.authority) == (200, b"1\n")
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            ask(f"https://{address}/metrics")
        with pytest.raises((urllib.error.URLError, ConnectionError, OSError)):
            ask(f"http://{address}/metrics")


def test_a_reader_that_never_shakes_hands_holds_up_nobody(made: server.Certificate) -> None:
    """It has a thread of its own until its time is over."""
    with served(Certificate(made.chain, made.key)) as address:
        host, _, port = address.partition(":")
        with socket.create_connection((host, int(port))):
            assert ask(f"https://{address}/metrics", trust=made.authority) == (200, b"1\n")


def test_a_renewed_certificate_is_used_at_once(
    files: server.Certificate, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a restart; in between, while the files do not fit, the old one is."""
    (tmp_path / "new").mkdir()
    new = make_certificate(tmp_path / "new")
    with served(Certificate(files.chain, files.key)) as address:
        url = f"https://{address}/metrics"
        assert ask(url, trust=files.authority)[0] == 200
        new.key.replace(files.key)
        assert ask(url, trust=files.authority)[0] == 200
        assert "the one from before is still used" in caplog.text
        new.chain.replace(files.chain)
        assert ask(url, trust=new.authority)[0] == 200


def test_a_certificate_that_cannot_be_used_is_reported(files: server.Certificate) -> None:
    """With both files and what is wrong with them, before anything else happens."""
    with pytest.raises(UsageError, match=r"nowhere .* cannot be used: No such file"):
        Certificate(Path("nowhere"), files.key)
    files.key.write_text("no key")
    with pytest.raises(UsageError, match="cannot be used"):
        Certificate(files.chain, files.key)


@pytest.mark.parametrize(
    "verdict", [HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE]
)
def test_a_reader_who_is_refused_learns_nothing(verdict: HTTPStatus) -> None:
    """Not even which pages there are."""
    asked: list[tuple[str, str]] = []

    def guard(authorization: str, path: str) -> HTTPStatus:
        asked.append((authorization, path))
        return verdict

    with served(guard=guard) as address:
        for path in ("metrics", "other"):
            status, body = ask(f"http://{address}/{path}", token="mine")
            assert (status, body) == (verdict, f"{verdict.phrase.lower()}\n".encode())
    assert asked == [("Bearer mine", "/metrics"), ("Bearer mine", "/other")]


def review(*, known: bool = True, allowed: bool = True) -> Callable[[Request], None]:
    """Answers both reviews."""

    def answer(request: Request) -> None:
        if request.path.endswith("tokenreviews"):
            user = {"username": "ann", "groups": ["readers"]} if known else {}
            status: dict[str, Any] = {"authenticated": known, "user": user}
        else:
            status = {"allowed": allowed}
        request.answer(201, json.dumps({"status": status}).encode())

    return answer


def asked(found: ApiServer) -> list[str]:
    """What was asked for, in turn."""
    return [request.path.rpartition("/")[2] for request in found.requests]


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        (review(), HTTPStatus.OK),
        (review(known=False), HTTPStatus.UNAUTHORIZED),
        (review(allowed=False), HTTPStatus.FORBIDDEN),
        (lambda request: request.answer(500), HTTPStatus.SERVICE_UNAVAILABLE),
    ],
)
def test_the_api_server_judges(answers: Callable[[Request], None], verdict: HTTPStatus) -> None:
    """Who the token belongs to, and then what they may do."""
    with serving(answers) as found:
        assert Reviews(found.client(), VirtualClock()).judge("Bearer token", "/metrics") is verdict


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Basic YTpi", "token"])
def test_nobody_is_asked_about_a_reader_without_a_token(authorization: str) -> None:
    """It is clear already."""
    with serving(review()) as found:
        judged = Reviews(found.client(), VirtualClock()).judge(authorization, "/metrics")
        assert judged is HTTPStatus.UNAUTHORIZED
        assert asked(found) == []


@pytest.mark.parametrize(
    ("answers", "requests", "seconds"),
    [
        (review(), ["tokenreviews", "subjectaccessreviews"], ALLOWED_SECONDS),
        (review(known=False), ["tokenreviews"], REFUSED_SECONDS),
    ],
)
def test_an_answer_is_remembered_for_a_while(
    answers: Callable[[Request], None], requests: list[str], seconds: float
) -> None:
    """A scraper comes again and again; each token and path stands for itself."""
    clock = VirtualClock()
    with serving(answers) as found:
        reviews = Reviews(found.client(), clock)
        for _ in range(2):
            reviews.judge("Bearer token", "/metrics")
        assert asked(found) == requests
        clock.advance(timedelta(seconds=seconds - 0.1))
        reviews.judge("Bearer token", "/metrics")
        assert asked(found) == requests
        clock.advance(timedelta(seconds=0.1))
        reviews.judge("Bearer token", "/metrics")
        assert asked(found) == requests * 2
        reviews.judge("Bearer token", "/other")
        reviews.judge("Bearer another", "/metrics")
        assert asked(found) == requests * 4


def test_not_more_is_remembered_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest answer goes first; no token is kept, only what it comes to."""
    monkeypatch.setattr(reviews_module, "MOST_ANSWERS", 3)
    with serving(review(known=False)) as found:
        reviews = Reviews(found.client(), VirtualClock())
        for number in range(4):
            reviews.judge(f"Bearer secret-{number}", "/metrics")
        before = len(found.requests)
        reviews.judge("Bearer secret-1", "/metrics")
        assert len(found.requests) == before
        reviews.judge("Bearer secret-0", "/metrics")
        assert len(found.requests) == before + 1
    assert "secret" not in repr(vars(reviews))


def parsed(*args: str) -> dict[str, Any]:
    """The values of the flags, without running anything."""
    return run.command.make_context("run", list(args)).params


def test_metrics_are_plain_unless_flags_say_otherwise() -> None:
    """As those of the reference."""
    found = metrics.settings(parsed())
    assert (found.address, found.certificate, found.require_token) == (":8080", None, False)
    files = (f"--metrics-cert-file={__file__}", f"--metrics-key-file={__file__}")
    found = metrics.settings(parsed(*files, "--metrics-require-token"))
    assert found.certificate is not None
    assert (found.certificate.chain, found.certificate.key) == (Path(__file__), Path(__file__))
    assert found.require_token


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([f"--metrics-cert-file={__file__}"], "go together"),
        ([f"--metrics-key-file={__file__}"], "go together"),
        (["--metrics-require-token"], "in the clear"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(flags: list[str], words: str) -> None:
    """A token that is sent in the clear is anybody's."""
    with pytest.raises(UsageError, match=words):
        metrics.settings(parsed(*flags))
