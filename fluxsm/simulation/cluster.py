# SPDX-License-Identifier: Apache-2.0
"""An API server that is a store: it keeps objects, and makes them healthy unless told otherwise.

It knows what the machine depends on: resourceVersions that guard, stored versions of CRDs, kinds
that are served once their CRD is there. It knows no admission, no field ownership and no watches.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import jsonpatch

from fluxsm.api import names
from fluxsm.api.objects import CRD, Kind, Manifest, ObjectRef
from fluxsm.build.patches.selector import parse_selector
from fluxsm.core.ports import PAGE, Applied, Cluster, Interrupt, Page, PatchType, WatchEvent
from fluxsm.errors import ClusterError, ConflictError, InvalidError, NotFoundError
from fluxsm.objects import inventory
from fluxsm.simulation.faults import Faults

Identity = tuple[str, str, str, str]


class MemoryCluster(Cluster):
    """Implements `fluxsm.core.ports.Cluster`.

    Attributes:
        objects: everything that exists.
        hanging: names of Deployments whose pods never become ready.
        unlisted: objects that were created before the saved inventory had them.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._revision = 0
        self.objects: dict[Identity, Manifest] = {}
        self.hanging: set[str] = set()
        self.unlisted: list[ObjectRef] = []

    # What the operator reads

    def get(self, ref: ObjectRef) -> Manifest:
        """The object."""
        self._faults.inject("get")
        return copy.deepcopy(self._found(ref))

    def list_page(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        labels: str = "",
        fields: str = "",  # noqa: ARG002 nothing asks for fields
        metadata_only: bool = False,  # noqa: ARG002 more than was asked for harms nobody
        limit: int = PAGE,  # noqa: ARG002 there is one page
        token: str = "",  # noqa: ARG002
    ) -> Page:
        """All objects of a kind."""
        self._faults.inject("list")
        if not self.serves(kind):
            raise NotFoundError(f"{kind} is not served")
        requirements = parse_selector(labels)
        return Page(
            items=tuple(
                copy.deepcopy(item)
                for item in self.objects.values()
                if (item_kind := Kind.of(item)).group == kind.group
                and item_kind.kind == kind.kind
                and namespace in {"", item["metadata"].get("namespace")}
                and all(fits(item["metadata"].get("labels") or {}) for fits in requirements)
            )
        )

    def serves(self, kind: Kind) -> bool:
        """Kinds of Flux are served while their CRD is there, all others always."""
        if not kind.group.endswith(".fluxcd.io"):
            return True
        return any(
            crd["spec"]["group"] == kind.group and crd["spec"]["names"]["kind"] == kind.kind
            for crd in self.objects.values()
            if crd["kind"] == CRD.kind
        )

    def server_version(self) -> Mapping[str, str]:
        """Some version."""
        return {"gitVersion": "v1.36.3", "platform": "linux/amd64"}

    def watch(
        self,
        kind: Kind,  # noqa: ARG002 nothing changes that is not told at once
        *,
        namespace: str = "",  # noqa: ARG002
        labels: str = "",  # noqa: ARG002
        fields: str = "",  # noqa: ARG002
        metadata_only: bool = False,  # noqa: ARG002
        resource_version: str = "",  # noqa: ARG002
        interrupt: Interrupt | None = None,  # noqa: ARG002
    ) -> Iterator[WatchEvent]:
        """A stream that ends at once: here the store itself is what watches would tell."""
        return iter(())

    # What the operator writes

    def apply_all(
        self, manifests: Sequence[Manifest], *, dry_run: bool = False
    ) -> Sequence[Applied | ClusterError]:
        """Apply each; one answer per manifest."""
        return [self._apply(item, dry_run=dry_run) for item in manifests]

    def create(self, manifest: Manifest) -> Manifest:
        """Create an object."""
        self._faults.inject("create")
        if ObjectRef.of(manifest).identity in self.objects:
            raise ConflictError(f"{ObjectRef.of(manifest)} exists")
        return copy.deepcopy(self._store(copy.deepcopy(manifest)))

    def replace(self, manifest: Manifest, *, subresource: str = "") -> Manifest:  # noqa: ARG002
        """Update an object, guarded by its resourceVersion."""
        self._faults.inject("replace")
        self._guard(self._found(ObjectRef.of(manifest)), manifest)
        return copy.deepcopy(self._store(copy.deepcopy(manifest)))

    def patch(
        self,
        ref: ObjectRef,
        patch: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        type: PatchType = PatchType.MERGE,  # noqa: A002, ARG002 the patch itself tells
        subresource: str = "",
    ) -> Manifest:
        """Patch an object; the status only through its subresource."""
        self._faults.inject("status" if subresource else "patch")
        old = self._found(ref)
        if isinstance(patch, Mapping):
            self._guard(old, patch)
            new = merged(old, patch)
        else:
            new = jsonpatch.apply_patch(old, patch)
        self._store(new)
        metadata = new["metadata"]
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers"):
            del self.objects[ref.identity]
        return copy.deepcopy(new)

    def delete(
        self,
        ref: ObjectRef,
        *,
        uid: str = "",
        resource_version: str = "",  # noqa: ARG002 nothing changes between a look and a deletion
        propagation: str = "",  # noqa: ARG002 there are no dependents
    ) -> None:
        """Remove an object, and with a CRD its custom resources."""
        self._faults.inject("delete")
        old = self._found(ref)
        if uid and uid != old["metadata"]["uid"]:
            raise ConflictError(f"{ref} is another one by now")
        self.remove(ref)

    # What the world does

    def remove(self, ref: ObjectRef) -> None:
        """Take an object out of the world, whoever wants it."""
        gone = self.objects.pop(ref.identity, None)
        if gone is None or ref.kind.kind != CRD.kind:
            return
        group, kind = gone["spec"]["group"], gone["spec"]["names"]["kind"]
        for identity in [key for key in self.objects if key[:2] == (group, kind)]:
            del self.objects[identity]

    def write(self, manifest: Manifest) -> None:
        """What a user writes: the generation follows the spec."""
        self._store(copy.deepcopy(manifest))

    def refresh(self) -> None:
        """Let controllers do what they do: make workloads ready, or not."""
        for item in self.objects.values():
            _observe(item, hanging=item["metadata"]["name"] in self.hanging)

    def _apply(self, manifest: Manifest, *, dry_run: bool) -> Applied | ClusterError:
        ref = ObjectRef.of(manifest)
        old = self.objects.get(ref.identity)
        try:
            self._faults.inject("apply")
            if ref.kind.kind == CRD.kind:
                _check_stored_versions(ref, manifest, old)
        except ClusterError as error:
            return error
        new = copy.deepcopy(manifest)
        if old is not None:
            new = {**old, **new, "metadata": {**old["metadata"], **new["metadata"]}}
        if dry_run:
            return Applied(manifest=new, created=old is None)
        if old is None and not self._is_listed(ref):
            self.unlisted.append(ref)
        self._store(new)
        _observe(new, hanging=ref.name in self.hanging)
        return Applied(manifest=copy.deepcopy(new), created=old is None)

    def _is_listed(self, ref: ObjectRef) -> bool:
        """Whether the saved inventory of the instance has an object."""
        for item in self.objects.values():
            if item["kind"] == names.INSTANCE_KIND:
                entries = inventory.of_status(item)
                return any(entry.ref.identity == ref.identity for entry in entries)
        return False

    def _found(self, ref: ObjectRef) -> Manifest:
        try:
            return self.objects[ref.identity]
        except KeyError:
            raise NotFoundError(f"{ref} does not exist") from None

    def _guard(self, old: Manifest, patch: Any) -> None:
        wanted = (patch.get("metadata") or {}).get("resourceVersion")
        if wanted and wanted != old["metadata"]["resourceVersion"]:
            raise ConflictError(f"{ObjectRef.of(old)} has changed")

    def _store(self, new: Manifest) -> Manifest:
        identity = ObjectRef.of(new).identity
        old = self.objects.get(identity)
        metadata = new["metadata"]
        self._revision += 1
        metadata["uid"] = old["metadata"]["uid"] if old else f"uid-{self._revision}"
        generation = old["metadata"]["generation"] if old else 0
        same = old is not None and old.get("spec") == new.get("spec")
        deleted = metadata.get("deletionTimestamp") and not (
            old and old["metadata"].get("deletionTimestamp")
        )
        metadata["generation"] = generation if same and not deleted else generation + 1
        if (
            old is None
            or {**old, "metadata": None} != {**new, "metadata": None}
            or ({**old["metadata"], "resourceVersion": ""} != {**metadata, "resourceVersion": ""})
        ):
            metadata["resourceVersion"] = str(self._revision)
        self.objects[identity] = new
        return new


