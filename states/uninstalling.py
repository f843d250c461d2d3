# SPDX-License-Identifier: Apache-2.0
"""Uninstalling: remove what was installed, and nothing that Flux itself deployed.

The controllers go first, so that they neither prune workloads nor put finalizers back; then the
Flux finalizers, so that the custom resources can go; then everything in the inventory, kinds last.
Each call does the next step. After a restart the steps are simply done again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from fluxsm.api.objects import CRD, Kind, Manifest, ObjectRef
from fluxsm.core.ports import Cluster, Ports
from fluxsm.core.step import Observed, Outcome, entered
from fluxsm.errors import ClusterError, NotFoundError
from fluxsm.machine.events import Event
from fluxsm.objects import inventory
from fluxsm.objects.inventory import Entry
from states.pending import drop_finalizer
from states.work.pruning import Pruned, prune

_LOOK_AGAIN = timedelta(seconds=1)
_NOW = timedelta(0)
_FLUX_FINALIZER = "finalizers.fluxcd.io"
_PROGRESS = "progress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the uninstallation is.

    Attributes:
        stopping: the controllers that were asked to go; None before.
        stopped: whether they are gone, or are not waited for any more.
        released: whether the Flux finalizers are gone.
        removed: everything that was asked to go, with what was refused; None before.
        again: whether what was refused is due another time.
    """

    stopping: Pruned | None = None
    stopped: bool = False
    released: bool = False
    removed: Pruned | None = None
    again: bool = False


def run(observed: Observed, ports: Ports) -> Outcome:
    """Do the next step of the uninstallation; Uninstalled when the finalizer is gone."""
    entries = inventory.of_status(observed.manifest)
    progress: Progress = observed.run.notes.get(_PROGRESS) or Progress()
    if observed.instance.suspended or not entries:
        return _let_go(observed, ports, "")
    if not ports.live.expect({entry.ref.kind for entry in entries}):
        return _wait(observed, "Starting to watch what has to go")
    if not progress.stopped:
        return _stop_controllers(entries, progress, observed, ports)
    if not progress.released:
        return _release(entries, progress, ports)
    if progress.removed is None or progress.again:
        return _remove(entries, progress, observed, ports)
    return _conclude(progress.removed, progress, observed, ports)


def _stop_controllers(
    entries: Sequence[Entry], progress: Progress, observed: Observed, ports: Ports
) -> Outcome:
    """Delete the Deployments and wait for them to be gone."""
    if progress.stopping is None:
        deployments = [entry for entry in entries if entry.ref.kind.kind == "Deployment"]
        stopping = prune(deployments, observed, ports)
        return _go_on("Stopping the controllers", replace(progress, stopping=stopping))
    running = _still_there(progress.stopping.awaited, ports)
    if running and not _is_over(observed):
        return _wait(observed, f"Waiting for {_names(running)} to be gone")
    return _go_on("The controllers are stopped", replace(progress, stopped=True))


def _release(entries: Sequence[Entry], progress: Progress, ports: Ports) -> Outcome:
    """Take the Flux finalizers off all objects of the kinds that are about to go."""
    for kind in _custom_kinds(entries, ports):
        _release_kind(kind, ports.cluster)
    return _go_on("The Flux finalizers are gone", replace(progress, released=True))


def _release_kind(kind: Kind, cluster: Cluster) -> None:
    try:
        for item in cluster.list(kind, metadata_only=True):
            finalizers = item["metadata"].get("finalizers") or []
            kept = [value for value in finalizers if value != _FLUX_FINALIZER]
            if kept != finalizers:
                _write_finalizers(ObjectRef.of(item), item, kept, cluster)
    except NotFoundError:
        return  # the kind is not served any more, so nothing of it holds a finalizer


def _write_finalizers(ref: ObjectRef, item: Manifest, kept: list[str], cluster: Cluster) -> None:
    version = item["metadata"].get("resourceVersion", "")
    try:
        cluster.patch(ref, {"metadata": {"finalizers": kept or None, "resourceVersion": version}})
    except NotFoundError:
        return  # gone in the meantime, which is what was wanted


def _custom_kinds(entries: Iterable[Entry], ports: Ports) -> list[Kind]:
    """The kinds that the CRDs of the inventory define, at the version that is stored."""
    found: list[Kind] = []
    for entry in entries:
        live = ports.live.get(entry.ref) if entry.ref.kind.kind == CRD.kind else None
        if live is None:
            continue
        spec = live["spec"]
        stored = [version["name"] for version in spec["versions"] if version.get("storage")]
        found.extend(Kind(spec["group"], version, spec["names"]["kind"]) for version in stored)
    return found


def _remove(
    entries: Sequence[Entry], progress: Progress, observed: Observed, ports: Ports
) -> Outcome:
    """Delete everything that is left in the inventory; the second time only what was refused."""
    if progress.removed is None:
        kept = progress.stopping.kept if progress.stopping else ()
        rest = [entry for entry in entries if entry.ref.kind.kind != "Deployment"]
        removed = prune([*kept, *rest], observed, ports)
    else:
        removed = prune(progress.removed.kept, observed, ports)
        removed = replace(removed, awaited=(*progress.removed.awaited, *removed.awaited))
    message = "Removing all objects"
    return _go_on(message, replace(progress, removed=removed, again=False))


def _conclude(removed: Pruned, progress: Progress, observed: Observed, ports: Ports) -> Outcome:
    """Let the instance go when nothing is left or time is up; else wait, and try again."""
    left = _left(removed, ports)
    if not left or _is_over(observed):
        return _let_go(observed, ports, _leftovers(left, observed))
    waiting = _go_on(f"Waiting: {'; '.join(left)}", replace(progress, again=bool(removed.kept)))
    return replace(waiting, after=_LOOK_AGAIN)


def _left(removed: Pruned, ports: Ports) -> list[str]:
    """What is not gone: what could not be deleted, and CRDs that are still on their way out."""
    refused = [
        f"{entry.ref}: {error}" for entry, error in zip(removed.kept, removed.errors, strict=True)
    ]
    crds = [ref for ref in removed.awaited if ref.kind.kind == CRD.kind]
    return refused + [f"{ref} is still being deleted" for ref in _still_there(crds, ports)]


def _leftovers(left: Sequence[str], observed: Observed) -> str:
    if not left:
        return ""
    limit = observed.settings.uninstall_timeout
    return f"not removed within {limit.total_seconds():.0f}s: {'; '.join(left)}"


def _let_go(observed: Observed, ports: Ports, message: str) -> Outcome:
    with suppress(NotFoundError):  # gone already
        drop_finalizer(observed.manifest, ports.cluster)
    ports.live.forget()
    return Outcome(event=Event.UNINSTALLED, message=message)


def _still_there(refs: Iterable[ObjectRef], ports: Ports) -> list[ObjectRef]:
    return [ref for ref in refs if ports.live.get(ref) is not None]


def _is_over(observed: Observed) -> bool:
    return observed.now - entered(observed.run) >= observed.settings.uninstall_timeout


def _names(refs: Iterable[ObjectRef]) -> str:
    return ", ".join(str(ref) for ref in refs)


def _wait(observed: Observed, message: str) -> Outcome:
    if _is_over(observed):
        raise ClusterError(f"{message}: not done within the time limit")
    return Outcome(event=Event.WAITING, message=message, after=_LOOK_AGAIN)


def _go_on(message: str, progress: Progress) -> Outcome:
    notes = {_PROGRESS: progress}
    return Outcome(event=Event.WAITING, message=message, facts={"notes": notes}, after=_NOW)
