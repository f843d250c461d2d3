# SPDX-License-Identifier: Apache-2.0
"""Plain HTTP is spoken only where that is meant, and what cannot be reached is explained."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from fluxsm.adapters.registry import client as registry_client
from fluxsm.adapters.registry import deadline as deadline_module
from fluxsm.adapters.registry import exchange, protocol
from fluxsm.adapters.registry.client import OrasRegistry
from fluxsm.adapters.registry.deadline import (
    MAX_RUNNING,
    Deadline,
    DeadlineExceededError,
    run_within,
)
from fluxsm.adapters.registry.proxies import proxy_for
from fluxsm.adapters.registry.transport import InsecureRedirectError, Transport, tls_context
from fluxsm.errors import ArtifactError
from tests.registry.faulty import FILES, Answer, FaultyRegistry
from tests.registry.fixtures import make_certificate
from tests.registry.server import Certificate

Client = Callable[..., OrasRegistry]
SHORT = timedelta(seconds=5)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for 127.0.0.1."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def secure(certificate: Certificate) -> Iterator[FaultyRegistry]:
    """A registry with TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    with FaultyRegistry(context) as found:
        yield found


@pytest.fixture(autouse=True)
def _all_threads_free() -> None:
    """Threads that earlier tests have given up count until they have ended."""
    free = [deadline_module._running.acquire(timeout=30) for _ in range(MAX_RUNNING)]
    for _ in filter(None, free):
        deadline_module._running.release()
    assert all(free), "work of an earlier test does not end"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "FIRST_DELAY", 0.0)


def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        for spelling in (name, name.upper()):
            monkeypatch.delenv(spelling, raising=False)


def failure(call: Callable[[], object]) -> str:
    """The message that a call fails with."""
    with pytest.raises(ArtifactError) as caught:
        call()
    return str(caught.value)


def test_a_registry_on_this_machine_may_speak_plain_http(faulty: FaultyRegistry) -> None:
    """It is found out by asking; no flag is needed."""
    faulty.serve()
    registry = OrasRegistry(cache_dir=None, deadline=SHORT)
    assert dict(registry.pull(faulty.reference, None).files) == FILES


def test_a_private_authority_is_trusted_when_it_is_named(
    secure: FaultyRegistry, certificate: Certificate
) -> None:
    """And the message says how when it is not; plain HTTP is then no way out."""
    secure.serve()
    known = OrasRegistry(cache_dir=None, ca_file=certificate.authority, deadline=SHORT)
    assert dict(known.pull(secure.reference, None).files) == FILES
    unknown = OrasRegistry(cache_dir=None, deadline=SHORT)
    message = failure(lambda: unknown.pull(secure.reference, None))
    assert f"certificate of {secure.host} is not trusted" in message
    assert "--registry-ca-file" in message


def test_a_file_that_holds_no_certificate_is_reported(tmp_path: Path) -> None:
    """With the flag that names it."""
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    message = failure(lambda: OrasRegistry(cache_dir=None, ca_file=file))
    assert str(file) in message
    assert "--registry-ca-file" in message


def test_an_https_registry_does_not_lead_to_plain_http(
    secure: FaultyRegistry, certificate: Certificate, faulty: FaultyRegistry
) -> None:
    """Not even when it redirects there."""
    deadline = Deadline(SHORT, lambda: 0.0)
    context = tls_context(certificate.authority)
    redirect = Answer(status=302, headers={"Location": f"http://{faulty.host}/"})
    secure.on("GET", "/", redirect)
    transport = Transport(deadline, lambda: context, environment_proxies=False)
    with pytest.raises(InsecureRedirectError, match=faulty.host):
        transport.request("GET", f"https://{secure.host}/")
    transport.close()
    assert len(secure.seen) == 1
    assert faulty.seen == []


def test_a_host_that_does_not_answer_is_named() -> None:
    """With what to look at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        registry = OrasRegistry(cache_dir=None, deadline=SHORT)
        message = failure(lambda: registry.pull(f"oci://{host}/a:1", None))
    assert f"{host} cannot be reached (Connection refused)" in message
    assert "network policy" in message


def test_a_public_host_is_never_spoken_to_in_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever answers at its port."""
    registry = OrasRegistry(cache_dir=None, deadline=SHORT)
    asked: list[str] = []

    def resolve(host: str, *_: object, **__: object) -> None:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    message = failure(lambda: registry.pull("oci://registry.test/a:1", None))
    assert "its name cannot be resolved" in message
    assert asked == ["registry.test"]


