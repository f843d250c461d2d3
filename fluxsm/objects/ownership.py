# SPDX-License-Identifier: Apache-2.0
"""Which objects are ours, which must be left alone, and how fields of former owners become ours.

A Flux that was installed by `flux bootstrap`, Helm or kubectl has fields that are owned by other
field managers. A server-side apply never removes a field that somebody else owns, so what the
former owner had set would stay forever. Moving the ownership records to our own entry makes the
next apply remove what is not wanted any more, without touching what is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fluxsm.api import names
from fluxsm.api.objects import Kind
from fluxsm.objects import manifest
from fluxsm.objects.handmade import Keys, divide, kept
from fluxsm.objects.manifest import Fields

STALE_ANNOTATIONS: Final = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
)
"""Annotations by which former owners would recognise an object as theirs."""

STALE_LABELS: Final = (
    "kustomize.toolkit.fluxcd.io/name",
    "kustomize.toolkit.fluxcd.io/namespace",
)
"""Labels by which a bootstrapped Flux would prune an object as its own."""

_SELF = "."
"""The key that says that a field with sub-fields is itself a member of the set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerManager:
    """Field managers whose fields are taken over.

    Attributes:
        name: name of the manager.
        operation: `Apply` or `Update`.
        prefix: whether the name is only the beginning of the manager's name.
    """

    name: str
    operation: str
    prefix: bool = False

    def matches(self, entry: Mapping[str, Any]) -> bool:
        """Whether an entry of `managedFields` belongs to the manager."""
        name = manifest.text(entry, "manager")
        same = name.startswith(self.name) if self.prefix else name == self.name
        return same and entry.get("operation") == self.operation


FORMER_MANAGERS: Final = (
    FormerManager(name="kustomize-controller", operation="Apply"),
    FormerManager(name="helm", operation="Update"),
    FormerManager(name="kubectl", operation="Update", prefix=True),
    FormerManager(name="before-first-apply", operation="Update", prefix=True),
    FormerManager(name="kubectl", operation="Apply", prefix=True),
    FormerManager(name="flux", operation="Apply"),
    FormerManager(name="flux", operation="Update"),
    FormerManager(name=names.MANAGER, operation="Update"),
)
"""A bootstrapped Flux, Helm, kubectl in its many names, the flux command line, and our own patches,
which must not outlive the object that they were made for."""


def owner_labels(name: str, namespace: str) -> dict[str, str]:
    """Return the labels that mark an object as managed for an instance."""
    return {names.OWNER_NAME_LABEL: name, names.OWNER_NAMESPACE_LABEL: namespace}


def owner_selector(name: str, namespace: str) -> str:
    """Return the label selector of the objects that are managed for an instance."""
    return ",".join(f"{key}={value}" for key, value in owner_labels(name, namespace).items())


def is_owned(live: Mapping[str, Any], name: str, namespace: str) -> bool:
    """Whether a live object says that it is managed for this instance.

    Only such objects may be deleted: labels can be removed by a user who takes an object over.
    """
    labels = manifest.labels_of(live)
    return all(labels.get(key) == value for key, value in owner_labels(name, namespace).items())


def why_kept(live: Mapping[str, Any], name: str, namespace: str) -> str:
    """Why an object of the inventory must not be deleted, empty when it may be."""
    if not is_owned(live, name, namespace):
        return "its labels do not say that it belongs to the instance"
    return f"{names.PRUNE} is disabled on it" if is_prune_disabled(live) else ""


def is_prune_disabled(live: Mapping[str, Any]) -> bool:
    """Whether a label or annotation, in upper or lower case, opts an object out of deletion."""
    return _is_disabled(live, names.PRUNE)


def is_reconcile_disabled(live: Mapping[str, Any]) -> bool:
    """Whether an object is switched off: a managed one is not repaired between two runs."""
    return _is_disabled(live, names.RECONCILE)


def _is_disabled(live: Mapping[str, Any], key: str) -> bool:
    marks = (manifest.labels_of(live).get(key), manifest.annotations_of(live).get(key))
    return any(isinstance(mark, str) and mark.lower() == names.DISABLED for mark in marks)


