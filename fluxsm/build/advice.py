# SPDX-License-Identifier: Apache-2.0
"""What of an instance probably means something else than was written: it is built all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from fluxsm.api import duration, names
from fluxsm.api.instance import FluxInstance
from fluxsm.build.validation.finding import did_you_mean, show
from fluxsm.objects.redaction import has_login

_PREFIX: Final = f"{names.GROUP}/"
_PERIODS: Final = {
    names.RECONCILE_EVERY: "1h",
    names.RECONCILE_ARTIFACT_EVERY: "10m",
    names.RECONCILE_TIMEOUT: "5m",
}
_SWITCHES: Final = ("enabled", names.DISABLED)
# Of the same prefix, with a meaning of their own for this or another kind.
_OTHERS: Final = frozenset(
    _PREFIX + name
    for name in (
        "checksum", "checksumFrom", "convertKubeConfigFrom", "copyFrom", "createdBy", "force",
        "name", "namespace", "profile", "prune", "recreateOnFailure", "revision", "rollback",
        "suspendedBy",
    )
)  # fmt: skip


def advise(instance: FluxInstance) -> Iterator[str]:
    """Give each odd value in a sentence that begins with its path."""
    yield from _annotations(instance)
    spec = instance.spec
    artifact, sync = spec.distribution.artifact, spec.sync
    if artifact and has_login(artifact):
        yield _login(".spec.distribution.artifact", ".spec.distribution.artifactPullSecret")
    if sync is None:
        return
    if has_login(sync.url):
        yield _login(".spec.sync.url", ".spec.sync.pullSecret")
    if sync.kind == "Bucket" and "://" in sync.url and sync.provider in {None, "generic", "aws"}:
        yield (
            ".spec.sync.url of a Bucket is an endpoint without a scheme, such as"
            " minio.example.com:9000; with one, source-controller does not find it"
        )


def _annotations(instance: FluxInstance) -> Iterator[str]:
    known = (names.RECONCILE, *_PERIODS)
    for key, value in sorted(instance.metadata.annotations.items()):
        where = f".metadata.annotations[{key}]"
        if key == names.RECONCILE and value.lower() not in _SWITCHES:
            yield (
                f"{where} is {show(value)}, which counts as enabled; allowed: enabled or disabled"
            )
        elif key in _PERIODS:
            yield from _period(where, value, _PERIODS[key], key == names.RECONCILE_TIMEOUT)
        elif key.startswith(_PREFIX) and key not in {*known, *_OTHERS}:
            yield f"{where} has no effect{did_you_mean(key, known)}"


def _period(where: str, value: str, default: str, is_limit: bool) -> Iterator[str]:
    try:
        found = duration.parse(value)
    except ValueError:
        yield (
            f"{where} is {show(value)}, which is not a duration such as 90s, 5m or 1h30m; the"
            f" default of {default} counts"
        )
        return
    if is_limit and found <= timedelta(0):
        yield f"{where} is {show(value)}, so every health check fails at once; write for example 5m"


def _login(where: str, secret: str) -> str:
    return f"{where} has a login in it; put it into a Secret and name that in {secret}"
