# SPDX-License-Identifier: Apache-2.0
"""Say what people did by hand to our objects: what a run takes over, and what stays."""

from __future__ import annotations

from dataclasses import replace

from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Ports
from fluxsm.objects import drift, handmade, manifest, ownership
from fluxsm.objects.applied_state import ObjectIdentity, owned_fields


def describe(
    wanted: Manifest, before: Manifest | None, answer: Manifest, observed: Observed
) -> list[str]:
    """What others had done to an object that was applied: a line, or none.

    An object that was not ours before is adopted, which is no drift. What was changed while no
    operator ran is distinguished from what the build changed only where the revision stays.

    Args:
        wanted: the object as it was applied.
        before: as it was known before, None when it was not.
        answer: as the API server has answered.
        observed: the run.
    """
    if before is None or owned_fields(before) is None:
        return []
    build, ref = observed.run.build, ObjectRef.of(wanted)
    found = handmade.added(
        answer, ownership.former_records(answer, observed.settings.override_managers)
    )
    is_new = ref.identity not in observed.process.applied_state.records
    applied = observed.instance.status.last_applied_revision
    if is_new and build is not None and build.revision == applied:
        found = [*drift.differences(wanted, before), *found]
    return [drift.line(ref, found)] if found else []


def with_suspensions(outcome: Outcome, observed: Observed, ports: Ports) -> Outcome:
    """The same outcome, with what somebody has suspended since the last look."""
    found = _suspended(observed, ports)
    process = outcome.process or observed.process
    if found.keys() == process.suspended:
        return outcome
    new = tuple(text for identity, text in found.items() if identity not in process.suspended)
    process = replace(process, suspended=frozenset(found))
    return replace(outcome, process=process, suspended=new)


def _suspended(observed: Observed, ports: Ports) -> dict[ObjectIdentity, str]:
    """The objects of Flux in the build that are suspended though the build does not say so."""
    build = observed.run.build
    found: dict[ObjectIdentity, str] = {}
    for wanted in build.objects if build else ():
        ref = ObjectRef.of(wanted)
        if not ref.kind.group.endswith(handmade.FLUX_GROUPS):
            continue
        live = ports.live.get(ref)
        if live is None or manifest.read(live, "spec", "suspend") is not True:
            continue
        if manifest.read(wanted, "spec", "suspend") is not True:
            found[ref.identity] = f"{ref} is suspended{_by(live)} and stays so until it is resumed"
    return found


def _by(live: Manifest) -> str:
    """Who has suspended an object, empty where nobody says so."""
    managers = sorted(
        manifest.text(entry, "manager")
        for entry in manifest.managed_fields_of(live)
        if "f:suspend" in manifest.mapping(entry, "fieldsV1", "f:spec")
    )
    return f" by {' and '.join(managers)}" if managers else ""
