# SPDX-License-Identifier: Apache-2.0
"""A login goes to the registry it was written for, in the way it asks for, and nowhere else."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest

from fluxsm.adapters.registry.archive import pack
from fluxsm.adapters.registry.auth import RegistryAuth
from fluxsm.adapters.registry.client import OrasRegistry
from fluxsm.adapters.registry.docker_config import DockerConfig, Login
from fluxsm.adapters.registry.transport import Response
from fluxsm.errors import ArtifactError
from tests.registry.faulty import FILES, Answer, Behaviour, FaultyRegistry, Seen, manifest_path

Client = Callable[..., OrasRegistry]
USER, PASSWORD = "robot", "hunter2-the-password"
BASIC = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
TOKEN = "token-of-the-robot"
MANIFEST = manifest_path("latest")


def config(host: str, **entry: str) -> DockerConfig:
    """A pull secret with the login of a host."""
    return DockerConfig(
        source="Secret ns/regcred",
        auths={host: entry or {"username": USER, "password": PASSWORD}},
    )


def lock(faulty: FaultyRegistry, challenge: str, header: str) -> None:
    """Ask for a login wherever something is served."""
    for key, answers in list(faulty._answers.items()):
        faulty._answers[key] = [_locked(answers[0], challenge, header)]


def _locked(open_: Behaviour, challenge: str, header: str) -> Behaviour:
    def answer(seen: Seen) -> Answer:
        if seen.headers.get("Authorization") == header and isinstance(open_, Answer):
            return open_
        return Answer(status=401, headers={"WWW-Authenticate": challenge})

    return answer


def bearer(faulty: FaultyRegistry, realm: str = "") -> str:
    """The challenge of a registry with a token service, which is its own unless said otherwise."""
    return f'Bearer realm="{realm or f"http://{faulty.host}/token"}",service="s",scope="pull"'


def failure(call: Callable[[], object]) -> str:
    """The message that a call fails with; it never holds a secret."""
    with pytest.raises(ArtifactError) as caught:
        call()
    assert PASSWORD not in str(caught.value)
    assert BASIC.split()[1] not in str(caught.value)
    assert TOKEN not in str(caught.value)
    return str(caught.value)


def test_a_password_is_given_when_it_is_asked_for(faulty: FaultyRegistry, client: Client) -> None:
    """Not before."""
    faulty.serve()
    lock(faulty, 'Basic realm="r"', BASIC)
    assert dict(client().pull(faulty.reference, config(faulty.host)).files) == FILES
    assert "Authorization" not in faulty.seen[0].headers
    assert faulty.seen[1].headers["Authorization"] == BASIC


def test_a_password_is_exchanged_for_a_token(faulty: FaultyRegistry, client: Client) -> None:
    """The registry itself only sees the token."""
    faulty.serve()
    lock(faulty, bearer(faulty), f"Bearer {TOKEN}")
    faulty.on("GET", "/token", Answer(body=json.dumps({"token": TOKEN}).encode()))
    assert dict(client().pull(faulty.reference, config(faulty.host)).files) == FILES
    with_password = [s for s in faulty.seen if s.headers.get("Authorization") == BASIC]
    assert [item.path for item in with_password] == ["/token?service=s&scope=pull"]


def test_an_identity_token_is_exchanged_for_a_token(faulty: FaultyRegistry, client: Client) -> None:
    """By POST, as OAuth2 has it."""
    faulty.serve()
    lock(faulty, bearer(faulty), f"Bearer {TOKEN}")
    faulty.on("POST", "/token", Answer(body=json.dumps({"access_token": TOKEN}).encode()))
    logins = config(faulty.host, identitytoken="refresh-me")
    assert dict(client().pull(faulty.reference, logins).files) == FILES
    sent = next(item for item in faulty.seen if item.method == "POST")
    assert b"grant_type=refresh_token" in sent.body
    assert b"refresh_token=refresh-me" in sent.body


def test_an_anonymous_token_is_asked_for_without_a_login(
    faulty: FaultyRegistry, client: Client
) -> None:
    """As public registries want it."""
    faulty.serve()
    lock(faulty, bearer(faulty), f"Bearer {TOKEN}")
    faulty.on("GET", "/token", Answer(body=json.dumps({"token": TOKEN}).encode()))
    assert dict(client().pull(faulty.reference, None).files) == FILES


@pytest.mark.parametrize(
    "form",
    [
        "Bearer realm={0},service=s,scope=pull",
        'BEARER Realm="{0}", Service="s", Scope="pull"',
        'Basic realm="r", Bearer realm="{0}",service="s",scope="pull"',
    ],
)
def test_a_challenge_may_be_written_in_several_ways(
    faulty: FaultyRegistry, client: Client, form: str
) -> None:
    """With and without quotes, in upper and lower case, beside another one."""
    faulty.serve()
    lock(faulty, form.format(f"http://{faulty.host}/token"), f"Bearer {TOKEN}")
    faulty.on("GET", "/token", Answer(body=json.dumps({"token": TOKEN}).encode()))
    assert dict(client().pull(faulty.reference, None).files) == FILES
    asked = [item.path for item in faulty.seen if item.path.startswith("/token")]
    assert asked == ["/token?service=s&scope=pull"]


@pytest.mark.parametrize(
    ("challenge", "expected"),
    [
        pytest.param('Basic realm="r"', "check the login for it in Secret ns/regcred", id="basic"),
        pytest.param("Negotiate", "unknown kind of authentication", id="unknown"),
        pytest.param("", "unknown kind of authentication", id="none"),
    ],
)
def test_a_refused_login_is_reported(
    faulty: FaultyRegistry, client: Client, challenge: str, expected: str
) -> None:
    """With the Secret to look at."""
    faulty.on("GET", MANIFEST, Answer(status=401, headers={"WWW-Authenticate": challenge}))
    message = failure(lambda: client().pull(faulty.reference, config(faulty.host)))
    assert faulty.host in message
    assert expected in message


def test_a_refusing_token_service_is_reported(faulty: FaultyRegistry, client: Client) -> None:
    """With its host and the Secret."""
    faulty.serve()
    lock(faulty, bearer(faulty), f"Bearer {TOKEN}")
    faulty.on("GET", "/token", Answer(status=403))
    message = failure(lambda: client().pull(faulty.reference, config(faulty.host)))
    assert f"token service {faulty.host}" in message
    assert "Secret ns/regcred" in message


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"token": "a\\nb"}', b'{"token": 1}'])
def test_a_token_service_that_sends_no_token_is_reported(
    faulty: FaultyRegistry, client: Client, body: bytes
) -> None:
    """What it sends is neither used nor repeated."""
    faulty.serve()
    lock(faulty, bearer(faulty), f"Bearer {TOKEN}")
    faulty.on("GET", "/token", Answer(body=body))
    assert "sent no token" in failure(lambda: client().pull(faulty.reference, None))


def test_a_secret_without_a_login_for_the_host_is_reported(
    faulty: FaultyRegistry, client: Client
) -> None:
    """Its logins for others are not tried."""
    faulty.on("GET", MANIFEST, Answer(status=401, headers={"WWW-Authenticate": "Basic"}))
    message = failure(lambda: client().pull(faulty.reference, config("ghcr.io")))
    assert "asks for a user name and password" in message
    assert all("Authorization" not in item.headers for item in faulty.seen)


def test_no_login_follows_a_redirect_to_another_host(
    faulty: FaultyRegistry, other: FaultyRegistry, client: Client
) -> None:
    """Registries keep blobs elsewhere; the place is in the address, and no login is due there."""
    layer = pack(FILES)
    _, blob = faulty.serve(layer)
    faulty.on("GET", blob, Answer(status=307, headers={"Location": f"http://{other.host}/blob"}))
    lock(faulty, 'Basic realm="r"', BASIC)
    other.on("GET", "/blob", Answer(body=layer))
    assert dict(client().pull(faulty.reference, config(faulty.host)).files) == FILES
    assert len(other.seen) == 1
    assert "Authorization" not in other.seen[0].headers


def test_another_host_may_not_ask_for_the_login(
    faulty: FaultyRegistry, other: FaultyRegistry, client: Client
) -> None:
    """A redirect does not make it the registry."""
    _, blob = faulty.serve()
    faulty.on("GET", blob, Answer(status=307, headers={"Location": f"http://{other.host}/blob"}))
    other.on("GET", "/blob", Answer(status=401, headers={"WWW-Authenticate": "Basic"}))
    message = failure(lambda: client().pull(faulty.reference, config(faulty.host)))
    assert f"401 from {other.host}" in message
    assert all("Authorization" not in item.headers for item in other.seen)


def test_redirects_in_circles_end(faulty: FaultyRegistry, client: Client) -> None:
    """After a few."""
    _, blob = faulty.serve()
    faulty.on("GET", blob, Answer(status=302, headers={"Location": blob}))
    assert "in circles" in failure(lambda: client().pull(faulty.reference, None))


@pytest.mark.parametrize(
    ("realm", "expected"),
    [
        pytest.param("http://tokens.test/token", "not an https address", id="plain HTTP"),
        pytest.param("", "not an https address", id="none"),
        pytest.param("ftp://tokens.test/", "not an https address", id="another scheme"),
        pytest.param("https://a:b@tokens.test/", "with credentials in it", id="with a login"),
    ],
)
def test_a_token_service_must_speak_https(realm: str, expected: str) -> None:
    """As soon as the registry does; nothing is sent to it otherwise."""

    def send(*_: object, **__: object) -> Response:
        raise AssertionError("something was sent")

    login = Login(username=USER, password=PASSWORD)
    auth = RegistryAuth(
        host="registry.test", plain=False, login=login, source="Secret ns/regcred", send=send
    )
    assert expected in failure(lambda: auth.answer(f'Bearer realm="{realm}",service="s"'))


HELPERS: dict[str, Login | None] = {"good": Login(username=USER, password=PASSWORD), "empty": None}


def test_a_credential_helper_is_asked_where_that_is_allowed(
    faulty: FaultyRegistry, client: Client
) -> None:
    """On the command line; never by the operator, to which a Secret must not name a program."""
    faulty.serve()
    lock(faulty, 'Basic realm="r"', BASIC)
    logins = DockerConfig(source="config.json", helpers={faulty.host: "good"})
    asked = []

    def run(helper: str, registry: str) -> Login | None:
        asked.append((helper, registry))
        return HELPERS[helper]

    assert dict(client(run_helper=run).pull(faulty.reference, logins).files) == FILES
    assert asked == [("good", faulty.host)]
    failure(lambda: client().pull(faulty.reference, logins))
