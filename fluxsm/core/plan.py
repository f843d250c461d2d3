# SPDX-License-Identifier: Apache-2.0
"""What a reconciliation would do to a cluster, worked out from what was read and rehearsed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fluxsm.api.objects import CRD, Kind, Manifest, ObjectRef
from fluxsm.build.compare import Change, FieldChange, ObjectChange, compare
from fluxsm.objects import definitions, manifest
from fluxsm.objects.definitions import DefinitionChange
from fluxsm.objects.seizure import Seizure, seized

VERSION_LABEL: Final = "app.kubernetes.io/version"
"""Changes with each release on each object, so it is counted and not shown."""

_SERVER_FIELDS: Final = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
_WORKLOADS: Final = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """One object of the build, and what the API server makes of it.

    Attributes:
        wanted: what would be applied.
        live: what is there, None where there is nothing.
        after: the answer to a dry run; None where that was not possible, and is worked out.
    """

    wanted: Manifest
    live: Manifest | None
    after: Manifest | None = None

    @property
    def ref(self) -> ObjectRef:
        """The object."""
        return ObjectRef.of(self.wanted)

    @property
    def result(self) -> Manifest:
        """The object as it would be."""
        if self.after is not None:
            return self.after
        return _merged(self.live, self.wanted) if self.live is not None else self.wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """The custom resources of one definition.

    Attributes:
        total: how many there are.
        dropped: how many of them have a field that the new definition does not know, by field.
    """

    total: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """Custom resources that are stored again in another version.

    Attributes:
        definition: its name.
        kind: such as `HelmRelease`.
        retired: versions in which none is stored afterwards.
        storage: the version in which they are stored then.
        resources: how many, and what they lose.
    """

    definition: str
    kind: str
    retired: tuple[str, ...]
    storage: str
    resources: Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageChange:
    """A container whose image changes.

    Attributes:
        workload: the object that it is in.
        container: its name.
        old: the image now, empty for a new container.
        new: the image then, empty for one that goes.
    """

    workload: ObjectRef
    container: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would happen.

    Attributes:
        installed: the revision in the cluster, empty before the first installation.
        target: the revision that would be there; empty where nothing could be built.
        changes: objects that are created, changed or deleted; a changed one with its fields.
        relabelled: objects of which only the version label changes.
        unchanged: objects that stay as they are.
        images: containers with another image.
        definitions: kinds whose versions or schemas change.
        rewrites: custom resources that are stored again.
        seizures: fields of others that are taken over, by object.
        kept: objects that are not wanted any more and stay all the same, and why.
        consequences: what follows from what goes; sentences.
        refused: what stands in the way; then nothing of the rest happens.
        notes: what else one should know.
    """

    installed: str = ""
    target: str = ""
    changes: tuple[ObjectChange, ...] = ()
    relabelled: tuple[ObjectRef, ...] = ()
    unchanged: int = 0
    images: tuple[ImageChange, ...] = ()
    definitions: tuple[DefinitionChange, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()
    seizures: Mapping[ObjectRef, tuple[Seizure, ...]] = field(default_factory=dict)
    kept: Mapping[ObjectRef, str] = field(default_factory=dict)
    consequences: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything would change."""
        return bool(self.changes or self.relabelled or self.rewrites or self.seizures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Objects:
    """What becomes of the objects of a build; the parts are those of a plan."""

    changes: tuple[ObjectChange, ...]
    relabelled: tuple[ObjectRef, ...]
    unchanged: int
    images: tuple[ImageChange, ...]
    definitions: tuple[DefinitionChange, ...]
    seizures: Mapping[ObjectRef, tuple[Seizure, ...]]


def judge(rehearsals: Sequence[Rehearsal], deleted: Sequence[Manifest]) -> Objects:
    """What becomes of the objects of a build, and of those that it has no more.

    Args:
        rehearsals: what would be applied, in delivery order.
        deleted: live objects that would be deleted.
    """
    seizures = {
        item.ref: tuple(found)
        for item in rehearsals
        if item.live is not None and (found := seized(item.live, item.wanted, item.result))
    }
    changes: list[ObjectChange] = []
    relabelled: list[ObjectRef] = []
    for item in rehearsals:
        change = object_change(item, seizures.get(item.ref, ()))
        if change is None:
            continue
        if change.change is Change.CHANGED and not change.fields:
            relabelled.append(item.ref)
        else:
            changes.append(change)
    going = [ObjectChange(ref=ObjectRef.of(item), change=Change.REMOVED) for item in deleted]
    return Objects(
        changes=(*changes, *going),
        relabelled=tuple(relabelled),
        unchanged=len(rehearsals) - len(changes) - len(relabelled),
        images=tuple(_images(rehearsals)),
        definitions=tuple(_definitions(rehearsals, deleted)),
        seizures=seizures,
    )


def object_change(item: Rehearsal, seizures: Sequence[Seizure] = ()) -> ObjectChange | None:
    """What becomes of one object, None where it stays as it is.

    Args:
        item: the object.
        seizures: fields of others that it would lose.

    Returns:
        The change; it has no fields where nothing but the version label changes. Of a definition
        only the metadata is compared field by field: its schemas are judged by themselves.
    """
    if item.live is None:
        return ObjectChange(ref=item.ref, change=Change.ADDED)
    old, new = _comparable(item.live), _comparable(item.result)
    if item.ref.kind == CRD:
        old, new = ({**side, "spec": _without_versions(side)} for side in (old, new))
    found = compare([old], [new])
    fields = list(found[0].fields) if found else []
    fields += [_removal(seizure) for seizure in seizures if seizure.goes]
    if item.ref.kind == CRD and definitions.change("", item.live, item.result):
        fields.append(FieldChange(path=".spec.versions", change=Change.CHANGED))
    if not fields:
        return None
    shown = tuple(change for change in fields if not _is_version_label(change))
    return ObjectChange(ref=item.ref, change=Change.CHANGED, fields=shown)


def _removal(seizure: Seizure) -> FieldChange:
    return FieldChange(path=f".{seizure.path}", change=Change.REMOVED, old=seizure.old)


def _is_version_label(change: FieldChange) -> bool:
    return change.path.endswith(f'["{VERSION_LABEL}"]')


def _comparable(item: Manifest) -> Manifest:
    """An object without what the API server and controllers write."""
    metadata = {k: v for k, v in item["metadata"].items() if k not in _SERVER_FIELDS}
    return {**{k: v for k, v in item.items() if k != "status"}, "metadata": metadata}


def _without_versions(definition: Manifest) -> Manifest:
    return {key: value for key, value in definition["spec"].items() if key != "versions"}


def _merged(old: Any, new: Any) -> Any:
    """What an apply would make of a value, where it could not be rehearsed: lists are replaced."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    return {
        key: _merged(old[key], new[key])
        if key in old and key in new
        else new.get(key, old.get(key))
        for key in (*old, *(key for key in new if key not in old))
    }