def takeover(
    managed_fields: Sequence[Mapping[str, Any]],
    override_managers: Iterable[str] = (),
    kept: Sequence[Keys] = (),
) -> list[dict[str, Any]] | None:
    """Return the ownership records with those of former managers united into our own.

    Our own entry goes to the end; without one, the first entry that matches becomes ours. Other
    entries keep their order. Entries of a subresource, such as status, are never touched.

    Args:
        managed_fields: `metadata.managedFields` of the live object; not changed.
        override_managers: further managers to take over from, for both operations.
        kept: fields that stay with their manager.

    Returns:
        The new list, or None when there is nobody to take over from.
    """
    former = (*FORMER_MANAGERS, *_overrides(override_managers))
    own: list[Mapping[str, Any]] = []
    matching: list[Mapping[str, Any]] = []
    others: list[Mapping[str, Any]] = []
    for entry in managed_fields:
        if entry.get("subresource"):
            others.append(entry)
        elif entry.get("manager") == names.MANAGER and entry.get("operation") == "Apply":
            own.append(entry)
        elif any(manager.matches(entry) for manager in former):
            taken, left = _divide(entry, kept)
            matching += taken
            others += left
        else:
            others.append(entry)
    if not matching:
        return None
    first, *rest = [*own, *matching]
    fields: Fields = manifest.mapping(first, "fieldsV1")
    for entry in rest:
        fields = unite(fields, manifest.mapping(entry, "fieldsV1"))
    mine = {**first, "manager": names.MANAGER, "operation": "Apply", "fieldsV1": fields}
    return [*(dict(entry) for entry in others), mine]


def _divide(
    entry: Mapping[str, Any], kept: Sequence[Keys]
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """What of a record is taken over, and what stays; there may be nothing of either."""
    ways = () if entry.get("manager") == names.MANAGER else kept
    outside, inside = divide(manifest.mapping(entry, "fieldsV1"), ways)
    if not inside:
        return [entry], []
    left: list[Mapping[str, Any]] = [{**entry, "fieldsV1": inside}]
    return ([{**entry, "fieldsV1": outside}] if outside else []), left


def former_records(
    live: Mapping[str, Any], override_managers: Iterable[str] = ()
) -> list[Mapping[str, Any]]:
    """Return the ownership records that a takeover makes ours, without what stays.

    Args:
        live: the live object, at least its metadata.
        override_managers: further managers to take over from.
    """
    former = (*FORMER_MANAGERS, *_overrides(override_managers))
    ways = kept(Kind.of(dict(live)))
    return [
        taken
        for entry in manifest.managed_fields_of(live)
        if not entry.get("subresource") and any(manager.matches(entry) for manager in former)
        for taken in _divide(entry, ways)[0]
    ]


def _overrides(override_managers: Iterable[str]) -> Iterator[FormerManager]:
    for name in override_managers:
        yield FormerManager(name=name, operation="Apply")
        yield FormerManager(name=name, operation="Update")


def adoption_patch(
    live: Mapping[str, Any], override_managers: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """Return the JSON patch that frees an object of its former owners; empty if it has none.

    The patch holds for exactly the version that it was made for: ownership records are replaced
    as a whole, and those of a write in between must not get lost.

    Args:
        live: the live object, at least its metadata.
        override_managers: further field managers to take over from.
    """
    patch: list[dict[str, Any]] = [
        {"op": "remove", "path": f"/metadata/{kind}/{_escape(key)}"}
        for kind, present, stale in (
            ("annotations", manifest.annotations_of(live), STALE_ANNOTATIONS),
            ("labels", manifest.labels_of(live), STALE_LABELS),
        )
        for key in stale
        if key in present and not (kind == "annotations" and is_shared(live))
    ]
    ways = kept(Kind.of(dict(live)))
    managed = takeover(manifest.managed_fields_of(live), override_managers, ways)
    if managed is not None:
        patch.append({"op": "replace", "path": "/metadata/managedFields", "value": managed})
    version = manifest.text(live, "metadata", "resourceVersion")
    if patch and version:
        patch.append({"op": "replace", "path": "/metadata/resourceVersion", "value": version})
    return patch


def is_shared(live: Mapping[str, Any]) -> bool:
    """Whether an object is used by others as much as by us, so that only our own fields are ours.

    The Namespace is: people label it for admission, quotas and network policies.
    """
    return Kind.of(dict(live)) == Kind("", "v1", "Namespace")


def _escape(key: str) -> str:
    """Escape a key for a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def unite(first: Fields, second: Fields) -> dict[str, Any]:
    """Return the union of two sets of fields, both written as `fieldsV1`.

    An empty mapping below a key means that the field itself is in the set. A mapping with keys
    means that sub-fields are, and the field itself only if `.` is among the keys. So the union of
    a field and one of its sub-fields holds both.
    """
    united: dict[str, Any] = {}
    for key in sorted({*first, *second}):
        if key in first and key in second:
            united[key] = _unite_children(first[key], second[key])
        else:
            united[key] = first[key] if key in first else second[key]
    return united


def _unite_children(first: Fields, second: Fields) -> dict[str, Any]:
    if not first and not second:
        return {}
    return unite(first or {_SELF: {}}, second or {_SELF: {}})
