# SPDX-License-Identifier: Apache-2.0
"""Requests to an API server that refuses, breaks off, says nothing or says nonsense."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from fluxsm.adapters.kube import configuration
from fluxsm.adapters.kube.client import KubeClient
from fluxsm.errors import (
    ClusterError,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    InvalidError,
    KindNotServedError,
    NotFoundError,
    UnavailableError,
    UsageError,
)
from tests.unit.adapters.api_server import Request, serving


def get(client: KubeClient) -> None:
    """Ask for something."""
    client.request("GET", "/x", what="reading x")


@pytest.mark.parametrize(
    ("status", "leaf"),
    [
        (400, InvalidError), (403, ForbiddenError), (404, KindNotServedError),
        (405, KindNotServedError), (409, ConflictError), (410, ExpiredError),
        (422, InvalidError), (429, UnavailableError),
        (500, UnavailableError), (503, UnavailableError),
    ],
)  # fmt: skip
def test_a_refusal_is_the_error_that_fits(status: int, leaf: type[ClusterError]) -> None:
    """With the words of the server, and what was being done."""
    body = b'{"kind": "Status", "reason": "Because", "message": "not today"}'
    with (
        serving(lambda request: request.answer(status, body)) as server,
        pytest.raises(leaf) as caught,
    ):
        get(server.client())
    assert type(caught.value) is leaf
    assert str(caught.value) == "reading x (Because): not today"


def test_an_object_that_is_missing_differs_from_a_missing_kind() -> None:
    """The server names the object; for a kind that it does not serve, it names none."""
    body = b'{"kind": "Status", "reason": "NotFound", "details": {"name": "x", "kind": "things"}}'
    with (
        serving(lambda request: request.answer(404, body)) as server,
        pytest.raises(NotFoundError) as caught,
    ):
        get(server.client())
    assert type(caught.value) is NotFoundError


def test_a_refusal_that_is_no_status_is_quoted() -> None:
    """A proxy in between answers in its own way."""
    with (
        serving(lambda request: request.answer(502, b"<html>bad gateway</html>")) as server,
        pytest.raises(UnavailableError, match=r"\(HTTP 502\): <html>bad gateway"),
    ):
        get(server.client())


@pytest.mark.parametrize("body", [b"hello", b"[1]", b""])
def test_an_answer_that_is_no_object_is_an_error(body: bytes) -> None:
    """Whatever the status says."""
    with (
        serving(lambda request: request.answer(200, body)) as server,
        pytest.raises(UnavailableError, match="the answer is not"),
    ):
        get(server.client())


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        pytest.param(lambda request: request.hang(), "did not answer in time", id="idle"),
        pytest.param(
            lambda request: request.answer(200, b'{"a":', length=99), "broke", id="broken off"
        ),
    ],
)
def test_no_answer_is_an_error_in_plain_words(answer: Callable[[Request], None], word: str) -> None:
    """Without the objects of the HTTP library in it."""
    with serving(answer) as server:
        client = server.client(seconds=0.2)
        with pytest.raises(UnavailableError, match=word) as caught:
            get(client)
        client.close()
    assert "object at 0x" not in str(caught.value)


def test_a_write_without_an_answer_is_given_up_as_well() -> None:
    """It is sent without a time limit, but its answer has one."""
    with serving(lambda request: request.hang()) as server:
        client = server.client(seconds=0.2)
        with pytest.raises(UnavailableError, match="did not answer in time"):
            client.request("PATCH", "/x", what="patching x", body={})
        client.close()


def test_a_server_that_is_not_there_is_reported() -> None:
    """The address is in the message."""
    with serving(lambda request: request.answer(200)) as server:
        client = server.client()
    with pytest.raises(UnavailableError, match=f"cannot be reached.*{server.host}"):
        get(client)


def test_a_connection_that_the_server_closed_is_replaced() -> None:
    """Restarts of the API server close what is idle."""
    with serving(
        lambda request: request.answer(200, b"{}", length=2), lambda request: request.answer(200)
    ) as server:
        client = server.client()
        get(client)
        get(client)
        client.close()
    assert len(server.requests) == 2


def test_a_read_over_a_connection_that_just_died_is_sent_again() -> None:
    """The server may close an idle connection in the moment in which it is used again."""
    with serving(
        lambda request: request.answer(200),
        lambda request: request.vanish(),
        lambda request: request.answer(200),
    ) as server:
        client = server.client()
        get(client)
        get(client)
        client.close()
    assert len(server.requests) == 3


def test_a_write_whose_connection_died_is_not_sent_again() -> None:
    """It may have arrived; whoever sent it decides."""
    with serving(lambda request: request.vanish()) as server:
        client = server.client()
        with pytest.raises(UnavailableError, match="broke"):
            client.request("PATCH", "/x", what="patching x", body={})
    assert len(server.requests) == 1


def test_a_write_is_checked_when_its_connection_is_ready() -> None:
    """Making one takes time, in which the lease may run out."""
    with serving(lambda request: request.answer(200)) as server:
        client = server.client()

        def refuse() -> None:
            assert server.connected.wait(5)
            raise UnavailableError("no longer the leader")

        client.before_mutation = refuse
        with pytest.raises(UnavailableError, match="no longer the leader"):
            client.request("PATCH", "/x", what="patching x", body={})
        client.before_mutation = lambda: None
        get(client)
        client.close()
    assert [request.method for request in server.requests] == ["GET"]


def test_an_expired_token_is_read_again() -> None:
    """The request is sent once more with the new one."""
    with serving(
        lambda request: request.answer(401), lambda request: request.answer(200)
    ) as server:
        client = server.client(reload=lambda: server.configuration("second"))
        get(client)
        client.close()
    assert [request.token for request in server.requests] == ["first", "second"]


def test_a_token_that_is_refused_again_is_an_error() -> None:
    """It is not tried forever, and not reported."""
    with serving(lambda request: request.answer(401)) as server:
        client = server.client(reload=lambda: server.configuration("second"))
        with pytest.raises(ForbiddenError) as caught:
            get(client)
        client.close()
    assert len(server.requests) == 2
    assert "second" not in str(caught.value)


def test_many_who_are_refused_read_the_token_once() -> None:
    """A plugin that makes tokens is not started once for each thread."""
    reloads: list[str] = []
    together = threading.Barrier(4)

    def answer(request: Request) -> None:
        if request.token == "first":
            together.wait(timeout=10)
        request.answer(401 if request.token == "first" else 200)

    with serving(answer) as server:

        def reload() -> object:
            reloads.append("read")
            return server.configuration("second")

        client = server.client(reload=reload)
        threads = [threading.Thread(target=get, args=(client,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.close()
    assert reloads == ["read"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_write_is_checked_before_it_is_sent(method: str) -> None:
    """And not sent when the check fails; reads are free."""

    def refuse() -> None:
        raise UnavailableError("not the leader")

    with serving(lambda request: request.answer(200)) as server:
        client = server.client()
        client.before_mutation = refuse
        with pytest.raises(UnavailableError, match="not the leader"):
            client.request(method, "/x", what="writing x", body={})
        assert server.requests == []
        get(client)
        client.close()


def test_the_check_stands_before_a_second_attempt_too() -> None:
    """A token that is read again takes time, in which the lease may run out."""
    checks: list[str] = []
    with serving(
        lambda request: request.answer(401), lambda request: request.answer(200)
    ) as server:
        client = server.client(reload=lambda: server.configuration("second"))
        client.before_mutation = lambda: checks.append("checked")
        client.request("PATCH", "/x", what="writing x", body={})
        client.close()
    assert checks == ["checked", "checked"]


def test_a_client_at_its_end_sends_nothing() -> None:
    """Not even reads; a client apart from it goes on, because it has the lease to give back."""
    with serving(lambda request: request.answer(200)) as server:
        client = server.client()
        apart = client.apart(1.0)
        client.refuse("the operator ends")
        with pytest.raises(UnavailableError, match="reading x: not sent, the operator ends"):
            get(client)
        assert server.requests == []
        get(apart)
        apart.close()


def test_requests_are_counted_with_their_answer() -> None:
    """Zero stands for none; those of the lease count too."""
    counted: list[tuple[str, int]] = []
    with serving(lambda request: request.answer(404)) as server:
        client = server.client()
        client.on_request = lambda verb, code: counted.append((verb, code))
        apart = client.apart(1.0)
        for each in (client, apart):
            with pytest.raises(NotFoundError):
                get(each)
            each.close()
    with pytest.raises(UnavailableError):
        get(client)
    assert counted == [("GET", 404), ("GET", 404), ("GET", 0)]


def test_a_kubeconfig_that_is_not_there_is_reported(tmp_path: Path) -> None:
    """With its path; one that is no YAML, or not a map, likewise, with the place."""
    path = tmp_path / "config"

    def refusal() -> str:
        with pytest.raises(UsageError) as caught:
            KubeClient.from_kubeconfig(str(path))
        return str(caught.value)

    assert f"the kubeconfig {path} does not exist" in refusal()
    path.mkdir()
    assert f"the kubeconfig {path} cannot be read: is a directory" in refusal()
    path.rmdir()
    for text, reason in {
        "a: [": "is not valid YAML: at the end",
        "\ta: 1": "a tab is there",
        "- a": "document 1 is not a mapping",
        "": "is empty",
        "users: 5\ncurrent-context: x": "cannot be used: ",
    }.items():
        path.write_text(text)
        assert f"the kubeconfig {path}" in refusal()
        assert reason in refusal()


def test_outside_of_a_cluster_the_way_out_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flag that helps is named."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(UsageError, match="--kubeconfig"):
        KubeClient.in_cluster()


@pytest.mark.parametrize(
    ("token", "authority", "message"),
    [
        (None, b"ca", "cannot be read: {}/token: No such file or directory"),
        (b"secret", None, "cannot be read: {}/ca.crt: No such file or directory"),
        (b"\xff", b"ca", "cannot be read: {}/token: it is not text"),
        (b"", b"ca", "cannot be used: Token file exists but empty."),
        (b"secret", b"", "cannot be used: Cert file exists but empty."),
    ],
)
def test_a_service_account_that_cannot_be_read_is_reported(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    token: bytes | None,
    authority: bytes | None,
    message: str,
) -> None:
    """By the file, and why; never what is in it."""
    for name, content in (("token", token), ("ca.crt", authority)):
        if content is not None:
            (tmp_path / name).write_bytes(content)
    in_pod(monkeypatch, tmp_path)
    with pytest.raises(UsageError) as caught:
        KubeClient.in_cluster()
    assert str(caught.value) == "the service account of this pod " + message.format(tmp_path)


@pytest.mark.parametrize(
    ("locked", "named"), [("token", "token"), ("ca.crt", "ca.crt"), (".", "token")]
)
def test_a_service_account_that_may_not_be_read_is_reported(
    monkeypatch: pytest.MonkeyPatch, locked: str, named: str
) -> None:
    """The volume belongs to another user; a folder that is closed is no missing token."""
    with TemporaryDirectory() as name:  # pytest's own folder is closed to others
        folder = Path(name)
        folder.chmod(0o755)
        for file in ("token", "ca.crt"):
            (folder / file).write_text("secret")
        in_pod(monkeypatch, folder)
        (folder / locked).chmod(0)
        with as_nobody(), pytest.raises(UsageError) as caught:
            KubeClient.in_cluster()
        (folder / locked).chmod(0o700)
    assert str(caught.value).endswith(f"cannot be read: {folder / named}: Permission denied")


def in_pod(monkeypatch: pytest.MonkeyPatch, account: Path) -> None:
    """Be in a pod whose service account is in a folder."""
    monkeypatch.setattr(configuration, "SERVICE_ACCOUNT", account)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything, so it is somebody else for a while."""
    if os.geteuid():
        yield
        return
    os.seteuid(65532)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_token_that_is_away_for_a_moment_is_no_accident() -> None:
    """The kubelet is renewing it: as if the server were away, so the request comes again."""

    def renew(_: object) -> None:
        raise FileNotFoundError(2, "No such file", "token")

    with serving(lambda request: request.answer(200)) as server:
        found = server.configuration()
        found.refresh_api_key_hook = renew
        with pytest.raises(UnavailableError, match=r"the credentials cannot be had: .*token"):
            get(KubeClient(found))
        assert server.requests == []


def test_credentials_that_cannot_be_read_again_are_reported() -> None:
    """The server refuses the old ones, and there are no others."""

    def reload() -> object:
        raise UsageError("this is not a pod")

    with serving(lambda request: request.answer(401)) as server:
        client = server.client(reload=reload)
        with pytest.raises(UnavailableError, match=r"new credentials .*: this is not a pod"):
            get(client)
