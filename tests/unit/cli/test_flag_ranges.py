# SPDX-License-Identifier: Apache-2.0
"""`fluxsm run` refuses at its start what could not work: flag, value, and what is allowed."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from fluxsm.cli import run
from fluxsm.errors import UsageError

VARIABLES = (
    "RUNTIME_NAMESPACE", "REPORTING_INTERVAL", "OVERRIDE_MANAGERS", "NOTIFICATIONS_DISABLED",
    "NOTIFICATION_CONTROLLER_ADDRESS", "KUBECONFIG", "KUBERNETES_SERVICE_HOST",
)  # fmt: skip

KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: u, user: {}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with some files; nothing of this machine's environment."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good" / "flux" / "v2.8.8").mkdir(parents=True)
    (tmp_path / "bare").mkdir()
    (tmp_path / "file").write_text("some text")
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    (tmp_path / "broken").write_text("a: [b\n")
    (tmp_path / "list").write_text("- a\n")
    return tmp_path


@pytest.fixture(autouse=True)
def logs() -> Iterator[None]:
    """The command sets the log of the process up; afterwards it is as it was before."""
    found = logging.getLogger()
    level, handlers = found.level, list(found.handlers)
    yield
    found.setLevel(level)
    found.handlers = handlers


def start(*flags: str) -> Any:
    """Do all that the command does before it sends anything: settings, options and client."""
    with run.command.make_context("run", ["--kubeconfig=kubeconfig", *flags]) as context:
        found = run._settings(context.params), run._options(context.params)
        run._client(context.params)
        return found


def refusal(flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that says why the command does not start."""
    try:
        start(*flags)
    except UsageError as error:
        return str(error)
    except SystemExit as end:
        assert end.code == 1  # noqa: PT017 one of two ways to refuse
        (line,) = capsys.readouterr().err.splitlines()
        return str(json.loads(line)["msg"])
    pytest.fail(f"{flags} are accepted")


ELECTION = "--leader-election-"

