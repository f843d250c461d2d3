# SPDX-License-Identifier: Apache-2.0
"""`fluxsm run`: flags and environment of the reference, and one log line for what is wrong."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest

from fluxsm.cli import registry, run, web
from fluxsm.core.settings import VerifyPolicy
from fluxsm.errors import UsageError

REFERENCE = (
    "--concurrent=10", "--enable-leader-election=true", "--leader-election-lease-duration=35s",
    "--leader-election-renew-deadline=30s", "--leader-election-retry-period=5s",
    "--leader-election-release-on-cancel=true", "--health-addr=:8081", "--metrics-addr=:8080",
    "--interval-jitter-percentage=5", "--log-encoding=json", "--log-level=info",
    "--min-retry-delay=750ms", "--max-retry-delay=15m", "--override-manager=a",
    "--override-manager=b", "--reporting-interval=5m", "--storage-path=/data",
    "--default-service-account=x", "--default-workload-identity-service-account=x",
    "--requeue-dependency=5s", "--token-cache-max-size=100", "--token-cache-max-duration=1h",
    "--watch-configs-label-selector=a=b", "--web-server-port=9080", "--web-server-only=false",
    "--web-config=x", "--web-config-secret-name=x",
)  # fmt: skip


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine's environment reaches the flags."""
    for name in ("REPORTING_INTERVAL", "OVERRIDE_MANAGERS", "NOTIFICATION_CONTROLLER_ADDRESS",
                 "NOTIFICATIONS_DISABLED", "WEB_SERVER_PORT"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RUNTIME_NAMESPACE", "flux-system")


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    """The command sets the log of the process up; afterwards it is as it was before."""
    found = [logging.getLogger(name) for name in ("", "fluxsm", "kubernetes", "urllib3")]
    before = [(item, item.level, list(item.handlers)) for item in found]
    logging.getLogger("fluxsm").setLevel(logging.NOTSET)
    yield
    for item, level, handlers in before:
        item.setLevel(level)
        item.handlers = handlers


def parsed(*args: str) -> dict[str, Any]:
    """The values of the flags, without running anything."""
    return run.command.make_context("run", list(args)).params


def test_every_flag_of_the_reference_is_accepted() -> None:
    """Deployments that set them all still start."""
    assert parsed(*REFERENCE)["override_managers"] == ("a", "b")


def test_leader_election_is_on_unless_it_is_switched_off() -> None:
    """A flag without a value switches on, as in Go."""
    assert run._config(parsed()) is not None
    assert run._config(parsed("--enable-leader-election")) is not None
    assert run._config(parsed("--enable-leader-election=false")) is None


def test_the_terms_of_the_election_are_those_of_the_flags() -> None:
    """Durations are Go's."""
    config = run._config(
        parsed(
            "--leader-election-lease-duration=1m10s",
            "--leader-election-renew-deadline=1m",
            "--leader-election-retry-period=1500ms",
            "--leader-election-release-on-cancel=false",
        )
    )
    assert config is not None
    assert (config.duration, config.deadline) == (timedelta(seconds=70), timedelta(seconds=60))
    assert (config.retry, config.release) == (timedelta(seconds=1.5), False)


@pytest.mark.parametrize(
    ("flag", "word"),
    [
        ("--interval-jitter-percentage=100", "99"),
        ("--leader-election-retry-period=soon", "soon"),
        ("--log-level=loud", "loud"),
        ("--enable-leader-election=perhaps", "perhaps"),
        ("--no-such-flag", "no-such-flag"),
    ],
)
def test_a_wrong_flag_is_one_log_line(
    flag: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As JSON, like everything that the process says; the exit code is 1."""
    with pytest.raises(SystemExit) as caught:
        parsed(flag)
    assert caught.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    found = json.loads(line)
    assert found["level"] == "error"
    assert word in found["msg"]


def test_terms_that_cannot_work_are_refused() -> None:
    """Before anything is sent."""
    with pytest.raises(UsageError, match="renew deadline"):
        run._config(parsed("--leader-election-renew-deadline=35s"))


def test_the_environment_wins_over_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    """Field managers are a list with commas there."""
    monkeypatch.setenv("OVERRIDE_MANAGERS", "c, d,")
    settings = run._settings(parsed("--override-manager=a"))
    assert settings.override_managers == ("c", "d")


def test_an_invalid_interval_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is named."""
    monkeypatch.setenv("REPORTING_INTERVAL", "often")
    with pytest.raises(UsageError, match="REPORTING_INTERVAL"):
        run._settings(parsed())


def test_the_default_namespace_is_reported(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody may have forgotten to set it."""
    monkeypatch.delenv("RUNTIME_NAMESPACE")
    with caplog.at_level("INFO"):
        assert run._settings(parsed()).namespace == "flux-system"
    assert "RUNTIME_NAMESPACE is not set" in caplog.text


def test_help_names_no_flag_that_does_nothing_but_be_accepted() -> None:
    """Hidden ones are for old Deployments only."""
    text = run.command.get_help(click.Context(run.command))
    assert "--leader-election-retry-period" in text
    assert "--web-server-only" not in text


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("key=/keys/cosign.pub", VerifyPolicy(key=Path("/keys/cosign.pub"))),
        (
            "identity=https://example.org/a=b, issuer=https://issuer.test,trusted-root=/root.json",
            VerifyPolicy(
                identity="https://example.org/a=b",
                issuer="https://issuer.test",
                trusted_root=Path("/root.json"),
            ),
        ),
    ],
)
def test_a_policy_for_signatures(text: str, policy: VerifyPolicy) -> None:
    """A key, or an identity with its issuer and the root to verify it with."""
    with run.command.make_context("run", [f"--verify-artifact={text}"]):
        assert registry.settings().verify == policy


@pytest.mark.parametrize(
    "text",
    [
        "/keys/cosign.pub", "key=", "key=a,key=b", "key=a,identity=b", "issuer=https://issuer.test",
        "identity=a,issuer=b", "identity=a,issuer=b,trusted-root=", "key=a,other=b",
    ],
)  # fmt: skip
def test_half_a_policy_ends_the_start(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A policy that is not understood must not be one that asks for less."""
    with pytest.raises(SystemExit) as end:
        run.command.make_context("run", [f"--verify-artifact={text}"])
    assert end.value.code == 1
    assert "it is key=FILE, or identity=ID,issuer=URL,trusted-root=FILE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flag", "variable", "address"),
    [
        ((), "", ":9080"),
        (("--web-server-port=0",), "", ""),
        (("--web-server-port=1234",), "", ":1234"),
        (("--web-server-port=1234",), "5678", ":5678"),
        ((), "0", ""),
    ],
)
def test_the_environment_says_where_the_page_is(
    flag: tuple[str, ...], variable: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It wins over the flag, as in the reference; 0 is nowhere."""
    monkeypatch.setenv("WEB_SERVER_PORT", variable)
    assert web.settings(parsed(*flag)).address == address


@pytest.mark.parametrize("text", ["http", "65536", "-1"])
def test_a_port_of_the_environment_that_is_none_is_refused(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name."""
    monkeypatch.setenv("WEB_SERVER_PORT", text)
    with pytest.raises(UsageError, match=f"WEB_SERVER_PORT.*{text}.*not a port"):
        web.settings(parsed())
