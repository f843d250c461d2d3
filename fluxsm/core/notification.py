# SPDX-License-Identifier: Apache-2.0
"""What is sent to Flux's notification-controller, where to, and when it is tried again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fluxsm.api import names
from fluxsm.objects import manifest

TIMEOUT: Final = timedelta(seconds=5)
"""Time limit of one attempt."""

RETRIES: Final = 4
FIRST_WAIT: Final = timedelta(seconds=1)
LONGEST_WAIT: Final = timedelta(seconds=30)
NOT_IMPLEMENTED: Final = 501


def address(
    components: Iterable[str],
    *,
    namespace: str,
    domain: str,
    override: str = "",
    disabled: bool = False,
) -> str:
    """Return the URL that events are posted to, empty when nobody listens.

    Args:
        components: the components of the instance, defaults applied.
        namespace: where they are installed.
        domain: the cluster's domain.
        override: an address that is used as it is, whatever else is set.
        disabled: whether notifications are switched off.
    """
    if override:
        return override
    if disabled or "notification-controller" not in components:
        return ""
    # The dot makes the name absolute: it is not tried with every search domain first.
    return f"http://notification-controller.{namespace}.svc.{domain}./"


def metadata(annotations: Mapping[str, str], revision: str) -> dict[str, str]:
    """Return what an event carries besides its text.

    Args:
        annotations: of the instance; those for events are passed on under their own keys.
        revision: the revision that the event is about; empty if there is none.
    """
    passed = {
        key: value
        for key, value in annotations.items()
        if key.startswith(names.EVENT_METADATA_PREFIX)
    }
    return {**passed, names.REVISION_ANNOTATION: revision} if revision else passed


def payload(
    instance: Mapping[str, Any],
    *,
    type_: str,
    reason: str,
    message: str,
    metadata: Mapping[str, str],
    now: datetime,
    host: str,
) -> dict[str, Any]:
    """Return the body of the request.

    Args:
        instance: the FluxInstance that the event is about.
        type_: `Normal` or `Warning`.
        reason: one word in CamelCase.
        message: text.
        metadata: what the event carries besides.
        now: the current time.
        host: host name of the operator's pod.
    """
    involved = {
        "apiVersion": manifest.text(instance, "apiVersion"),
        "kind": manifest.text(instance, "kind"),
        **{
            key: manifest.text(instance, "metadata", key)
            for key in ("name", "namespace", "uid", "resourceVersion")
        },
    }
    return {
        "involvedObject": involved,
        "severity": "error" if type_ == "Warning" else "info",
        "timestamp": now.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "message": message,
        "reason": reason,
        "metadata": dict(metadata),
        "reportingController": names.MANAGER,
        "reportingInstance": host,
    }


def is_retried(status: int | None) -> bool:
    """Whether a request is sent again after this answer.

    A full or starting server may do better next time. Anything else is final, also 429, by which
    notification-controller says that it has seen the same event already.

    Args:
        status: HTTP status, None when there was no answer.
    """
    return status is None or (status >= 500 and status != NOT_IMPLEMENTED)


def wait_before(retry: int) -> timedelta:
    """Return how long to wait before a retry, from 1 for the first: doubled each time."""
    return min(FIRST_WAIT * (1 << max(min(retry, 32) - 1, 0)), LONGEST_WAIT)
