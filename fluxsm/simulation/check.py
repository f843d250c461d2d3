# SPDX-License-Identifier: Apache-2.0
"""The model check: the laws of the table, of every step, and of whole lives."""

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
from fluxsm.simulation.lives import lives
from fluxsm.simulation.scenario import ExpectationError, Scenario, play
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
    for part in (check_rows, check_steps, check_lives):
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


def check_lives(table: Table) -> Result:
    """Whole lives with the real handlers, each as its scenario says."""
    broken = [item for scenario in lives() if (item := _broken_life(scenario, table))]
    return Result(summary=f"{len(lives())} lives with the real handlers", broken=tuple(broken))


def first_broken_life(table: Table) -> Broken | None:
    """The first life that does not go as its scenario says."""
    found = (_broken_life(scenario, table) for scenario in lives())
    return next((item for item in found if item), None)


def _broken_life(scenario: Scenario, table: Table) -> Broken | None:
    world = World(replace(BEHAVIOUR, engine=Engine(table)))
    try:
        play(scenario, world)
    except (ExpectationError, WorldError, NoRowError) as error:
        steps = [moment.step for moment in world.moments if moment.step]
        rows = tuple(step.row for step in steps if step.moved)
        story = tuple(tell(rows[-_LAST:], str(error), table.initial)[1:])
        return Broken(law=scenario.about, text=str(error), story=story)
    return None


_LAST = 12
"""Rows of a life that are told when it goes wrong: the last ones show why."""
