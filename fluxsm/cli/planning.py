# SPDX-License-Identifier: Apache-2.0
"""Read and rehearse what a plan is made from. Every write is a dry run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from fluxsm.api.objects import CRD, Manifest, ObjectRef
from fluxsm.build.pipeline import BuildResult
from fluxsm.core import consequences
from fluxsm.core import force as forcing
from fluxsm.core.instance import Instance
from fluxsm.core.plan import Plan, Rehearsal, Resources, Rewrite, judge
from fluxsm.core.ports import Applied, PatchType
from fluxsm.errors import (
    ClusterError,
    ForbiddenError,
    InvalidError,
    MigrationError,
    NotFoundError,
)
from fluxsm.objects import definitions, immutable, inventory, manifest, migration, ownership
from states.work import orphaning
from states.work.serving import read_served

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster

PARALLEL: Final = 8
_BLIND: Final = "does not support dry run"


class Planner:
    """Works out what would become of a cluster, for one instance."""

    def __init__(self, cluster: KubeCluster, instance: Instance) -> None:
        """Prepare; nothing is asked yet.

        Args:
            cluster: with the field manager of the operator.
            instance: as it would be, with the status that it has.
        """
        self._cluster = cluster
        self._instance = instance
        self._notes: list[str] = []
        self._refused: list[str] = []

    def plan(self, result: BuildResult) -> Plan:
        """What applying a build would do.

        Raises:
            ForbiddenError: this account may not rehearse what the operator would do.
            ClusterError: the API server cannot be asked.
        """
        wanted = inventory.of_objects(result.objects)
        listed = inventory.of_status(self._instance.manifest)
        live = list(self._parallel(result.objects))
        before = self._migrations_before(live, result)
        rehearsals = self._rehearse(live, {plan.crd for plan in before}, result)
        deleted, kept = self._without_used(*self._leaving(inventory.stale(listed, wanted)))
        judged = judge(rehearsals, deleted)
        after = self._migrations_after(rehearsals, before, result)
        resources = self._resources(rehearsals, (*before, *after))
        return Plan(
            installed=self._instance.status.last_applied_revision or "",
            target=result.revision,
            changes=judged.changes,
            relabelled=judged.relabelled,
            unchanged=judged.unchanged,
            images=judged.images,
            definitions=judged.definitions,
            rewrites=tuple(_rewrites(before, after, resources)),
            seizures=judged.seizures,
            kept=kept,
            consequences=tuple(consequences.of_deleted(deleted, orphaning.prunes)),
            refused=tuple(self._refused),
            notes=(*self._notes, *result.warnings),
        )

    def deletion(self) -> Plan:
        """What the deletion of the instance would remove; all of it is in the inventory.

        Raises:
            ClusterError: the API server cannot be asked.
        """
        listed = inventory.of_status(self._instance.manifest)
        deleted, kept = self._leaving(listed)
        judged = judge((), deleted)
        crds = [item for item in deleted if ObjectRef.of(item).kind == CRD]
        resources = {ObjectRef.of(item).name: len(self._stored(item)) for item in crds}
        return Plan(
            installed=self._instance.status.last_applied_revision or "",
            changes=judged.changes,
            definitions=judged.definitions,
            kept=kept,
            consequences=tuple(consequences.of_uninstallation(deleted, resources)),
        )

    def _parallel(self, objects: Sequence[Manifest]) -> Iterator[Manifest | None]:
        with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
            yield from pool.map(self._find, map(ObjectRef.of, objects))

    def _find(self, ref: ObjectRef) -> Manifest | None:
        """An object, at whatever version its kind is served; None where it does not exist."""
        try:
            return read_served(ref, self._cluster)[1]
        except NotFoundError:
            return None

    def _migrations_before(
        self, live: Sequence[Manifest | None], result: BuildResult
    ) -> list[migration.Plan]:
        plans = [
            (there, wanted)
            for there, wanted in zip(live, result.objects, strict=True)
            if ObjectRef.of(wanted).kind == CRD
        ]
        try:
            found = [migration.plan_before(there, wanted) for there, wanted in plans]
        except MigrationError as error:
            self._refused.append(str(error))
            return []
        return [plan for plan in found if plan is not None]

    def _rehearse(
        self, live: Sequence[Manifest | None], migrated: set[str], result: BuildResult
    ) -> list[Rehearsal]:
        """Have the API server apply each object, without doing it.

        A definition that drops a version in which objects are stored is refused until these are
        migrated, and a custom resource may need a definition that is not there yet.
        """
        found = [
            Rehearsal(wanted=wanted, live=there)
            for wanted, there in zip(result.objects, live, strict=True)
        ]
        changing = {
            item.wanted["spec"]["group"]
            for item in found
            if item.ref.kind == CRD and definitions.change("", item.live, item.wanted)
        }
        asked = [item for item in found if not (item.ref.kind == CRD and item.ref.name in migrated)]
        answers = self._cluster.apply_all([item.wanted for item in asked], dry_run=True)
        known = {
            item.ref.identity: self._judge(item, answer, changing)
            for item, answer in zip(asked, answers, strict=True)
        }
        return [replace(item, after=known.get(item.ref.identity)) for item in found]

    def _may_be_asked(self, item: Rehearsal, migrated: set[str]) -> bool:
        """Whether a dry run says more than is known already."""
        if item.ref.kind == CRD and item.ref.name in migrated:
            return False
        if item.live is None or not immutable.is_known(item.ref.kind):
            return True
        found = list(map(str, immutable.differences(item.wanted, item.live)))
        self._refused += found
        return not found

    def _judge(
        self, item: Rehearsal, answer: Applied | ClusterError, changing: set[str]
    ) -> Manifest | None:
        """The answer to a dry run, None where it says nothing."""
        if not isinstance(answer, ClusterError):
            return answer.manifest
        if isinstance(answer, ForbiddenError) or answer.passing:
            raise answer
        if isinstance(answer, NotFoundError) or item.ref.kind.group in changing:
            return None  # its namespace or definition comes first, in the same run
        if isinstance(answer, InvalidError) and _BLIND in str(answer):
            self._notes.append(f"{item.ref} cannot be rehearsed: a webhook supports no dry run")
        else:
            self._refused.append(str(answer))
        return None

    def _leaving(
        self, entries: Sequence[inventory.Entry]
    ) -> tuple[list[Manifest], dict[ObjectRef, str]]:
        """The objects of entries that would be deleted, and those that would be left, and why."""
        metadata = self._instance.metadata
        deleted: list[Manifest] = []
        kept: dict[ObjectRef, str] = {}
        ordered = [entry.ref for entry in inventory.in_deletion_order(entries)]
        with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
            found = list(pool.map(self._find, ordered))
        for item in filter(None, found):
            why = ownership.why_kept(item, metadata.name, metadata.namespace)
            if why:
                kept[ObjectRef.of(item)] = why
            else:
                deleted.append(item)
        return deleted, kept

    def _without_used(
        self, deleted: list[Manifest], kept: dict[ObjectRef, str]
    ) -> tuple[list[Manifest], dict[ObjectRef, str]]:
        """A definition stays while somebody has objects of it that do not go in the same run."""
        going = {ObjectRef.of(item).identity for item in deleted}
        left: list[Manifest] = []
        for item in deleted:
            ref = ObjectRef.of(item)
            users = self._stored(item) if ref.kind == CRD else []
            wanted = [
                user
                for user in users
                if "deletionTimestamp" not in user["metadata"]
                and ObjectRef.of(user).identity not in going
            ]
            if wanted:
                kept = {**kept, ref: f"for {len(wanted)} {wanted[0]['kind']}"}
            else:
                left.append(item)
        return left, kept

    def _stored(self, definition: Manifest) -> list[Manifest]:
        """The custom resources of a definition, without their content."""
        kind = definitions.served_kind(definition)
        if kind is None:
            return []
        try:
            return list(self._cluster.list(kind, metadata_only=True))
        except NotFoundError:
            return []

    def _migrations_after(
        self,
        rehearsals: Iterable[Rehearsal],
        before: Iterable[migration.Plan],
        result: BuildResult,
    ) -> list[migration.Plan]:
        """What is rewritten once the new definitions are there."""
        instance = self._instance
        if not instance.spec.migrate_resources:
            return []
        applied = instance.status.last_applied_revision or ""
        asked = forcing.is_forced(instance.metadata.annotations, instance.saved)
        forced = asked or forcing.is_minor_upgrade(applied, result.revision)
        trimmed = {plan.crd: plan.storage for plan in before}
        found: list[migration.Plan] = []
        for item in rehearsals:
            if item.ref.kind != CRD or item.live is None:
                continue
            stored = manifest.read(item.live, "status", "storedVersions") or []
            stored = [trimmed[item.ref.name]] if item.ref.name in trimmed else stored
            new = migration.storage_version(item.wanted)
            status = {"storedVersions": list(dict.fromkeys([*stored, new]))}
            plan = migration.plan_after({**item.wanted, "status": status}, forced=forced)
            if plan is not None:
                found.append(plan)
        return found

    def _resources(
        self, rehearsals: Iterable[Rehearsal], plans: Iterable[migration.Plan]
    ) -> dict[str, Resources]:
        """The custom resources that are rewritten, by the name of their definition."""
        rewritten = {plan.crd for plan in plans}
        return {
            item.ref.name: self._count(item.live, item.wanted)
            for item in rehearsals
            if item.live is not None and item.ref.kind == CRD and item.ref.name in rewritten
        }

    def _count(self, old: Manifest, new: Manifest) -> Resources:
        """Count the custom resources of a definition, and the fields that another one drops."""
        kind = definitions.served_kind(old)
        if kind is None:
            return Resources()
        schema = definitions.stored_schema(new)
        total, dropped = 0, Counter[str]()
        try:
            for item in self._cluster.list(kind):
                total += 1
                dropped.update(set(definitions.dropped_fields(item, schema)))
        except NotFoundError:
            return Resources()
        return Resources(total=total, dropped=dict(sorted(dropped.items())))


def _rewrites(
    before: Iterable[migration.Plan],
    after: Iterable[migration.Plan],
    resources: dict[str, Resources],
) -> Iterator[Rewrite]:
    """One entry for each definition whose custom resources are rewritten, however often."""
    found: dict[str, list[migration.Plan]] = {}
    for plan in (*before, *after):
        found.setdefault(plan.crd, []).append(plan)
    for name, plans in found.items():
        there = resources.get(name, Resources())
        storage = plans[-1].storage
        retired = dict.fromkeys(item for plan in plans for item in plan.retired)
        if there.total:
            yield Rewrite(
                definition=name,
                kind=plans[-1].kind.kind,
                retired=tuple(item for item in retired if item != storage),
                storage=storage,
                resources=there,
            )


def intended(cluster: KubeCluster, wanted: Manifest, live: Manifest | None) -> Manifest:
    """The instance as the API server would keep it, if a file replaced its spec.

    Args:
        cluster: where.
        wanted: the instance of the file.
        live: the instance as it is, None when there is none.

    Returns:
        The instance with the defaults of the server and the status that it has.

    Raises:
        InvalidError: the API server would not admit it.
        ClusterError: the API server cannot be asked.
    """
    if live is not None:
        metadata = {key: wanted["metadata"].get(key) for key in ("labels", "annotations")}
        patch: list[dict[str, Any]] = [
            {"op": "add", "path": "/spec", "value": wanted["spec"]},
            *(
                {"op": "add", "path": f"/metadata/{key}", "value": value}
                for key, values in metadata.items()
                if values and (value := {**(live["metadata"].get(key) or {}), **values})
            ),
        ]
        answer = cluster.patch(ObjectRef.of(live), patch, type=PatchType.JSON, dry_run=True)
        return {**answer, "status": live.get("status") or {}}
    (created,) = cluster.apply_all([wanted], dry_run=True)
    if isinstance(created, NotFoundError):
        return wanted  # neither its namespace nor its definition need be there yet
    if isinstance(created, ClusterError):
        raise created
    return created.manifest