class StoreView:
    """Implements `fluxsm.core.ports.Live`: what watches would tell is the store itself."""

    def __init__(self, cluster: MemoryCluster) -> None:
        self._cluster = cluster

    def expect(self, kinds: Iterable[Kind]) -> bool:  # noqa: ARG002 everything is known at once
        """Everything is known at once."""
        return True

    def problems(self, kinds: Iterable[Kind]) -> Mapping[Kind, str]:  # noqa: ARG002 as above
        """No list is missing."""
        return {}

    def get(self, ref: ObjectRef) -> Manifest | None:
        """The object, None when it does not exist."""
        return self._cluster.objects.get(ref.identity)

    def put(self, manifest: Manifest) -> None:
        """Nothing to note: it is stored already."""

    def forget(self) -> None:
        """Nothing to drop."""


def merged(old: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7386) applied."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    new = dict(old) if isinstance(old, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            new.pop(key, None)
        else:
            new[key] = merged(new.get(key), value)
    return new


def _check_stored_versions(ref: ObjectRef, new: Manifest, old: Manifest | None) -> None:
    """As the API server does: a version in which objects are stored cannot go."""
    stored = ((old or {}).get("status") or {}).get("storedVersions") or []
    offered = {version["name"] for version in new["spec"]["versions"]}
    for version in stored:
        if version not in offered:
            raise InvalidError(
                f"{ref} is invalid: status.storedVersions: {version} must appear in spec.versions"
            )