REFUSED: dict[str, tuple[tuple[str, ...], ...]] = {
    # what the line has to name: the flags with which it is said
    "1s to 24h": (
        ("--watch-idle-limit=0",), ("--watch-idle-limit=999ms",), ("--watch-idle-limit=-1m",),
        ("--watch-idle-limit=25h",), ("--watch-resync-interval=0s",),
        ("--uninstall-timeout=0",), ("--uninstall-timeout=-5m",), ("--uninstall-timeout=25h",),
        ("--watch-resync-interval=-290s",), (f"{ELECTION}lease-duration=0",),
        (f"{ELECTION}lease-duration=-35s",), (f"{ELECTION}lease-duration=900h",),
    ),
    "10ms to 24h": (
        (f"{ELECTION}renew-deadline=0",), (f"{ELECTION}renew-deadline=-30s",),
        (f"{ELECTION}retry-period=0",), (f"{ELECTION}retry-period=-5s",),
        (f"{ELECTION}retry-period=-5s", "--enable-leader-election=false"),
    ),
    "1ms to 8760h": (
        ("--min-retry-delay=0",), ("--min-retry-delay=1ns",), ("--min-retry-delay=-750ms",),
        ("--max-retry-delay=0",), ("--max-retry-delay=-15m",), ("--max-retry-delay=100000h",),
    ),
    "1s to 8760h, or 0 for no report at all": (
        ("--reporting-interval=-5m",), ("--reporting-interval=1ns",),
        ("--reporting-interval=500ms",), ("--reporting-interval=99999h",),
    ),
    "not a duration such as 90s": (
        ("--watch-idle-limit=90",), ("--min-retry-delay=",), ("--max-retry-delay=1d",),
        ("--reporting-interval=soon",), (f"{ELECTION}retry-period=5 s",),
    ),
    "0<=x<=99": (("--interval-jitter-percentage=100",), ("--interval-jitter-percentage=-1",)),
    "not a valid int": (("--interval-jitter-percentage=5.5",), ("--concurrent=many",)),
    "not a valid bool": (
        ("--enable-leader-election=perhaps",), (f"{ELECTION}release-on-cancel=2",),
    ),
    "'trace', 'debug', 'info', 'error'": (("--log-level=loud",),),
    "'json', 'console'": (("--log-encoding=xml",),),
    "not an address such as :8081 or 127.0.0.1:8081, or empty for none": (
        ("--health-addr=8081",), ("--health-addr=:http",), ("--metrics-addr=:65536",),
        ("--metrics-addr=localhost",),
    ),
    "it is a folder that has the folder flux in it": (
        ("--storage-path=nowhere",), ("--storage-path=file",), ("--storage-path=bare",),
    ),
    "does not exist": (
        ("--metrics-cert-file=nowhere", "--metrics-key-file=file"),
        ("--metrics-key-file=nowhere", "--metrics-cert-file=file"),
        ("--registry-ca-file=nowhere",),
    ),
    "is a file": (("--artifact-cache=file",),),
    "has no certificates (PEM)": (("--registry-ca-file=file",),),
    "is not HOST[:PORT]": (
        ("--registry-plain-http=http://local:5000",), ("--registry-plain-http=local/flux",),
        ("--registry-plain-http=",),
    ),
    "is not a minor such as 2.8": (("--supported-minors=2",), ("--supported-minors=v2.9",)),
    "it is key=FILE, or identity=ID,issuer=URL,trusted-root=FILE": (("--verify-artifact=key=",),),
    "the kubeconfig ": (
        ("--kubeconfig=nowhere",), ("--kubeconfig=broken",), ("--kubeconfig=list",),
        ("--kubeconfig=file",), ("--kube-context=other",),
    ),
    "is longer than --max-retry-delay=1s": (("--min-retry-delay=2s", "--max-retry-delay=1s"),),
    "must be below the lease duration": (
        (f"{ELECTION}renew-deadline=35s",), (f"{ELECTION}lease-duration=30s",),
    ),
    "must be above 1.2 times its retry period": ((f"{ELECTION}retry-period=26s",),),
    "are the same; each needs one of its own": (
        ("--health-addr=:8080",), ("--metrics-addr=0.0.0.0:8081",), ("--metrics-addr=:9080",),
        ("--web-server-port=8081",),
    ),
    "go together": (
        ("--metrics-cert-file=file",), ("--metrics-key-file=file",), ("--web-cert-file=file",),
        ("--web-key-file=file",),
    ),
    "0<=x<=65535": (("--web-server-port=65536",), ("--web-server-port=-1",)),
    "not one of 'none', 'token'": (("--web-auth=basic",),),
    "needs --web-cert-file": (("--web-auth=token",),),
    "needs --metrics-cert-file": (("--metrics-require-token",),),
}  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "allowed"),
    [
        pytest.param(flags, allowed, id=" ".join(flags))
        for allowed, cases in REFUSED.items()
        for flags in cases
    ],
)
def test_what_cannot_work_is_refused(
    flags: tuple[str, ...], allowed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line that names the flag, its value, and what is allowed."""
    line = refusal(flags, capsys)
    name, _, value = flags[0].partition("=")
    assert name in line
    assert value in line
    assert allowed in line
    assert "\n" not in line


def test_every_flag_has_its_range_here() -> None:
    """A new flag is added to the table above, or to those that admit anything."""
    anything = {"--override-manager", "--resolve-digests", "--help", "-h"}
    tested = {flags[0].partition("=")[0] for cases in REFUSED.values() for flags in cases}
    visible = {
        option.opts[0]
        for option in run.command.params
        if isinstance(option, click.Option) and not option.hidden
    }
    assert visible - anything - tested == set()


@pytest.mark.parametrize(
    "flags",
    [
        ("--reporting-interval=0",), ("--reporting-interval=0s",), ("--reporting-interval=1s",),
        ("--interval-jitter-percentage=0",), ("--interval-jitter-percentage=99",),
        ("--health-addr=", "--metrics-addr="), ("--health-addr=:0", "--metrics-addr=:0"),
        ("--health-addr=127.0.0.1:8080", "--metrics-addr=127.0.0.2:8080"),
        ("--metrics-addr=[::1]:8080",), ("--concurrent=0",), ("--concurrent=-1",),
        ("--storage-path=good",), ("--min-retry-delay=1s", "--max-retry-delay=1s"),
        ("--watch-idle-limit=1s", "--watch-resync-interval=1s"), ("--override-manager=",),
        (f"{ELECTION}renew-deadline=40s", "--enable-leader-election=false"),
        ("--registry-plain-http=local:5000", "--registry-plain-http=[::1]:5000"),
        ("--kube-context=x",), ("--supported-minors=",), ("--web-server-port=0",),
        ("--web-server-port=9081", "--metrics-addr=:9080"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_can_work_is_accepted(flags: tuple[str, ...]) -> None:
    """Special values of the reference among it; `--concurrent` has no effect at all."""
    start(*flags)


def test_a_storage_path_that_may_not_be_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason of the system."""

    def refuse(path: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(UsageError, match=r"--storage-path: 'good' .* Permission denied"):
        start("--storage-path=good")


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("REPORTING_INTERVAL", "often", "not a duration"),
        ("REPORTING_INTERVAL", "-5m", "1s to 8760h, or 0 for no report at all"),
        ("RUNTIME_NAMESPACE", "Flux System", "lower case letters, digits and dashes"),
        ("RUNTIME_NAMESPACE", "a" * 64, "up to 63"),
        ("RUNTIME_NAMESPACE", "../kube-system", "not the name of a namespace"),
        ("KUBECONFIG", "nowhere", "the kubeconfig nowhere does not exist"),
    ],
)
def test_a_variable_that_cannot_work_is_refused(
    variable: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named, with the flag that it wins over."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError) as caught:
        start("--kubeconfig=")
    assert variable in str(caught.value)
    assert value in str(caught.value)
    assert allowed in str(caught.value)
    flag = {"REPORTING_INTERVAL": "--reporting-interval", "KUBECONFIG": "--kubeconfig"}
    assert flag.get(variable, "") in str(caught.value)


@pytest.mark.parametrize("value", ["10m", "0"])
def test_a_variable_in_range_wins(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zero means no report there as well."""
    monkeypatch.setenv("REPORTING_INTERVAL", value)
    settings, _ = start("--reporting-interval=1m")
    assert settings.reporting_interval.total_seconds() == {"10m": 600, "0": 0}[value]


@pytest.mark.parametrize("value", ["user:secret@host", "ftp://user:secret@host", "http://"])
def test_an_address_of_notifications_is_a_url(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may hold a password, so it is not shown."""
    monkeypatch.setenv("NOTIFICATION_CONTROLLER_ADDRESS", value)
    with pytest.raises(UsageError, match="NOTIFICATION_CONTROLLER_ADDRESS is not a URL") as caught:
        start()
    assert "secret" not in str(caught.value)


def test_a_field_manager_without_a_name_is_none() -> None:
    """It would own what nobody owns."""
    settings, _ = start("--override-manager=", "--override-manager= a ")
    assert settings.override_managers == ("a",)