def test_a_host_without_a_dot_is_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a Service of the cluster; and a dot in the repository makes it no host."""
    asked: list[str] = []

    def resolve(host: str, *_: object, **__: object) -> None:
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    registry = OrasRegistry(cache_dir=None, deadline=SHORT)
    for name in ("registry", "zot/my.org"):
        failure(partial(registry.pull, f"oci://{name}/flux:1", None))
    assert asked == ["registry", "zot"]


def test_a_proxy_is_used_where_the_environment_names_one(
    faulty: FaultyRegistry, other: FaultyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And NO_PROXY is respected."""
    faulty.serve()
    plain = {faulty.host}
    registry = OrasRegistry(
        cache_dir=None, plain_http_hosts=plain, deadline=SHORT, environment_proxies=True
    )
    monkeypatch.setenv("HTTP_PROXY", f"http://{other.host}")
    monkeypatch.setenv("http_proxy", f"http://{other.host}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    failure(lambda: registry.pull(faulty.reference, None))
    assert other.seen[0].path.startswith(f"http://{faulty.host}/v2/")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    assert dict(registry.pull(faulty.reference, None).files) == FILES


@pytest.mark.parametrize(
    ("no_proxy", "expected"),
    [
        pytest.param("", "http://proxy.test:3128", id="nothing listed"),
        pytest.param("10.0.0.0/8,::1", "", id="network"),
        pytest.param("10.1.0.0/16", "http://proxy.test:3128", id="another network"),
        pytest.param("10.2.3.4", "", id="address"),
        pytest.param("10.2.3.4:5000", "", id="address with port"),
        pytest.param("*", "", id="everything"),
    ],
)
def test_networks_may_be_excepted_from_the_proxy(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, expected: str
) -> None:
    """As clusters list them."""
    _no_proxies(monkeypatch)
    assert proxy_for("https://10.2.3.4:5000/v2/") == ""
    monkeypatch.setenv("HTTPS_PROXY", "proxy.test:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert proxy_for("https://10.2.3.4:5000/v2/") == expected
    assert proxy_for("http://10.2.3.4:5000/v2/") == ""


def test_a_proxy_for_all_serves_both_schemes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the host's domain is listed."""
    _no_proxies(monkeypatch)
    monkeypatch.setenv("all_proxy", "http://user:secret@proxy.test")
    monkeypatch.setenv("no_proxy", ".example.com")
    for scheme in ("http", "https"):
        assert proxy_for(f"{scheme}://registry.test/") == "http://user:secret@proxy.test"
        assert proxy_for(f"{scheme}://registry.example.com/") == ""


def test_a_proxy_gets_the_login_of_its_address(
    faulty: FaultyRegistry, other: FaultyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its own header, which the registry never sees."""
    _no_proxies(monkeypatch)
    monkeypatch.setenv("http_proxy", f"http://user:p%40ss@{other.host}")
    transport = Transport(
        Deadline(SHORT, lambda: 0.0),
        lambda: tls_context(None),
        environment_proxies=True,
        plain=True,
    )
    assert transport.request("GET", f"http://{faulty.host}/x").status == 404
    transport.close()
    assert faulty.seen == []
    sent = {name.lower(): value for name, value in other.seen[0].headers.items()}
    assert sent["proxy-authorization"] == "Basic dXNlcjpwQHNz"


def test_what_is_posted_is_not_sent_on(faulty: FaultyRegistry) -> None:
    """A redirect that says so is followed with GET; others with the same method and body."""
    deadline = Deadline(SHORT, lambda: 0.0)
    transport = Transport(
        deadline, lambda: tls_context(None), environment_proxies=False, plain=True
    )
    for status in (303, 307):
        faulty.on("POST", f"/{status}", Answer(status=status, headers={"Location": "/end"}))
        transport.request("POST", f"http://{faulty.host}/{status}", body=b"content")
    transport.close()
    ends = [(item.method, item.body) for item in faulty.seen if item.path == "/end"]
    assert ends == [("GET", b""), ("POST", b"content")]


def test_a_private_registry_that_speaks_tls_is_asked_once(
    secure: FaultyRegistry, certificate: Certificate
) -> None:
    """Which of both it speaks; later pulls begin with what is wanted."""
    secure.serve()
    asked: list[str] = []

    class Counting(exchange.Exchange):
        def _hangs_up_on_tls(self, host: str) -> bool:
            asked.append(host)
            return super()._hangs_up_on_tls(host)

    known = OrasRegistry(cache_dir=None, ca_file=certificate.authority, deadline=SHORT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry_client, "Exchange", Counting)
        for _ in range(2):
            assert dict(known.pull(secure.reference, None).files) == FILES
    assert asked == [secure.host]
    assert {item.method for item in secure.seen} == {"GET"}


def test_no_authority_is_read_for_plain_http(
    faulty: FaultyRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes longer than the pull."""
    faulty.serve()

    def read(_: Path | None) -> ssl.SSLContext:
        raise AssertionError("authorities are read")

    monkeypatch.setattr(registry_client, "tls_context", read)
    registry = OrasRegistry(cache_dir=None, deadline=SHORT)
    assert dict(registry.pull(faulty.reference, None).files) == FILES


def test_work_that_does_not_end_is_given_up() -> None:
    """What was being done is named; the thread is left to end by itself."""
    end = threading.Event()
    deadline = Deadline(timedelta(milliseconds=10), lambda: 0.0)
    deadline.doing = "asking a name server"
    with pytest.raises(DeadlineExceededError, match="asking a name server"):
        run_within(deadline, end.wait)
    end.set()


def test_given_up_work_does_not_pile_up() -> None:
    """Beyond a number of threads nothing new is begun."""
    end = threading.Event()
    started = threading.Barrier(MAX_RUNNING)

    def begin() -> None:
        with pytest.raises(DeadlineExceededError):
            run_within(Deadline(timedelta(milliseconds=50), lambda: 0.0), end.wait)
        started.wait()

    threads = [threading.Thread(target=begin) for _ in range(MAX_RUNNING)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with pytest.raises(DeadlineExceededError, match="earlier requests"):
        run_within(Deadline(SHORT, lambda: 0.0), lambda: None)
    end.set()


def test_a_pause_ends_with_the_deadline() -> None:
    """A registry that asks to wait longer than that is not waited for."""
    times = iter([0.0, 4.999, 5.001])
    deadline = Deadline(SHORT, lambda: next(times))
    with pytest.raises(DeadlineExceededError):
        deadline.pause(3600)
