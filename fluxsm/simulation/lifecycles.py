# SPDX-License-Identifier: Apache-2.0
"""The lifecycles that every instance can have, as scenarios that come with the package."""

from __future__ import annotations

from fluxsm.errors import UsageError
from fluxsm.simulation.scenario import Scenario, load
from fluxsm.simulation.titles import texts


def lifecycles() -> list[Scenario]:
    """All of them, by name."""
    return [load(text, name) for name, text in texts().items()]


def lifecycle(name: str) -> Scenario:
    """The one of a name.

    Raises:
        UsageError: there is none.
    """
    found = texts()
    if name not in found:
        raise UsageError(f"{name} is neither a file nor one of {', '.join(found)}")
    return load(found[name], name)
