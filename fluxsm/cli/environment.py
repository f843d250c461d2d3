# SPDX-License-Identifier: Apache-2.0
"""The environment of the operator. What is set there wins over flags, as in the reference."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from fluxsm.api import names
from fluxsm.cli.durations import Duration
from fluxsm.errors import UsageError

log = logging.getLogger("fluxsm")

_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def namespace() -> str:
    """Return the namespace of the operator.

    Raises:
        UsageError: RUNTIME_NAMESPACE is no name of a namespace.
    """
    found = os.environ.get("RUNTIME_NAMESPACE")
    if not found:
        log.info("RUNTIME_NAMESPACE is not set; the default is used: %s", names.DEFAULT_NAMESPACE)
        return names.DEFAULT_NAMESPACE
    if not _NAMESPACE.fullmatch(found):
        raise UsageError(
            f"the environment variable RUNTIME_NAMESPACE: {found!r} is not the name of a namespace:"
            " up to 63 lower case letters, digits and dashes"
        )
    return found


def override_managers(flags: Iterable[str]) -> tuple[str, ...]:
    """Return the field managers whose fields are taken over.

    Args:
        flags: what the flags say; one without a name counts as not given.
    """
    variable = os.environ.get("OVERRIDE_MANAGERS")
    return split(variable) if variable else tuple(filter(None, map(str.strip, flags)))


def reporting_interval(flag: timedelta, allowed: Duration) -> timedelta:
    """Return how often the report is made.

    Args:
        flag: what `--reporting-interval` says.
        allowed: the range of the flag.

    Raises:
        UsageError: REPORTING_INTERVAL is no duration, or out of range.
    """
    variable = os.environ.get("REPORTING_INTERVAL")
    if not variable:
        return flag
    try:
        return allowed.read(variable)
    except ValueError as error:
        raise UsageError(
            f"the environment variable REPORTING_INTERVAL, which wins over --reporting-interval:"
            f" {error}"
        ) from None


def notification_address() -> str:
    """Return where notified events are sent, empty when that is derived from the instance.

    Raises:
        UsageError: NOTIFICATION_CONTROLLER_ADDRESS is no URL; it is not shown, because it may hold
            a password.
    """
    found = os.environ.get("NOTIFICATION_CONTROLLER_ADDRESS", "")
    if found and not _is_url(found):
        raise UsageError(
            "the environment variable NOTIFICATION_CONTROLLER_ADDRESS is not a URL such as"
            " http://notification-controller.flux-system.svc.cluster.local./"
        )
    return found


def _is_url(text: str) -> bool:
    try:
        found = urlsplit(text)
        return found.scheme in {"http", "https"} and bool(found.hostname) and found.port != 0
    except ValueError:
        return False


def split(text: str) -> tuple[str, ...]:
    """Return the parts of a text with commas, without those that are empty."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
