# SPDX-License-Identifier: Apache-2.0
"""What must hold after a fault: each invariant returns findings in words, none when it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from tests.integration.instance import is_path
from tests.integration.operator import Transition
from tools.crash.journal import Exchange, asked, effects
from tools.crash.normal import differences
from tools.crash.world import World, comparable, listed, owned

_SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a phase looks like when nothing goes wrong.

    Attributes:
        world: all objects at its end, comparable.
        asked: how often each target is written, in this phase or an earlier one.
        effects: how often each target is changed.
        writes: the targets in the order in which they were written.
        reads: how many reads there are.
        again: how many of them were asked before in the same lifecycle.
        lines: how many lines the watches bring.
    """

    world: World
    asked: Counter[str]
    effects: Counter[str]
    writes: tuple[str, ...]
    reads: int = 0
    again: int = 0
    lines: int = 0


def same_end(reference: Reference, world: World, *, forgive_failures: bool) -> list[str]:
    """The end state is that of the lifecycle without faults."""
    found = comparable(world, forgive_failures=forgive_failures)
    missing = [f"missing: {key}" for key in sorted(reference.world.keys() - found.keys())]
    extra = [f"left over: {key}" for key in sorted(found.keys() - reference.world.keys())]
    changed = [
        f"{key}: {line}"
        for key in sorted(reference.world.keys() & found.keys())
        for line in differences(reference.world[key], found[key])[:_SHOWN]
    ]
    return missing + extra + changed


def no_needless_writes(
    reference: Reference, writes: Iterable[Exchange], known: dict[str, str], *, starts: int
) -> list[str]:
    """Nothing is changed more often than without faults, nor asked for more often per process.

    A process that starts does not know what the one before did, so it may ask for each write once
    more; the API server answers that nothing changed. The status of the instance may be written
    again, to say how far the new process is. What the API server refused or never got, and what
    the operator got no answer to, may be asked for again. A process that did not receive a line
    about an object takes it for deleted, and applies it again.

    Args:
        reference: the phase without faults.
        writes: the writes of the phase.
        known: what each path held before; brought up to date.
        starts: how many runs began: processes, tries after a failure, repairs of what was not seen.
    """
    journal = list(writes)
    findings = [
        f"changed {count} times, not {reference.effects[target]}: {target}"
        for target, count in effects(journal, known).items()
        if count > reference.effects[target]
    ]
    refused = asked(write for write in journal if write.lost or not write.succeeded)
    for target, count in asked(journal).items():
        allowed = reference.asked[target] * starts + refused[target]
        if target.endswith("/status") and names.INSTANCE_PLURAL in target:
            allowed += 2 * starts
        if count > allowed:
            findings.append(f"asked for {count} times, not at most {allowed}: {target}")
    return findings


def no_orphan(world: World) -> list[str]:
    """Everything that carries the owner labels is in the inventory; a namespace outlives both."""
    orphans = sorted(owned(world) - listed(world))
    return [f"not in the inventory: {key}" for key in orphans if not key.startswith("Namespace/")]


def nothing_unmade(world: World) -> list[str]:
    """Everything in the inventory exists, once Ready."""
    return [f"listed, but missing: {key}" for key in sorted(listed(world) - world.keys())]


def nothing_in_an_old_version(world: World, stored: Callable[[str], Manifest | None]) -> list[str]:
    """Every Flux resource lies in etcd in the storage version, the only one that its CRD lists.

    Args:
        world: as read.
        stored: reads an object from etcd by its key.
    """
    return [
        finding
        for crd in world.values()
        if crd["kind"] == "CustomResourceDefinition"
        and crd["spec"]["group"].endswith(".toolkit.fluxcd.io")
        for finding in _old_versions(crd, world, stored)
    ]


def _old_versions(
    crd: Manifest, world: World, stored: Callable[[str], Manifest | None]
) -> Iterator[str]:
    name, spec = crd["metadata"]["name"], crd["spec"]
    storage = next(item["name"] for item in spec["versions"] if item["storage"])
    if crd["status"]["storedVersions"] != [storage]:
        yield f"storedVersions {crd['status']['storedVersions']}, not [{storage}]: {name}"
    for item in world.values():
        group = item["apiVersion"].rpartition("/")[0]
        if (group, item["kind"]) != (spec["group"], spec["names"]["kind"]):
            continue
        where = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
        found = stored(f"{spec['group']}/{spec['names']['plural']}/{where}") or {}
        if found.get("apiVersion") != f"{spec['group']}/{storage}":
            yield f"stored as {found.get('apiVersion')}, not {storage}: {name} {where}"


def sound_path(transitions: list[Transition], *, may_fail: bool) -> list[str]:
    """The new process took rows of the table only, and a crash alone makes nothing fail."""
    findings = [] if is_path(transitions) else [f"not a path of the table: {transitions}"]
    failed = [item for item in transitions if item.dest == "Failed"]
    if failed and not may_fail:
        findings.append(f"failed on the way: {failed[0].message}")
    return findings


def idle(before: int, after: int, latest: Iterable[Exchange]) -> list[str]:
    """Nothing is written once the phase is over."""
    if before == after:
        return []
    return [f"written while idle: {item}" for item in list(latest)[before:after]]
