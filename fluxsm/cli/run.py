# SPDX-License-Identifier: Apache-2.0
"""`fluxsm run`: the operator process."""

from __future__ import annotations

import logging
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from fluxsm.api import duration, names
from fluxsm.errors import UsageError
from fluxsm.settings import Settings

log = logging.getLogger("fluxsm")

_LEVELS = {"trace": 5, "debug": logging.DEBUG, "info": logging.INFO, "error": logging.ERROR}


class Duration(click.ParamType[timedelta]):
    """A Go duration such as 750ms or 15m."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """The text as a duration."""
        if isinstance(value, timedelta):
            return value
        try:
            return duration.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


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


def _accept_ignored(command: click.Command) -> click.Command:
    for name in _IGNORED:
        command = click.option(
            f"--{name}", hidden=True, expose_value=False, is_flag=False, flag_value="true"
        )(command)
    return command


@click.command("run")
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
    "--health-addr", default=":8081", show_default=True, help="Address of the probes; empty: none."
)
@click.option(
    "--metrics-addr",
    default=":8080",
    show_default=True,
    help="Address of the metrics; empty: none.",
)
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
    "--reporting-interval",
    type=Duration(),
    default="5m",
    show_default=True,
    help="Accepted for compatibility.",
)
def command(**flags: Any) -> None:
    """Run the operator until it is told to stop."""
    try:
        _set_up_logs(flags["log_encoding"], flags["log_level"])
        operator = _operator(flags)
    except UsageError as error:
        log.error("%s", error)  # noqa: TRY400 a message for people, not a trace
        sys.exit(1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: operator.stop())
    operator.run()


def _operator(flags: dict[str, Any]) -> Any:
    from fluxsm.adapters.kube.client import KubeClient
    from fluxsm.app import Operator, Options

    kubeconfig = flags["kubeconfig"] or os.environ.get("KUBECONFIG")
    if kubeconfig or not os.environ.get("KUBERNETES_SERVICE_HOST"):
        client = KubeClient.from_kubeconfig(kubeconfig, flags["kube_context"])
    else:
        client = KubeClient.in_cluster()
    options = Options(
        storage=_storage(flags["storage_path"]),
        health_address=flags["health_addr"],
        metrics_address=flags["metrics_addr"],
    )
    return Operator(client, _settings(flags), options)


def _settings(flags: dict[str, Any]) -> Settings:
    namespace = os.environ.get("RUNTIME_NAMESPACE")
    if not namespace:
        namespace = names.DEFAULT_NAMESPACE
        log.info("RUNTIME_NAMESPACE is not set; the default is used: %s", namespace)
    managers = os.environ.get("OVERRIDE_MANAGERS")
    _check_duration("REPORTING_INTERVAL")
    return Settings(
        namespace=namespace,
        jitter=flags["jitter"] / 100,
        min_retry=flags["min_retry_delay"],
        max_retry=flags["max_retry_delay"],
        override_managers=_split(managers) if managers else tuple(flags["override_managers"]),
        supported_minors=frozenset(_split(flags["supported_minors"])),
        notification_address=os.environ.get("NOTIFICATION_CONTROLLER_ADDRESS", ""),
        notifications_disabled=bool(os.environ.get("NOTIFICATIONS_DISABLED")),
    )


def _check_duration(variable: str) -> None:
    value = os.environ.get(variable)
    if value:
        try:
            duration.parse(value)
        except ValueError as error:
            raise UsageError(f"the environment variable {variable}: {error}") from None


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _storage(path: Path | None) -> Path:
    from fluxsm.adapters.bundled import starter_folder

    if path is not None:
        return path
    default = Path("/data")
    return default if (default / "flux").is_dir() else starter_folder()


def _set_up_logs(encoding: str, level: str) -> None:
    from fluxsm.runtime.logs import JsonFormatter

    handler = logging.StreamHandler(sys.stderr)
    if encoding == "json":
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=_LEVELS[level], handlers=[handler], force=True)
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    logging.getLogger("kubernetes").setLevel(logging.WARNING)


command = _accept_ignored(command)
