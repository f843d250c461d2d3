# SPDX-License-Identifier: Apache-2.0
"""The lifecycles that every instance can have, as scenarios that come with the package."""

from __future__ import annotations

from importlib.resources import files

from fluxsm.errors import UsageError
from fluxsm.simulation.scenario import Scenario, load


def lifecycles() -> list[Scenario]:
    """All of them, by name."""
    folder = files("fluxsm.simulation") / "scenarios"
    found = sorted(
        (item for item in folder.iterdir() if item.name.endswith(".yaml")),
        key=lambda item: item.name,
    )
    return [load(item.read_text("utf-8"), item.name.removesuffix(".yaml")) for item in found]


def lifecycle(name: str) -> Scenario:
    """The one of a name.

    Raises:
        UsageError: there is none.
    """
    found = {scenario.name: scenario for scenario in lifecycles()}
    if name not in found:
        raise UsageError(f"{name} is neither a file nor one of {', '.join(found)}")
    return found[name]
