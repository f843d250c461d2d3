# SPDX-License-Identifier: Apache-2.0
"""`fluxsm run`: the operator process."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from fluxsm.api import duration, names
from fluxsm.cli import metrics, registry
from fluxsm.cli.distribution import own_folder
from fluxsm.cli.durations import Duration
from fluxsm.core.settings import Settings
from fluxsm.errors import FluxsmError, UsageError
from fluxsm.runtime.lease import LeaderElectionConfig

log = logging.getLogger("fluxsm")

_ENDS = (signal.SIGTERM, signal.SIGINT)
_LEVELS = {"trace": 5, "debug": logging.DEBUG, "info": logging.INFO, "error": logging.ERROR}


# Flags of the reference operator that have no meaning here; Deployments that set them still start.
_IGNORED = (
    "default-service-account",
    "default-workload-identity-service-account",
    "requeue-dependency",
    "token-cache-max-size",
    "token-cache-max-duration",
    "watch-configs-label-selector",
    "web-server-port",
    "web-server-only",
    "web-config",
    "web-config-secret-name",
)


def _accept_ignored(command: click.Command) -> None:
    for name in _IGNORED:
        click.option(
            f"--{name}", hidden=True, expose_value=False, is_flag=False, flag_value="true"
        )(command)


class LoggedCommand(click.Command):
    """A command that says what is wrong with its flags the way it says everything: in its log."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the flags, or end with status 1 after one log line."""
        try:
            return super().make_context(*args, **extra)
        except click.UsageError as error:
            _set_up_logs("json", "info")
            log.error("%s", error.format_message())  # noqa: TRY400 no trace for people
            sys.exit(1)


_SWITCH: dict[str, Any] = {
    "is_flag": False, "flag_value": "true", "type": bool, "default": True, "show_default": True,
}  # fmt: skip
"""A flag as Go programs have it: on by default, `--name` or `--name=false`."""


@click.command("run", cls=LoggedCommand)
@click.option(
    "--kubeconfig",
    type=click.Path(dir_okay=False),
    help="Kubeconfig; default: the pod's service account.",
)
@click.option("--kube-context", help="Context of the kubeconfig.")
@click.option(
    "--concurrent",
    type=int,
    default=10,
    show_default=True,
    help="Accepted for compatibility; one instance is one run.",
)
@click.option(
    "--storage-path",
    type=click.Path(path_type=Path),
    help="Folder of the operator's own distribution. [default: /data or the starter one]",
)
@click.option(
    "--enable-leader-election", **_SWITCH, help="Let only one of several processes write."
)
@click.option(
    "--leader-election-lease-duration",
    "lease_duration",
    type=Duration(),
    default="35s",
    show_default=True,
    help="How long others respect a leader that is silent.",
)
@click.option(
    "--leader-election-renew-deadline",
    "renew_deadline",
    type=Duration(),
    default="30s",
    show_default=True,
    help="How long the leader goes on without a renewal.",
)
@click.option(
    "--leader-election-retry-period",
    "retry_period",
    type=Duration(),
    default="5s",
    show_default=True,
    help="Pause between two requests for the lease.",
)
@click.option(
    "--leader-election-release-on-cancel",
    **_SWITCH,
    help="Give the lease back at the end, for the next one.",
)
@click.option(
    "--watch-idle-limit",
    "silence",
    type=Duration(),
    default="90s",
    show_default=True,
    help="A watch that is silent for longer is opened again; the API server speaks every minute.",
)
@click.option(
    "--watch-resync-interval",
    "resync",
    type=Duration(),
    default="290s",
    show_default=True,
    help="Hear of everything anew this often, in case an event was lost without a word.",
)
@click.option(
    "--health-addr", default=":8081", show_default=True, help="Address of the probes; empty: none."
)
@metrics.options
@click.option(
    "--interval-jitter-percentage",
    "jitter",
    type=click.IntRange(0, 99),
    default=5,
    show_default=True,
    help="Share of the interval that chance may add or take.",
)
@click.option(
    "--log-encoding",
    type=click.Choice(["json", "console"]),
    default="json",
    show_default=True,
    help="Format of the log.",
)
@click.option(
    "--log-level",
    type=click.Choice(list(_LEVELS)),
    default="info",
    show_default=True,
    help="Least level that is logged.",
)
@click.option(
    "--min-retry-delay",
    type=Duration(),
    default="750ms",
    show_default=True,
    help="Delay before the first retry.",
)
@click.option(
    "--max-retry-delay",
    type=Duration(),
    default="15m",
    show_default=True,
    help="Longest delay between retries.",
)
@click.option(
    "--override-manager",
    "override_managers",
    multiple=True,
    help="Field manager whose fields are taken over; repeatable.",
)
@click.option(
    "--supported-minors",
    default="",
    help="Minors that may be installed, comma separated. [default: those of the own distribution]",
)
@click.option(
    "--resolve-digests",
    is_flag=True,
    help="Ask the registry for the digests of images that the distribution does not list.",
)
@click.option(
    "--reporting-interval",
    type=Duration(),
    default="5m",
    show_default=True,
    help="How often the FluxReport is made; 0: not at all.",
)
@click.option(
    "--artifact-cache",
    "cache",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(tempfile.gettempdir()) / "fluxsm-artifacts",
    show_default=True,
    metavar="DIR",
    help="Folder where fetched artifacts are kept; losing it harms nothing.",
)
@registry.verify_option
@registry.options
def command(**flags: Any) -> None:
    """Run the operator until it is told to stop.

    The exit code is 0 after SIGTERM, and 1 after an error that only a new process, or somebody
    else, can mend: flags or credentials that cannot be used, the lease lost. The last line of the
    log says which.
    """
    _set_up_logs(flags["log_encoding"], flags["log_level"])
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)  # before any thread is started
        operator = _operator(flags)
        threading.Thread(
            target=_await_end, args=(operator.stop,), name="signals", daemon=True
        ).start()
        operator.run()
    except FluxsmError as error:
        log.error("%s", error)  # noqa: TRY400 a message for people, not a trace
        _leave(1)
    _leave(0)


