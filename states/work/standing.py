# SPDX-License-Identifier: Apache-2.0
"""What is in the cluster already of the objects that were built, for who is about to apply them.

Our own objects are found by the watches, which go by the labels of ownership; a Flux that somebody
else has installed is found by the label that its manifests come with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from fluxsm.api import names
from fluxsm.api.objects import CRD, Manifest, ObjectRef
from fluxsm.build import version
from fluxsm.build.pipeline import BuildResult
from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Cluster, Ports
from fluxsm.errors import BuildError, InvalidError
from fluxsm.objects import immutable, inventory, manifest, migration, ownership
from fluxsm.objects.migration import Plan
from states.work.watching import PATIENCE, await_watches, is_watched


def await_standing(observed: Observed, ports: Ports) -> Outcome | None:
    """Wait until the watches know what has to be compared; None when they do, or do not begin.

    Nothing else is watched than what the apply needs as well, only a moment sooner.
    """
    listed = {entry.ref.kind for entry in inventory.of_status(observed.instance.manifest)}
    kinds = {CRD, *(kind for kind in listed if (kind.group, kind.kind) in immutable.FIELDS)}
    starting = await_watches(kinds, ports)
    if starting is None or ports.live.problems(kinds):
        return None
    waited = observed.tick - observed.stay.entered
    return replace(starting, after=PATIENCE - waited) if waited < PATIENCE else None


def plans(observed: Observed, result: BuildResult, ports: Ports) -> Iterator[Plan]:
    """What must be rewritten before the new CRDs are accepted; asked only when they may differ.

    Raises:
        ClusterError: the CRDs cannot be read.
        MigrationError: objects may be stored in a version that nobody describes.
    """
    applied, _ = version.split_revision(observed.instance.status.last_applied_revision or "")
    if applied == result.version:
        return
    wanted = {ref.name: item for item in result.objects if (ref := ObjectRef.of(item)).kind == CRD}
    standing = _definitions(wanted, observed, ports)
    for name, desired in wanted.items():
        plan = migration.plan_before(standing.get(name), desired)
        if plan is not None:
            yield plan


def _definitions(
    wanted: Mapping[str, Manifest], observed: Observed, ports: Ports
) -> Mapping[str, Manifest]:
    """The live CRDs by name: trimmed ones, but in full where an older version must be kept.

    On an upgrade of our own Flux that drops no version, nothing has to be asked for.
    """
    metadata = observed.instance.metadata
    watched = is_watched(CRD, ports)
    known = {name: ports.live.get(ObjectRef.of(item)) for name, item in wanted.items()}
    trimmed = {name: live for name, live in known.items() if watched and live is not None}
    found: dict[str, Manifest] = {}
    if trimmed.keys() < wanted.keys():
        found |= _list(f"{names.PART_OF_LABEL}=flux", ports.cluster)
    drops = any(
        migration.lost_versions(live, wanted[name])
        for name, live in trimmed.items()
        if name not in found
    )
    if drops or not watched:
        ours = ownership.owner_selector(metadata.name, metadata.namespace)
        found |= _list(ours, ports.cluster)
    return {**trimmed, **found}


def _list(labels: str, cluster: Cluster) -> dict[str, Manifest]:
    return {ObjectRef.of(item).name: item for item in cluster.list(CRD, labels=labels)}


def refuse_immutable(observed: Observed, result: BuildResult, ports: Ports) -> None:
    """Refuse a build whose apply the API server would refuse half-way.

    What cannot be changed is known of most kinds; an object of any other kind is asked about,
    without writing it, if it was not applied in this form already.

    Raises:
        BuildError: naming the objects, the fields, their values and what to do.
    """
    found: list[str] = []
    asked: list[Manifest] = []
    for wanted in result.objects:
        ref = ObjectRef.of(wanted)
        live = ports.live.get(ref)
        if live is None or manifest.is_leaving(live):
            continue  # it is going to be created
        if immutable.is_known(ref.kind):
            found += map(str, immutable.differences(wanted, live))
        elif not observed.process.applied_state.is_up_to_date(wanted, live):
            asked.append(wanted)
    answers = ports.cluster.apply_all(asked, dry_run=True) if asked else ()
    found += [str(answer) for answer in answers if isinstance(answer, InvalidError)]
    if found:
        raise BuildError("; ".join(found))
