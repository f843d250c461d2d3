# SPDX-License-Identifier: Apache-2.0
"""What the API server adds to an object, and what it refuses."""

from __future__ import annotations

from typing import Any, Final

from fluxsm.api.objects import CRD, Manifest, ObjectRef
from fluxsm.errors import ClusterError, InvalidError
from fluxsm.simulation.kinds import storage_of

_IMMUTABLE: Final = {
    "Deployment": ("selector",),
    "PersistentVolumeClaim": ("storageClassName", "accessModes"),
}


_LEFT_OUT: Final = {"ConfigMap": ("data", "binaryData"), "Secret": ("data", "stringData")}
"""Maps that a kind of Kubernetes leaves out where they hold nothing; others keep them."""


def leave_out_empty(new: Manifest) -> None:
    """Leave out what the API server leaves out where it holds nothing."""
    for holder, keys in (
        (new, _LEFT_OUT.get(new["kind"], ())),
        (new["metadata"], ("labels", "annotations", "finalizers", "ownerReferences")),
    ):
        for key in keys:
            if not holder.get(key, True):
                del holder[key]


def set_defaults(new: Manifest) -> None:
    """Fill in what the schema of a kind has defaults for."""
    if new["kind"] == "Deployment":
        spec = new.setdefault("spec", {})
        spec.setdefault("replicas", 1)
        spec.setdefault("progressDeadlineSeconds", 600)
    if new["kind"] == "Namespace":
        new.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
        new.setdefault("status", {}).setdefault("phase", "Active")
    if new["kind"] == CRD.kind and storage_of(new):
        status = new.setdefault("status", {})
        stored = status.get("storedVersions") or []
        if storage_of(new) not in stored:
            status["storedVersions"] = [*stored, storage_of(new)]


def check(old: Manifest | None, new: Manifest) -> None:
    """Refuse what the API server would refuse.

    Raises:
        InvalidError: naming the field.
    """
    _check_finalizers(old, new)
    if new["kind"] == CRD.kind:
        _check_stored_versions(new)
    for field in _IMMUTABLE.get(new["kind"], ()) if old is not None else ():
        before, after = _spec(old).get(field), _spec(new).get(field)
        if before != after:
            raise refused(InvalidError, new, f"spec.{field}: field is immutable")
    bound = old is not None and new["kind"] in {"RoleBinding", "ClusterRoleBinding"}
    if bound and (old or {}).get("roleRef") != new.get("roleRef"):
        raise refused(InvalidError, new, "roleRef: cannot change roleRef")


def refused(leaf: type[ClusterError], new: Manifest, message: str) -> ClusterError:
    """An error that names the object."""
    return leaf(f"{ObjectRef.of(new)} (Invalid): {message}")


def _spec(manifest: Manifest | None) -> dict[str, Any]:
    return (manifest or {}).get("spec") or {}


def _check_finalizers(old: Manifest | None, new: Manifest) -> None:
    if old is None or not old["metadata"].get("deletionTimestamp"):
        return
    added = set(new["metadata"].get("finalizers") or []) - set(
        old["metadata"].get("finalizers") or []
    )
    if added:
        raise refused(
            InvalidError,
            new,
            "metadata.finalizers: no new finalizers can be added if the object is being deleted",
        )


def _check_stored_versions(new: Manifest) -> None:
    if not storage_of(new):
        raise refused(InvalidError, new, "spec.versions: must have exactly one storage version")
    names = {item["name"] for item in new["spec"]["versions"]}
    for version in (new.get("status") or {}).get("storedVersions") or []:
        if version not in names:
            raise refused(
                InvalidError,
                new,
                f"status.storedVersions[0]: Invalid value: {version!r}:"
                " must appear in spec.versions",
            )