def _observe(item: Manifest, *, hanging: bool) -> None:
    """What the cluster makes of an object, as its status."""
    match item["kind"]:
        case "Deployment":
            item["status"] = _rolled_out(item, ready=not hanging)
        case "CustomResourceDefinition":
            item["status"] = _established(item)
        case "PersistentVolumeClaim":
            item["status"] = {"phase": "Bound"}
        case "GitRepository" | "OCIRepository" | "Bucket" | "Kustomization":
            item["status"] = {
                "observedGeneration": item["metadata"]["generation"],
                "conditions": [_true("Ready")],
            }
        case _:
            return


def _rolled_out(item: Manifest, *, ready: bool) -> Manifest:
    count = item["spec"].get("replicas", 1)
    running = count if ready else 0
    return {
        "observedGeneration": item["metadata"]["generation"],
        "replicas": count,
        "updatedReplicas": count,
        "readyReplicas": running,
        "availableReplicas": running,
        "conditions": [_true("Available")] if ready else [],
    }


def _established(item: Manifest) -> Manifest:
    old = item.get("status") or {}
    stored = list(old.get("storedVersions") or [])
    storage = [version["name"] for version in item["spec"]["versions"] if version.get("storage")]
    return {
        "storedVersions": list(dict.fromkeys([*stored, *storage])),
        "conditions": [_true("NamesAccepted"), _true("Established")],
    }


def _true(type_: str) -> dict[str, str]:
    return {"type": type_, "status": "True", "reason": "Simulated", "message": ""}
