# SPDX-License-Identifier: Apache-2.0
"""The model check: the laws of the table, of every step, and of whole lifecycles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fluxsm.machine import laws as table_laws
from fluxsm.machine.engine import Engine, NoRowError
from fluxsm.machine.explore import cases
from fluxsm.machine.laws import law_name, tell, violations
from fluxsm.machine.table import Row, Table
from fluxsm.simulation.exploration import explore
from fluxsm.simulation.laws import STEP_LAWS
from fluxsm.simulation.lifecycles import lifecycles
from fluxsm.simulation.player import ExpectationError, play, stage
from fluxsm.simulation.scenario import Scenario
from fluxsm.simulation.world import WorldError
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
    for part in (check_rows, check_steps, check_lifecycles):
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
            story=tuple(tell(violation.story, violation.end, table.initial))
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
        Broken(law=law, text=text, story=tuple(tell(story, text, table.initial)))
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


def first_broken_lifecycle(table: Table) -> Broken | None:
    """The first lifecycle that does not go as its scenario says."""
    found = (_broken_lifecycle(scenario, table) for scenario in lifecycles())
    return next((item for item in found if item), None)


def _broken_lifecycle(scenario: Scenario, table: Table) -> Broken | None:
    world = stage(replace(BEHAVIOUR, engine=Engine(table)))
    try:
        play(scenario, world)
    except (ExpectationError, WorldError, NoRowError) as error:
        steps = [moment.step for moment in world.moments if moment.step]
        rows = tuple(step.row for step in steps if step.moved)
        story = tuple(tell(rows[-_LAST:], str(error), table.initial)[1:])
        return Broken(law=scenario.about, text=str(error), story=story)
    return None


_LAST = 12
"""Rows of a lifecycle that are told when it goes wrong: the last ones show why."""
