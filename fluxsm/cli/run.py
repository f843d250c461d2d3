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
from itertools import combinations
from pathlib import Path
from typing import Any

import click

from fluxsm.api import duration
from fluxsm.cli import environment, metrics, registry, web
from fluxsm.cli.addresses import Address, check_apart
from fluxsm.cli.distribution import own_folder
from fluxsm.cli.durations import Duration
from fluxsm.core.settings import Settings
from fluxsm.errors import FluxsmError, UsageError
from fluxsm.runtime.lease import LeaderElectionConfig

log = logging.getLogger("fluxsm")

_ENDS = (signal.SIGTERM, signal.SIGINT)
_REPORTING = Duration("1s", zero="no report at all")
_LEVELS = {"trace": 5, "debug": logging.DEBUG, "info": logging.INFO, "error": logging.ERROR}


# Flags of the reference operator that have no meaning here; Deployments that set them still start.
_IGNORED = (
    "default-service-account",
    "default-workload-identity-service-account",
    "requeue-dependency",
    "token-cache-max-size",
    "token-cache-max-duration",
    "watch-configs-label-selector",
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


@click.command("run", cls=LoggedCommand, context_settings={"help_option_names": ["-h", "--help"]})
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
    type=Duration("1s", "24h"),
    default="35s",
    show_default=True,
    help="How long others respect a leader that does not renew the lease.",
)
@click.option(
    "--leader-election-renew-deadline",
    "renew_deadline",
    type=Duration("10ms", "24h"),
    default="30s",
    show_default=True,
    help="How long the leader goes on without a renewal.",
)
@click.option(
    "--leader-election-retry-period",
    "retry_period",
    type=Duration("10ms", "24h"),
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
    "idle_limit",
    type=Duration("1s", "24h"),
    default="90s",
    show_default=True,
    help="A watch that is idle for longer is opened again; bookmarks come every minute.",
)
@click.option(
    "--watch-resync-interval",
    "resync",
    type=Duration("1s", "24h"),
    default="290s",
    show_default=True,
    help="Read the whole list again this often, in case an event was lost without an error.",
)
@click.option(
    "--health-addr",
    type=Address(),
    default=":8081",
    show_default=True,
    help="Address of the probes; empty: none.",
)
@metrics.options
@web.options
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
    type=Duration("1ms"),
    default="750ms",
    show_default=True,
    help="Delay before the first retry.",
)
@click.option(
    "--max-retry-delay",
    type=Duration("1ms"),
    default="15m",
    show_default=True,
    help="Longest delay between retries.",
)
@click.option(
    "--uninstall-timeout",
    type=Duration("1s", "24h"),
    default="5m",
    show_default=True,
    help="How long an uninstallation may take before the instance goes and leftovers are named.",
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
    type=_REPORTING,
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
    help="Folder where fetched artifacts are kept; it can be deleted at any time.",
)
@registry.verify_option
@registry.options
def command(**flags: Any) -> None:
    """Run the operator until it is stopped.

    The exit code is 0 after SIGTERM, and 1 after an error that only a new process, or somebody
    else, can fix: flags or credentials that cannot be used, the lease lost. The last line of the
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
    """The operator that the flags describe; nothing is sent before all of them were checked."""
    from fluxsm.app import Operator

    settings, options = _settings(flags), _options(flags)
    return Operator(_client(flags), settings, options)


def _options(flags: dict[str, Any]) -> Any:
    from fluxsm.app import Options

    page = web.settings(flags)
    addresses = {
        "--health-addr": flags["health_addr"],
        "--metrics-addr": flags["metrics_addr"],
        "--web-server-port": page.address,
    }
    for first, second in combinations(addresses, 2):
        check_apart(addresses[first], addresses[second], flags=(first, second))
    return Options(
        storage=_storage(flags["storage_path"]),
        health_address=flags["health_addr"],
        metrics=metrics.settings(flags),
        web=page,
        election=_config(flags),
        idle_limit=flags["idle_limit"].total_seconds(),
        resync=flags["resync"].total_seconds(),
        registry=replace(registry.settings(), cache=flags["cache"]),
    )


def _storage(path: Path | None) -> Path:
    """The folder of the operator's own distribution.

    Raises:
        UsageError: it was named, and is no such folder or cannot be read.
    """
    if path is None:
        return own_folder()
    try:
        next((path / "flux").iterdir(), None)
    except OSError as error:
        raise UsageError(
            f"--storage-path: {str(path)!r} cannot be used: {error.filename}: {error.strerror};"
            " it is a folder that has the folder flux in it"
        ) from None
    return path


def _client(flags: dict[str, Any]) -> Any:
    """The connection to the API server: that of a kubeconfig, or of the pod.

    Raises:
        UsageError: there is none that can be used.
    """
    from fluxsm.adapters.kube.client import KubeClient

    path, context = flags["kubeconfig"] or os.environ.get("KUBECONFIG"), flags["kube_context"]
    if not path and os.environ.get("KUBERNETES_SERVICE_HOST"):
        return KubeClient.in_cluster()
    try:
        return KubeClient.from_kubeconfig(path, context)
    except UsageError as error:
        where = f"{path!r}" if path else "the default"
        named = f", --kube-context: {context!r}" if context else ""
        raise UsageError(f"--kubeconfig or KUBECONFIG: {where}{named}: {error}") from None


def _config(flags: dict[str, Any]) -> LeaderElectionConfig | None:
    if not flags["enable_leader_election"]:
        return None
    keys = {"lease-duration": "duration", "renew-deadline": "deadline", "retry-period": "retry"}
    found = {field: flags[key.replace("-", "_")] for key, field in keys.items()}
    try:
        return LeaderElectionConfig(**found, release=flags["leader_election_release_on_cancel"])
    except UsageError as error:
        named = (
            f"--leader-election-{key}={duration.format(found[field])}"
            for key, field in keys.items()
        )
        raise UsageError(f"{', '.join(named)}: {error}") from None


def _settings(flags: dict[str, Any]) -> Settings:
    least, most = flags["min_retry_delay"], flags["max_retry_delay"]
    if least > most:
        raise UsageError(
            f"--min-retry-delay={duration.format(least)} is longer than"
            f" --max-retry-delay={duration.format(most)}"
        )
    return Settings(
        namespace=environment.namespace(),
        jitter=flags["jitter"] / 100,
        min_retry=least,
        max_retry=most,
        uninstall_timeout=flags["uninstall_timeout"],
        override_managers=environment.override_managers(flags["override_managers"]),
        supported_minors=_minors(flags["supported_minors"]),
        resolve_digests=flags["resolve_digests"],
        notification_address=environment.notification_address(),
        notifications_disabled=bool(os.environ.get("NOTIFICATIONS_DISABLED")),
        reporting_interval=environment.reporting_interval(flags["reporting_interval"], _REPORTING),
    )


def _minors(text: str) -> frozenset[str]:
    found = frozenset(environment.split(text))
    for minor in sorted(found):
        if not re.fullmatch(r"[0-9]+\.[0-9]+", minor):
            raise UsageError(f"--supported-minors: {minor!r} is not a minor such as 2.8")
    return found


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
