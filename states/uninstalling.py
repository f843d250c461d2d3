# SPDX-License-Identifier: Apache-2.0
"""Uninstalling: remove what was installed, and nothing that Flux itself deployed.

The controllers go first, and are truly gone before anything else is touched: one that still runs
would put its finalizers back and prune workloads. Then go the Flux finalizers, so that the custom
resources can go; then everything that is listed, kinds last. What is refused is tried again after
a growing pause, and holds nothing else up. One limit stands over all of it: then the instance is
let go, and a Warning says what is left and why. After a restart the steps are simply done again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

from fluxsm.api import duration
from fluxsm.api.objects import CRD, Kind, Manifest, ObjectRef
from fluxsm.core.failure import SHOWN
from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Ports
from fluxsm.core.progress import Phase, Removal
from fluxsm.core.step import pause_after
from fluxsm.errors import ClusterError, MalformedError, NotFoundError
from fluxsm.machine.events import Event
from fluxsm.objects import inventory
from fluxsm.objects.changes import Action
from fluxsm.objects.inventory import Entry
from states.pending import drop_finalizer
from states.work.owned import custom_kinds, find_owned
from states.work.pods import pods_of
from states.work.pruning import prune
from states.work.releasing import release
from states.work.serving import read_served
from states.work.watching import PATIENCE, await_watches, find, is_watched

CHECKED_AFTER: Final = 5
"""Rounds after which a watch is not believed any more that something is still there."""

UNAWAITED: Final = frozenset({"PersistentVolumeClaim"})
"""Kinds that nobody has to wait for: a claim goes once its volume is let go of, on some node."""

_CONTROLLER: Final = "Deployment"
_NOW: Final = timedelta(0)


def handle(observed: Observed, ports: Ports) -> Outcome:
    """Do the next step of the uninstallation; Uninstalled when the finalizer is gone."""
    if observed.instance.metadata.suspended:
        return _let_go(observed, ports)
    progress = observed.stay.progress
    removal = progress if isinstance(progress, Removal) else _begin(observed, ports)
    if observed.expired:
        return _let_go(observed, ports, _leftovers(removal, observed, ports))
    if observed.tick < removal.next_try and _rests(removal, ports):
        return _wait(removal, observed, ports)
    return _advance(removal, observed, ports)


def _advance(removal: Removal, observed: Observed, ports: Ports) -> Outcome:
    """Do the next step of the phase that is under way."""
    match removal.phase:
        case Phase.WATCHING:
            return _watch(removal, observed, ports)
        case Phase.STOPPING:
            return _stop(removal, observed, ports)
        case Phase.RELEASING:
            return _release(removal, ports)
        case Phase.REMOVING:
            return _remove(removal, observed, ports)


def _begin(observed: Observed, ports: Ports) -> Removal:
    """What has to go: what the inventory lists, else what carries our labels."""
    try:
        entries = inventory.of_status(observed.instance.manifest)
    except MalformedError:
        entries = ()
    if entries:
        return Removal(entries=entries)
    entries, unknown = find_owned(observed, ports.cluster)
    return Removal(entries=entries, unknown=unknown)


def _watch(removal: Removal, observed: Observed, ports: Ports) -> Outcome:
    """Begin to watch what has to go; it can go without, but then it has to be asked for."""
    starting = await_watches({entry.ref.kind for entry in removal.entries}, ports)
    waited = observed.tick - observed.stay.entered
    if starting is not None and waited < PATIENCE:
        return replace(starting, progress=removal)
    return _go_on("Stopping the controllers", replace(removal, phase=Phase.STOPPING))


def _stop(removal: Removal, observed: Observed, ports: Ports) -> Outcome:
    """Delete the Deployments, and wait until they and their pods are gone."""
    controllers = [entry for entry in removal.entries if _is_controller(entry)]
    removal = _delete(controllers, removal, observed, ports, propagation="Foreground")
    if removal.refused or _still_there(controllers, removal, ports):
        return _wait(_later(removal, observed, ports), observed, ports)
    pods = pods_of([entry.ref for entry in controllers], ports.cluster)
    if pods:
        waiting = _wait(_later(removal, observed, ports), observed, ports)
        return replace(waiting, message=f"Waiting for {_names(pods)} to end")
    stopped = replace(removal, phase=Phase.RELEASING, rounds=0)
    return _go_on("The controllers are stopped", stopped)


def _release(removal: Removal, ports: Ports) -> Outcome:
    """Take the Flux finalizers off the objects of the kinds that are about to go, page by page."""
    if removal.kinds is None:
        removal = _begin_release(removal, ports)
    kinds = removal.kinds
    if not kinds:
        released = replace(removal, phase=Phase.REMOVING, kinds=None)
        return _go_on("Removing all objects", released)
    kind, *rest = kinds
    token, found = release(kind, removal.token, ports.cluster)
    left = kinds if token else tuple(rest)
    released = replace(removal, kinds=left, token=token, refused={**removal.refused, **found})
    return _go_on(f"Releasing the objects of {kind.kind}", released)


def _begin_release(removal: Removal, ports: Ports) -> Removal:
    """Look which kinds there are; what was refused about others does not count any more."""
    listed = {str(entry.ref) for entry in removal.entries}
    refused = {key: why for key, why in removal.refused.items() if key in listed}
    return replace(removal, kinds=_kinds(removal, ports), refused=refused)


def _remove(removal: Removal, observed: Observed, ports: Ports) -> Outcome:
    """Delete everything that is listed; done when nothing of it is left."""
    removal = _delete(removal.entries, removal, observed, ports)
    if not removal.refused and not _still_there(removal.entries, removal, ports):
        return _let_go(observed, ports, _unknown(removal))
    again = replace(removal, phase=Phase.RELEASING)
    return _wait(_later(again, observed, ports), observed, ports)


def _delete(
    entries: Sequence[Entry],
    removal: Removal,
    observed: Observed,
    ports: Ports,
    *,
    propagation: str = "Background",
) -> Removal:
    """Ask for the deletion of what was not asked to go yet, or was refused before."""
    tried = [entry for entry in entries if entry.ref not in removal.asked | removal.kept]
    pruned = prune(tried, observed, ports, propagation=propagation)
    asked = {change.ref for change in pruned.changes if change.action is Action.DELETED}
    kept = {change.ref for change in pruned.changes if change.action is Action.SKIPPED}
    refs = {str(entry.ref) for entry in tried}
    refused = {key: why for key, why in removal.refused.items() if key not in refs}
    errors = zip(pruned.kept, pruned.errors, strict=True)
    refused |= {str(entry.ref): str(error) for entry, error in errors}
    return replace(removal, asked=removal.asked | asked, kept=removal.kept | kept, refused=refused)


def _later(removal: Removal, observed: Observed, ports: Ports) -> Removal:
    """The same, to be tried again after a pause that grows with each round."""
    rounds = removal.rounds + 1
    pause = pause_after(rounds, ports.clock.random())
    return replace(removal, rounds=rounds, next_try=observed.tick + pause)


def _rests(removal: Removal, ports: Ports) -> bool:
    """Whether there is nothing to do before the next try: watches may show that all is gone."""
    stopping = removal.phase is Phase.STOPPING
    asked = [ref for ref in removal.asked if not stopping or ref.kind.kind == _CONTROLLER]
    return bool(removal.refused or _seen(asked, ports)) or (stopping and not asked)


def _seen(refs: Iterable[ObjectRef], ports: Ports) -> list[ObjectRef]:
    """Objects that the watches show, or of which they know nothing; asks no request."""
    awaited = (ref for ref in refs if ref.kind.kind not in UNAWAITED)
    return [ref for ref in awaited if not is_watched(ref.kind, ports) or ports.live.get(ref)]


def _wait(removal: Removal, observed: Observed, ports: Ports) -> Outcome:
    """Wait for the next try, and say what is left."""
    refused = [f"{key}: {why}" for key, why in removal.refused.items()]
    going = sorted(str(ref) for ref in _seen(removal.asked, ports))
    shown = [f"{name} is still being deleted" for name in going[:SHOWN]]
    more = [f"and {len(going) - SHOWN} more"] if len(going) > SHOWN else []
    return Outcome(
        event=Event.WAITING,
        message=f"Waiting: {'; '.join([*refused, *shown, *more])}",
        progress=removal,
        after=max(removal.next_try - observed.tick, _NOW),
    )


def _still_there(entries: Sequence[Entry], removal: Removal, ports: Ports) -> list[ObjectRef]:
    """Objects whose deletion was accepted and that are there all the same, or may be."""
    asked = (entry.ref for entry in entries if entry.ref in removal.asked)
    asked = (ref for ref in asked if ref.kind.kind not in UNAWAITED)
    checked = removal.rounds >= CHECKED_AFTER
    return [ref for ref in asked if _is_there(ref, ports, checked=checked)]


def _is_there(ref: ObjectRef, ports: Ports, *, checked: bool) -> bool:
    """Whether an object is there, or may be; what a watch shows can be checked by a request."""
    try:
        if find(ref, ports) is None:
            return False
        if checked and is_watched(ref.kind, ports):
            read_served(ref, ports.cluster)
    except NotFoundError:
        return False
    except ClusterError:
        return True
    return True


def _kinds(removal: Removal, ports: Ports) -> tuple[Kind, ...]:
    """The kinds that the definitions in the list define, as far as those are still there."""
    definitions: list[Manifest] = []
    for entry in removal.entries:
        if entry.ref.kind.kind != CRD.kind or entry.ref in removal.kept:
            continue
        with suppress(ClusterError):  # what cannot be read cannot be released: its deletion tells
            live = find(entry.ref, ports)
            definitions += [live] if live else []
    return tuple(custom_kinds(definitions))


def _leftovers(removal: Removal, observed: Observed, ports: Ports) -> str:
    """What is left when time is up, and why; empty when nothing is."""
    left = dict(removal.refused)
    for entry in removal.entries:
        name = str(entry.ref)
        if name in left or entry.ref in removal.kept:
            continue
        if entry.ref not in removal.asked:
            left[name] = "not touched, because the controllers may still run"
        elif _is_there(entry.ref, ports, checked=True):
            left[name] = "still being deleted"
    if not left and not removal.unknown:
        return ""
    limit = duration.format(observed.settings.uninstall_timeout)
    lines = [f"{name}: {why}" for name, why in {**left, **removal.unknown}.items()]
    return "\n".join([f"not removed within {limit}:", *lines])


def _unknown(removal: Removal) -> str:
    """What may be left because it could not be looked for; empty when all was."""
    lines = [f"{kind}: {why}" for kind, why in removal.unknown.items()]
    return (
        f"the inventory was lost, and what is left is not known: {'; '.join(lines)}"
        if lines
        else ""
    )


def _let_go(observed: Observed, ports: Ports, message: str = "") -> Outcome:
    with suppress(NotFoundError):  # gone already
        drop_finalizer(observed.instance.manifest, ports.cluster)
    return Outcome(event=Event.UNINSTALLED, message=message)


def _is_controller(entry: Entry) -> bool:
    return entry.ref.kind.kind == _CONTROLLER


def _names(things: Sequence[object]) -> str:
    shown = ", ".join(str(thing) for thing in things[:SHOWN])
    return shown if len(things) <= SHOWN else f"{shown} and {len(things) - SHOWN} more"


def _go_on(message: str, removal: Removal) -> Outcome:
    return Outcome(event=Event.WAITING, message=message, progress=removal, after=_NOW)