def _await_end(stop: Callable[[], None]) -> None:
    """Pass the signal to end on from a thread: a signal handler may find any lock taken."""
    while True:
        signal.sigwait(_ENDS)
        stop()


def _leave(code: int) -> None:
    """End at once: a download that is under way would hold the process up to its time limit."""
    logging.shutdown()
    os._exit(code)


def _operator(flags: dict[str, Any]) -> Any:
    from fluxsm.adapters.kube.client import KubeClient
    from fluxsm.app import Operator, Options

    settings = _settings(flags)
    options = Options(
        storage=flags["storage_path"] or own_folder(),
        health_address=flags["health_addr"],
        metrics=metrics.settings(flags),
        election=_config(flags),
        silence=flags["silence"].total_seconds(),
        resync=flags["resync"].total_seconds(),
        registry=replace(registry.settings(), cache=flags["cache"]),
    )
    kubeconfig = flags["kubeconfig"] or os.environ.get("KUBECONFIG")
    if kubeconfig or not os.environ.get("KUBERNETES_SERVICE_HOST"):
        client = KubeClient.from_kubeconfig(kubeconfig, flags["kube_context"])
    else:
        client = KubeClient.in_cluster()
    return Operator(client, settings, options)


def _config(flags: dict[str, Any]) -> LeaderElectionConfig | None:
    if not flags["enable_leader_election"]:
        return None
    return LeaderElectionConfig(
        duration=flags["lease_duration"],
        deadline=flags["renew_deadline"],
        retry=flags["retry_period"],
        release=flags["leader_election_release_on_cancel"],
    )


def _settings(flags: dict[str, Any]) -> Settings:
    namespace = os.environ.get("RUNTIME_NAMESPACE")
    if not namespace:
        namespace = names.DEFAULT_NAMESPACE
        log.info("RUNTIME_NAMESPACE is not set; the default is used: %s", namespace)
    managers = os.environ.get("OVERRIDE_MANAGERS")
    interval = _duration("REPORTING_INTERVAL")
    return Settings(
        namespace=namespace,
        jitter=flags["jitter"] / 100,
        min_retry=flags["min_retry_delay"],
        max_retry=flags["max_retry_delay"],
        override_managers=_split(managers) if managers else tuple(flags["override_managers"]),
        supported_minors=_minors(flags["supported_minors"]),
        resolve_digests=flags["resolve_digests"],
        notification_address=os.environ.get("NOTIFICATION_CONTROLLER_ADDRESS", ""),
        notifications_disabled=bool(os.environ.get("NOTIFICATIONS_DISABLED")),
        reporting_interval=flags["reporting_interval"] if interval is None else interval,
    )


def _minors(text: str) -> frozenset[str]:
    found = frozenset(_split(text))
    for minor in sorted(found):
        if not re.fullmatch(r"\d+\.\d+", minor):
            raise UsageError(f"--supported-minors: {minor!r} is not a minor such as 2.8")
    return found


def _duration(variable: str) -> timedelta | None:
    """The duration in a variable of the environment, None when it is not set."""
    value = os.environ.get(variable)
    if not value:
        return None
    try:
        return duration.parse(value)
    except ValueError as error:
        raise UsageError(f"the environment variable {variable}: {error}") from None


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _set_up_logs(encoding: str, level: str) -> None:
    from fluxsm.runtime.logs import JsonFormatter, TextFormatter

    handler = logging.StreamHandler(sys.stderr)
    if encoding == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(TextFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=_LEVELS[level], handlers=[handler], force=True)
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    logging.getLogger("kubernetes").setLevel(logging.WARNING)


_accept_ignored(command)
