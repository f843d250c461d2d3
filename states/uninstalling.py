# SPDX-License-Identifier: Apache-2.0
"""Uninstalling: remove what was installed, and nothing that Flux itself deployed.

The controllers go first, so that they neither prune workloads nor put finalizers back; then the
Flux finalizers, so that the custom resources can go; then everything in the inventory, kinds last.
Each call does the next step. After a restart the steps are simply done again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.errors import ClusterError, NotFoundError
from fluxsm.machine.alphabet import Event
from fluxsm.ports import Cluster, Ports
from fluxsm.rules import inventory
from fluxsm.rules.inventory import Entry
from fluxsm.step import Observed, Outcome, entered
from states.pending import drop_finalizer
from states.pruning import Pruned, prune

_LOOK_AGAIN = timedelta(seconds=1)
_NOW = timedelta(0)
_FLUX_FINALIZER = "finalizers.fluxcd.io"
_CRD = "CustomResourceDefinition"


def run(observed: Observed, ports: Ports) -> Outcome:
    """Do the next step of the uninstallation; Uninstalled when the finalizer is gone."""
    entries = inventory.of_status(observed.manifest)
    notes = observed.run.notes
    if observed.instance.suspended or not entries:
        return _let_go(observed, ports, "")
    if not ports.live.expect({entry.ref.kind for entry in entries}):
        return _wait(observed, "Starting to watch what has to go")
    for step in (_stop_controllers, _release, _remove):
        if step.__name__ not in notes:
            return step(entries, observed, ports)
    left = _left(notes, ports)
    if left and not _is_over(observed):
        return _again(observed, left)
    return _let_go(observed, ports, _leftovers(left, observed))


def _stop_controllers(entries: Sequence[Entry], observed: Observed, ports: Ports) -> Outcome:
    """Delete the Deployments and wait for them to be gone."""
    deployments = [entry for entry in entries if entry.ref.kind.kind == "Deployment"]
    if "stopping" not in observed.run.notes:
        pruned = prune(deployments, observed, ports)
        return _noted(observed, "Stopping the controllers", stopping=pruned)
    running = _still_there(observed.run.notes["stopping"].awaited, ports)
    if running and not _is_over(observed):
        return _wait(observed, f"Waiting for {_names(running)} to be gone")
    return _noted(observed, "The controllers are stopped", _stop_controllers=True)


def _release(entries: Sequence[Entry], observed: Observed, ports: Ports) -> Outcome:
    """Take the Flux finalizers off all objects of the kinds that are about to go."""
    for kind in _custom_kinds(entries, ports):
        _release_kind(kind, ports.cluster)
    return _noted(observed, "The Flux finalizers are gone", _release=True)


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
        live = ports.live.get(entry.ref) if entry.ref.kind.kind == _CRD else None
        if live is None:
            continue
        spec = live["spec"]
        stored = [version["name"] for version in spec["versions"] if version.get("storage")]
        found.extend(Kind(spec["group"], version, spec["names"]["kind"]) for version in stored)
    return found


def _remove(entries: Sequence[Entry], observed: Observed, ports: Ports) -> Outcome:
    """Delete everything that is left in the inventory; the second time only what was refused."""
    tried: Pruned | None = observed.run.notes.get("tried")
    if tried is None:
        rest = [entry for entry in entries if entry.ref.kind.kind != "Deployment"]
        stopping: Pruned = observed.run.notes["stopping"]
        pruned = prune([*stopping.kept, *rest], observed, ports)
    else:
        again = prune(tried.kept, observed, ports)
        pruned = replace(again, awaited=(*tried.awaited, *again.awaited))
    return _noted(observed, "Removing all objects", _remove=pruned)


def _left(notes: Any, ports: Ports) -> list[str]:
    """What is not gone: what could not be deleted, and CRDs that are still on their way out."""
    removed: Pruned = notes["_remove"]
    refused = [
        f"{entry.ref}: {error}" for entry, error in zip(removed.kept, removed.errors, strict=True)
    ]
    crds = [ref for ref in removed.awaited if ref.kind.kind == _CRD]
    return refused + [f"{ref} is still being deleted" for ref in _still_there(crds, ports)]


def _again(observed: Observed, left: Sequence[str]) -> Outcome:
    """Try what was refused again; wait for the rest."""
    notes = dict(observed.run.notes)
    if notes["_remove"].kept:
        notes["tried"] = notes.pop("_remove")
    return Outcome(
        event=Event.WAITING,
        message=f"Waiting: {'; '.join(left)}",
        facts={"notes": notes},
        after=_LOOK_AGAIN,
    )


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


def _noted(observed: Observed, message: str, **notes: Any) -> Outcome:
    return Outcome(
        event=Event.WAITING,
        message=message,
        facts={"notes": {**observed.run.notes, **notes}},
        after=_NOW,
    )
