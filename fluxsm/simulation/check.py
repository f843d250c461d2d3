# SPDX-License-Identifier: Apache-2.0
"""The model check: the laws of the table, of every step, of whole lifecycles, of liveness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fluxsm.machine import laws as table_laws
from fluxsm.machine.engine import Engine, NoRowError
from fluxsm.machine.explore import cases
from fluxsm.machine.laws import describe, law_name, violations
from fluxsm.machine.table import Row, Table
from fluxsm.simulation import liveness
from fluxsm.simulation.exploration import explore
from fluxsm.simulation.laws import STEP_LAWS
from fluxsm.simulation.lifecycles import lifecycles
from fluxsm.simulation.player import ExpectationError, play, stage
from fluxsm.simulation.scenario import Scenario
from fluxsm.simulation.world import World, WorldError
from states.behaviour import BEHAVIOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A law that does not hold.

    Attributes:
        law: its name in words.
        text: what is wrong.
        story: the shortest way to see it, line for line.
    """

    law: str
    text: str
    story: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one part of the check found.

    Attributes:
        summary: what was looked at, with numbers.
        broken: the laws that do not hold, each with its shortest story.
    """

    summary: str
    broken: tuple[Broken, ...]


def check(table: Table) -> Iterator[Result]:
    """Check a table, part by part; what builds on a broken part is not looked at."""
    for part in (check_rows, check_steps, check_lifecycles, check_liveness):
        result = part(table)
        yield result
        if result.broken:
            return


def check_rows(table: Table) -> Result:
    """The laws that can be read off the rows."""
    broken = [
        Broken(
            law=law_name(law),
            text=violation.text,
            story=tuple(describe(violation.story, violation.end, table.initial))
            if violation.end
            else (),
        )
        for law, violation in violations(table)
    ]
    count = sum(1 for _ in cases(table))
    summary = (
        f"{len(table.rows)} rows, {count} cases of state, event and guards,"
        f" {len(table_laws.LAWS)} laws of the table"
    )
    return Result(summary=summary, broken=tuple(broken))


def check_steps(table: Table) -> Result:
    """The laws of every step that can be taken, with real statuses."""
    found: dict[tuple[str, str], tuple[Row, ...]] = {}
    count = 0
    for taken in explore(table):
        count += 1
        for law in STEP_LAWS:
            for text in law(taken, table):
                found.setdefault((law_name(law), text), taken.story)
    broken = [
        Broken(law=law, text=text, story=tuple(describe(story, text, table.initial)))
        for (law, text), story in found.items()
    ]
    summary = f"{count} steps from every place that can be reached, {len(STEP_LAWS)} laws of a step"
    return Result(summary=summary, broken=tuple(broken))


def check_lifecycles(table: Table) -> Result:
    """Whole lifecycles with the real handlers, each as its scenario says."""
    scenarios = lifecycles()
    broken = [item for scenario in scenarios if (item := _broken_lifecycle(scenario, table))]
    summary = f"{len(scenarios)} lifecycles with the real handlers"
    return Result(summary=summary, broken=tuple(broken))


def check_liveness(table: Table) -> Result:
    """Both laws of liveness, with every single fault."""
    broken = [item for case in liveness.CASES for item in _broken_liveness(case, table)]
    summary = (
        f"{len(liveness.CASES)} faults that stop or never do, {len(liveness.LAWS)} laws of liveness"
    )
    return Result(summary=summary, broken=tuple(broken))


def _broken_liveness(case: liveness.Case, table: Table) -> Iterator[Broken]:
    """The laws that do not hold with one fault, each with the last rows that led there."""
    world = liveness.prepare(table)
    for law in liveness.broken_laws(case, world):
        yield Broken(law=law_name(law.law), text=law.text, story=_story(world, law.text, table))


def first_broken_lifecycle(table: Table) -> Broken | None:
    """The first lifecycle that does not go as its scenario says."""
    found = (_broken_lifecycle(scenario, table) for scenario in lifecycles())
    return next((item for item in found if item), None)


def _broken_lifecycle(scenario: Scenario, table: Table) -> Broken | None:
    world = stage(replace(BEHAVIOUR, engine=Engine(table)))
    try:
        play(scenario, world)
    except (ExpectationError, WorldError, NoRowError) as error:
        return Broken(law=scenario.about, text=str(error), story=_story(world, str(error), table))
    return None


def _story(world: World, end: str, table: Table) -> tuple[str, ...]:
    """The last rows of what happened in a world, line for line."""
    rows = tuple(step.row for step in world.steps if step.moved)
    return tuple(describe(rows[-_LAST:], end, table.initial)[1:])


_LAST = 12
"""Rows of a lifecycle that are shown when it goes wrong: the last ones show why."""
