# SPDX-License-Identifier: Apache-2.0
"""What the metric `flux_resource_info` says about one Flux object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from fluxsm.api.objects import Manifest
from fluxsm.objects import manifest
from fluxsm.objects.redaction import redact
from fluxsm.report.counts import is_suspended, ready_of

Path: TypeAlias = tuple[str, ...]
"""Where a field of an object is, as keys from the root."""

_URL: Final[Path] = ("spec", "url")
_SOURCE: Final[Path] = ("spec", "sourceRef", "name")

URL: Final[Mapping[str, Path]] = {
    "Bucket": ("spec", "endpoint"),
    "Receiver": ("status", "webhookPath"),
    "ImageRepository": ("spec", "image"),
}
"""Where other kinds than most have their address."""

REFS: Final[Mapping[str, tuple[Path, ...]]] = {
    "GitRepository": tuple(("spec", "ref", key) for key in ("name", "semver", "tag", "branch")),
    "OCIRepository": tuple(("spec", "ref", key) for key in ("semver", "tag")),
    "Bucket": (("spec", "bucketName"),),
}
"""What a source is asked for; the first one that is there counts."""

SOURCES: Final[Mapping[str, tuple[Path, ...]]] = {
    "HelmRelease": (
        ("spec", "chart", "spec", "sourceRef", "name"), ("spec", "chartRef", "name"),
    ),
    "ImagePolicy": (("spec", "imageRepositoryRef", "name"),),
}  # fmt: skip
"""Where other kinds than most name their source; the first one that is there counts."""

REVISIONS: Final[tuple[Path, ...]] = (
    ("status", "lastAttemptedRevision"), ("status", "artifact", "revision"),
)  # fmt: skip

_ALWAYS_READY: Final = frozenset({"Alert", "Provider"})
"""Kinds that have no status, because nothing is done with them."""


def labels(obj: Manifest) -> dict[str, str]:
    """The labels of the series of an object, all of them; those that do not apply are empty.

    Raises:
        MalformedError: it lacks the shape that its kind promises.
    """
    kind = str(obj.get("kind", ""))
    ready = ready_of(obj)
    return {
        "uid": manifest.text(obj, "metadata", "uid"),
        "kind": kind,
        "name": manifest.text(obj, "metadata", "name"),
        "exported_namespace": manifest.text(obj, "metadata", "namespace"),
        "ready": "True" if _needs_no_status(obj) else manifest.text(ready, "status") or "Unknown",
        "reason": manifest.text(ready, "reason"),
        "suspended": str(is_suspended(obj)),
        "revision": _first(obj, REVISIONS),
        "url": redact(_first(obj, (URL.get(kind, _URL),))),
        "ref": _first(obj, REFS.get(kind, ())),
        "source_name": _first(obj, SOURCES.get(kind, (_SOURCE,))),
        "path": _first(obj, (("spec", "path"),)) if kind == "Kustomization" else "",
    }


def _needs_no_status(obj: Manifest) -> bool:
    kind = obj.get("kind")
    is_static = kind == "HelmRepository" and manifest.text(obj, "spec", "type") == "oci"
    return kind in _ALWAYS_READY or is_static


def _first(obj: Manifest, paths: tuple[Path, ...]) -> str:
    """The first text that is there."""
    return next(filter(None, (manifest.text(obj, *path) for path in paths)), "")
