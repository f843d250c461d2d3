# SPDX-License-Identifier: Apache-2.0
"""The list of commands: what `--help` says, and where the code is.

The modules are heavy and the texts are not, so help and completion of names read only this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Entry(NamedTuple):
    """One command.

    Attributes:
        module: has the command as `command`; empty for a verb with several nouns.
        text: one line for the list of commands.
        nouns: the commands behind a verb, such as `get all`.
        default: the noun that is meant when none is given.
        aliases: other names of the command.
        lasting: whether it may run long: objects are then searched for cycles.
    """

    module: str
    text: str
    nouns: Mapping[str, Entry] = {}
    default: str = ""
    aliases: tuple[str, ...] = ()
    lasting: bool = False


def _instance(module: str, text: str, *aliases: str) -> Entry:
    return Entry(f"fluxsm.cli.instance.{module}", text, aliases=aliases)


def _verb(text: str, default: str = "", **nouns: Entry) -> Entry:
    return Entry("", text, nouns=nouns, default=default)


_FILES: Final = {
    "build": Entry("fluxsm.cli.build", "Print the objects of a FluxInstance, without a cluster."),
    "versions": Entry("fluxsm.cli.versions", "List the Flux versions of a distribution."),
    "diff": Entry("fluxsm.cli.diff", "Compare two FluxInstances or streams of objects."),
    "push": Entry("fluxsm.cli.push", "Push a distribution folder to a registry as an artifact."),
    "vendor": Entry("fluxsm.cli.vendor", "Fill a distribution folder with manifests of Flux."),
}
_INSTANCE: Final = {
    "get": _verb(
        "List instances.",
        "instance",
        instance=_instance("get", "List FluxInstances.", "instances"),
    ),
    "explain": Entry(
        "fluxsm.cli.explain",
        "Say where the instance stands, why, and what comes next.",
        aliases=("why",),
    ),
    "history": Entry(
        "fluxsm.cli.history", "List the transitions of the instance, and its revisions."
    ),
}
_FLUX: Final = {
    "version": Entry("fluxsm.cli.flux.version", "Print versions of fluxsm, operator and Flux."),
}
_OPERATOR: Final = {
    "install": Entry("fluxsm.cli.install", "Put the operator into a cluster.", lasting=True),
    "uninstall": Entry(
        "fluxsm.cli.uninstall", "Take the operator, and Flux, out of a cluster.", lasting=True
    ),
    "run": Entry("fluxsm.cli.run", "Run the operator.", lasting=True),
}
_MACHINE: Final = {
    "graph": Entry("fluxsm.cli.graph", "Draw the state machine."),
    "simulate": Entry(
        "fluxsm.cli.simulate", "Play the life of an instance without a cluster.", lasting=True
    ),
    "check-machine": Entry(
        "fluxsm.cli.check_machine", "Check the laws of the machine in every case.", lasting=True
    ),
}

SECTIONS: Final[Mapping[str, Mapping[str, Entry]]] = {
    "The instance": _INSTANCE,
    "Flux": _FLUX,
    "Files": _FILES,
    "The operator": _OPERATOR,
    "The machine": _MACHINE,
}
"""The commands under the headings of `fluxsm --help`."""

COMMANDS: Final[Mapping[str, Entry]] = {
    name: entry for section in SECTIONS.values() for name, entry in section.items()
}
"""All commands by name."""
