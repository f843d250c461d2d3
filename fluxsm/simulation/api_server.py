# SPDX-License-Identifier: Apache-2.0
"""The API server in memory.

What it promises is written down in the contract suite, which a real API server passes too.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from fluxsm.api import names
from fluxsm.api.objects import CRD, Kind, Manifest, ObjectRef
from fluxsm.core.ports import PAGE, Applied, Clock, Cluster, Interrupt, Page, PatchType, WatchEvent
from fluxsm.errors import (
    ClusterError,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
)
from fluxsm.objects.timestamp import format_time
from fluxsm.simulation import admission, deletion, field_ownership
from fluxsm.simulation.continuation import Start
from fluxsm.simulation.copies import copy, thawed
from fluxsm.simulation.gate import Gate
from fluxsm.simulation.kinds import BUILTIN, Served, custom, is_established
from fluxsm.simulation.patches import patched
from fluxsm.simulation.requests import Request
from fluxsm.simulation.selectors import selects
from fluxsm.simulation.store import Key, Store
from fluxsm.simulation.watch_events import bookmark, metadata_of, report


class ApiServer(Cluster):
    """Implements `fluxsm.core.ports.Cluster`. For one thread.

    Attributes:
        gate: counts requests and injects faults.
        store: what is stored.
        manager: field manager of all writes; others write through `as_manager`.
        clock: the time of day of the API server.
        unserved: names of kinds that are not served for now, whatever CRDs say.
        on_created: called with each object that an apply has created.
        stutters: whether watches report changes twice, and what came before them again.
        swallows: so many of the next changes are lost on their way to watches.
    """

    def __init__(self, clock: Clock, *, manager: str = names.MANAGER) -> None:
        self.gate = Gate()
        self.store = Store()
        self.manager = manager
        self.clock = clock
        self.unserved: set[str] = set()
        self.on_created: Callable[[Manifest], None] = lambda _: None
        self.stutters = False
        self.swallows = 0

    def as_manager(self, manager: str) -> ApiServer:
        """The same API server in the hands of somebody else, whose requests are not counted."""
        other = ApiServer(self.clock, manager=manager)
        other.store, other.unserved = self.store, self.unserved
        return other

    # Reads

    def get(self, ref: ObjectRef) -> Manifest:
        """Read an object."""
        with self.gate.passing(Request(verb="get", kind=ref.kind, ref=ref)):
            return self._answer(self._stored(ref, "reading"), ref.kind)

    def list_page(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
        limit: int = PAGE,
        token: str = "",
    ) -> Page:
        """Read some objects of a kind, as they were when the first page was read."""
        with self.gate.passing(Request(verb="list", kind=kind)):
            self._served(kind)
            start = Start.of(token, kind) if token else Start(revision=self.store.revision)
            if start.revision < self.store.compacted:
                raise ExpiredError(f"listing {kind} (Expired): the continue token is too old")
            shape = metadata_of if metadata_only else copy
            rest = [
                item
                for item in self.store.all_at(start.revision, kind.group, kind.kind)
                if ObjectRef.of(item).identity[2:] > start.after
                and (not namespace or item["metadata"].get("namespace") == namespace)
            ]
            found: builtins.list[Manifest] = []
            for item in rest:
                if len(found) == limit:  # whether the rest is selected, the next page will tell
                    return Page(items=tuple(found), token=start.next(found[-1]).token)
                if selects(labels, fields, item):
                    found.append(self._at(shape(item), kind))
            return Page(items=tuple(found))

    def serves(self, kind: Kind) -> bool:
        """Whether a kind is served at this version."""
        with self.gate.passing(Request(verb="discover", kind=kind)):
            return self._is_served(kind)

    def server_version(self) -> Mapping[str, str]:
        """The answer of the version endpoint."""
        with self.gate.passing(Request(verb="version", kind=Kind("", "v1", "Version"))):
            return {"gitVersion": "v1.33.0", "platform": "linux/amd64"}

    def watch(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
        resource_version: str = "",
        interrupt: Interrupt | None = None,
    ) -> Iterator[WatchEvent]:
        """Report what there is to report, then end the stream with a bookmark."""
        shape = metadata_of if metadata_only else copy
        with self.gate.passing(Request(verb="watch", kind=kind)):
            self._served(kind)
            seen = int(resource_version) if resource_version else self.store.revision
            if seen < self.store.compacted:
                raise ExpiredError(f"watching {kind} (Expired): too old resource version: {seen}")
        if not resource_version:
            for item in self._found(kind, namespace, labels, fields):
                yield WatchEvent(type="ADDED", manifest=shape(item))
            yield WatchEvent(type="SYNCED", manifest=bookmark(kind, seen))
        if self.stutters and resource_version and self.store.since(seen, kind.group, kind.kind):
            seen = max(self.store.compacted, seen - 10)
        while not (interrupt and interrupt.fired) and self._is_served(kind):
            news = self.store.since(seen, kind.group, kind.kind)
            if not news:
                break
            seen = news[0].revision
            event = report(news[0], kind, namespace, labels, fields)
            if event is not None and self.swallows:
                self.swallows -= 1
            elif event is not None:
                for _ in range(2 if self.stutters else 1):
                    yield WatchEvent(type=event.type, manifest=shape(event.manifest))
        yield WatchEvent(type="BOOKMARK", manifest=bookmark(kind, self.store.revision))

    # Writes

    def apply_all(
        self, manifests: Sequence[Manifest], *, dry_run: bool = False
    ) -> Sequence[Applied | ClusterError]:
        """Server-side apply, forced, one after the other."""

        def attempt(manifest: Manifest) -> Applied | ClusterError:
            try:
                return self._apply(manifest, dry_run=dry_run)
            except ClusterError as error:
                return error

        return [attempt(manifest) for manifest in manifests]

    def create(self, manifest: Manifest) -> Manifest:
        """Create an object."""
        ref = ObjectRef.of(manifest)
        with self.gate.passing(Request(verb="create", kind=ref.kind, ref=ref)):
            served = self._served(ref.kind)
            if self.store.get(_key(ref)) is not None:
                raise ConflictError(f"creating {ref} (AlreadyExists): it exists")
            new = {key: value for key, value in manifest.items() if key != "status"}
            new = copy(new)
            admission.leave_out_empty(new)
            new = self._owned(None, new, served)
            return self._answer(self._commit(ref, None, new, served), ref.kind)

    def replace(self, manifest: Manifest, *, subresource: str = "") -> Manifest:
        """Update an object, guarded by its resourceVersion."""
        ref = ObjectRef.of(manifest)
        request = Request(verb="update", kind=ref.kind, ref=ref, subresource=subresource)
        with self.gate.passing(request):
            live = self._stored(ref, "updating")
            version = manifest["metadata"].get("resourceVersion")
            if not version and not self._served(ref.kind).builtin:
                raise InvalidError(f"updating {ref} (Invalid): resourceVersion must be specified")
            self._guard(live, version, f"updating {ref}")
            return self._write(ref, live, copy(manifest), subresource)

    def patch(
        self,
        ref: ObjectRef,
        patch: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        type: PatchType = PatchType.MERGE,  # noqa: A002 the API's own word
        subresource: str = "",
    ) -> Manifest:
        """Patch an object."""
        request = Request(verb="patch", kind=ref.kind, ref=ref, subresource=subresource)
        with self.gate.passing(request):
            live = self._stored(ref, "patching")
            new = patched(self._at(live, ref.kind), patch, type, f"patching {ref}")
            self._guard(live, new["metadata"].get("resourceVersion"), f"patching {ref}")
            return self._write(ref, live, new, subresource)

    def delete(
        self, ref: ObjectRef, *, uid: str = "", resource_version: str = "", propagation: str = ""
    ) -> None:
        """Ask for the deletion of an object."""
        with self.gate.passing(Request(verb="delete", kind=ref.kind, ref=ref)):
            live = self._stored(ref, "deleting")
            if uid and uid != live["metadata"]["uid"]:
                raise ConflictError(f"deleting {ref} (Conflict): the uid is another one")
            self._guard(live, resource_version, f"deleting {ref}")
            self._begin_deletion(ref, live, propagation)

    # Parts

    def finish(self, ref: ObjectRef) -> None:
        """Remove an object whose deletion nothing holds up any more; for controllers."""
        self.store.remove(_key(ref))

    def _apply(self, manifest: Manifest, *, dry_run: bool) -> Applied:
        ref = ObjectRef.of(manifest)
        what = f"{ref} dry-run failed" if dry_run else f"{ref} apply failed"
        with self.gate.passing(Request(verb="apply", kind=ref.kind, ref=ref, dry_run=dry_run)):
            served = self._served(ref.kind)
            if (manifest.get("metadata") or {}).get("managedFields"):
                raise InvalidError(f"{what} (BadRequest): metadata.managedFields must be nil")
            live = self.store.get(_key(ref))
            before = self._at(live, ref.kind) if live else None
            new = field_ownership.apply(
                before, manifest, manager=self.manager, time=self._time(), builtin=served.builtin
            )
            try:
                after = self._commit(ref, live, new, served, dry_run=dry_run)
            except InvalidError as error:
                raise InvalidError(f"{what}: {error}") from None
            if live is None and not dry_run:
                self.on_created(after)
            return Applied(manifest=self._answer(after, ref.kind), created=live is None)

    def _write(self, ref: ObjectRef, live: Manifest, new: Manifest, subresource: str) -> Manifest:
        """Store an update: the status through its subresource, everything else without it."""
        served = self._served(ref.kind)
        if subresource and not (subresource == "status" and served.status):
            raise NotFoundError(f"patching {ref} (NotFound): it has no {subresource}")
        old = self._at(live, ref.kind)
        if subresource:
            new = {**old, "status": new.get("status", {})}
        elif served.status:
            new = {key: value for key, value in new.items() if key != "status"}
            new |= {"status": old["status"]} if "status" in old else {}
        new = thawed(new)
        for key in _KEPT:
            if key in old["metadata"]:
                new["metadata"][key] = old["metadata"][key]
        admission.leave_out_empty(new)
        new = self._owned(old, new, served, subresource)
        return self._answer(self._commit(ref, live, new, served), ref.kind)

    def _owned(
        self, old: Manifest | None, new: Manifest, served: Served, subresource: str = ""
    ) -> Manifest:
        return field_ownership.update(
            old, new, manager=self.manager, time=self._time(), builtin=served.builtin,
            subresource=subresource,
        )  # fmt: skip

    def _commit(
        self,
        ref: ObjectRef,
        live: Manifest | None,
        new: Manifest,
        served: Served,
        *,
        dry_run: bool = False,
    ) -> Manifest:
        """Admit and store an object."""
        new = thawed(new)
        metadata = new["metadata"]
        if live is None:
            self._require_namespace(ref, served)
            metadata |= {"name": ref.name, "uid": self.store.new_uid()}
            metadata |= {"namespace": ref.namespace} if served.namespaced else {}
            metadata["creationTimestamp"] = self._time()
            metadata |= {"generation": 1} if served.counted else {}
        else:
            metadata["resourceVersion"] = live["metadata"]["resourceVersion"]
        new["apiVersion"] = Kind(ref.kind.group, served.storage, ref.kind.kind).api_version
        admission.leave_out_empty(new)
        admission.set_defaults(new)
        admission.check(live, new)
        if live is not None and served.counted and _specs(live) != _specs(new):
            metadata["generation"] = live["metadata"]["generation"] + 1
        if dry_run:
            return new
        if live is not None and deletion.is_done(new):
            self.store.remove(_key(ref))
            return new  # as it would be, at the version that it had
        return self.store.put(_key(ref), new, served.storage)

    def _begin_deletion(self, ref: ObjectRef, live: Manifest, propagation: str) -> None:
        """Remove an object, or mark it where something has to be done before."""
        served = self._served(ref.kind)
        if live["metadata"].get("deletionTimestamp"):
            return
        marked = deletion.mark(live, propagation, self.clock.now(), counted=served.counted)
        if marked is None:
            self.store.remove(_key(ref))
        else:
            self.store.put(_key(ref), marked, served.storage)

    def _require_namespace(self, ref: ObjectRef, served: Served) -> None:
        if not served.namespaced:
            return
        found = self.store.get(("", "Namespace", "", ref.namespace))
        if found is None:
            raise NotFoundError(f"{ref} (NotFound): namespaces {ref.namespace!r} not found")
        if found["metadata"].get("deletionTimestamp"):
            raise ForbiddenError(f"{ref} (Forbidden): namespace {ref.namespace} is terminating")

    def _served(self, kind: Kind) -> Served:
        served = self._find(kind)
        if served is None or kind.version not in served.versions:
            raise NotFoundError(f"the API server does not serve {kind}")
        return served

    def _is_served(self, kind: Kind) -> bool:
        served = self._find(kind)
        return served is not None and kind.version in served.versions

    def _find(self, kind: Kind) -> Served | None:
        if kind.kind in self.unserved:
            return None
        known = BUILTIN.get((kind.group, kind.kind))
        if known is not None:
            return known
        for crd in self.store.peek(CRD.group, CRD.kind):
            spec = crd["spec"]
            if (spec["group"], spec["names"]["kind"]) == (kind.group, kind.kind):
                return custom(crd) if is_established(crd) else None
        return None

    def _stored(self, ref: ObjectRef, doing: str) -> Manifest:
        self._served(ref.kind)
        found = self.store.get(_key(ref))
        if found is None:
            raise NotFoundError(f"{doing} {ref} (NotFound): {ref.name!r} not found")
        return found

    def _found(
        self, kind: Kind, namespace: str, labels: str, fields: str
    ) -> builtins.list[Manifest]:
        return [
            self._at(item, kind)
            for item in self.store.all(kind.group, kind.kind)
            if selects(labels, fields, item)
            and (not namespace or item["metadata"].get("namespace") == namespace)
        ]

    def _at(self, manifest: Manifest, kind: Kind) -> Manifest:
        """An object at the version that was asked for; conversion changes nothing else."""
        return {**manifest, "apiVersion": kind.api_version}

    def _answer(self, manifest: Manifest, kind: Kind) -> Manifest:
        """An object as it is handed out: the client may do with it what it likes."""
        return copy(self._at(manifest, kind))

    def _guard(self, live: Manifest, version: str | None, what: str) -> None:
        if version and version != live["metadata"]["resourceVersion"]:
            raise ConflictError(f"{what} (Conflict): the object has been modified")

    def _time(self) -> str:
        return format_time(self.clock.now())


_KEPT: Final = (
    *("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"),
    *("generation", "name"),
)
"""What a write cannot change."""


def _key(ref: ObjectRef) -> Key:
    return ref.identity


def _specs(manifest: Manifest) -> dict[str, Any]:
    return {
        key: value
        for key, value in manifest.items()
        if key not in {"apiVersion", "kind", "metadata", "status"}
    }