def _images(rehearsals: Iterable[Rehearsal]) -> Iterator[ImageChange]:
    for item in rehearsals:
        if item.ref.kind.kind not in _WORKLOADS or item.live is None:
            continue
        old, new = images_of(item.live), images_of(item.result)
        for name in (*old, *(name for name in new if name not in old)):
            if old.get(name) != new.get(name):
                yield ImageChange(
                    workload=item.ref,
                    container=name,
                    old=old.get(name, ""),
                    new=new.get(name, ""),
                )


def images_of(workload: Manifest) -> dict[str, str]:
    """The images of the containers of a workload by name."""
    path = ("spec", "template", "spec")
    if Kind.of(workload).kind == "CronJob":
        path = ("spec", "jobTemplate", *path)  # type: ignore[assignment] # longer on purpose
    pod = manifest.mapping(workload, *path)
    return {
        manifest.text(item, "name"): manifest.text(item, "image")
        for part in ("initContainers", "containers")
        for item in manifest.entries(pod, part)
    }


def _definitions(
    rehearsals: Iterable[Rehearsal], deleted: Iterable[Manifest]
) -> Iterator[DefinitionChange]:
    pairs: list[tuple[str, Manifest | None, Manifest | None]] = [
        (item.ref.name, item.live, item.result) for item in rehearsals if item.ref.kind == CRD
    ]
    pairs += [(ObjectRef.of(item).name, item, None) for item in deleted if Kind.of(item) == CRD]
    for name, old, new in pairs:
        found = definitions.change(name, old, new)
        if found:
            yield found
