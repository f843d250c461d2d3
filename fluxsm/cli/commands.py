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


def _flux(module: str, text: str, *aliases: str) -> Entry:
    return Entry(f"fluxsm.cli.flux.{module}", text, aliases=aliases)


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
        "List instances, or what Flux manages.",
        "instance",
        instance=_instance("get", "List FluxInstances.", "instances"),
        all=_flux("get_all", "List objects of all kinds of Flux.", "resources"),
        resource=_flux("get_kind", "List objects of one kind: get ks, get hr/podinfo."),
    ),
    "explain": Entry(
        "fluxsm.cli.explain",
        "Say where the instance stands, why, and what comes next.",
        aliases=("why",),
    ),
    "status": Entry(
        "fluxsm.cli.status", "Show where the instance stands, or serve a page.", lasting=True
    ),
    "plan": Entry("fluxsm.cli.plan", "Say what the operator would do, without doing it."),
    "history": Entry(
        "fluxsm.cli.history", "List the transitions of the instance, and its revisions."
    ),
    "events": _instance("events", "List the events of an instance."),
    "reconcile": _verb(
        "Have an instance, or an object of Flux, reconciled now.",
        "instance",
        instance=_instance("reconcile", "Reconcile a FluxInstance now."),
        resource=_flux("reconcile", "Reconcile an object of Flux now: reconcile ks/apps."),
        all=_flux("reconcile_all", "Reconcile all objects of a kind now.", "resources"),
    ),
    "suspend": _verb(
        "Suspend an instance, or an object of Flux.",
        "instance",
        instance=_instance("suspend", "Suspend a FluxInstance."),
        resource=_flux("suspend", "Suspend an object of Flux: suspend ks/apps."),
    ),
    "resume": _verb(
        "Resume an instance, or an object of Flux.",
        "instance",
        instance=_instance("resume", "Resume a FluxInstance."),
        resource=_flux("resume", "Resume an object of Flux: resume ks/apps."),
    ),
    "wait": _verb(
        "Wait until an instance is Ready.",
        "instance",
        instance=_instance("wait", "Wait until a FluxInstance is Ready."),
    ),
    "delete": _verb(
        "Delete an instance, and Flux with it or not.",
        "instance",
        instance=_instance("delete", "Delete a FluxInstance."),
    ),
    "export": _verb(
        "Print an instance, or an object of Flux, for a file.",
        "instance",
        instance=_instance("export", "Print a FluxInstance for a file."),
        resource=_flux("export", "Print an object of Flux for a file: export ks/apps."),
        report=_flux("export_report", "Print the FluxReport."),
    ),
}
_FLUX: Final = {
    "tree": _verb(
        "Show what an instance, or an object of Flux, manages.",
        "instance",
        instance=_instance("tree", "Show what a FluxInstance manages."),
        resource=_flux("tree_resource", "Show what an object of Flux manages: tree ks/apps."),
    ),
    "trace": _flux("trace", "Say what manages an object, and where that comes from."),
    "stats": _flux("stats", "Count the objects of Flux by how they are."),
    "migrate": _verb(
        "Clean managed fields of former appliers or API versions.",
        owner=_flux("migrate_owner", "Strip field managers of former appliers.", "ownership"),
        resources=_flux("migrate_resources", "Move managed fields to one API version.", "resource"),
    ),
    "version": _flux("version", "Print versions of fluxsm, operator and Flux."),
}
_OPERATOR: Final = {
    "install": Entry("fluxsm.cli.install", "Put the operator into a cluster.", lasting=True),
    "uninstall": Entry(
        "fluxsm.cli.uninstall", "Take the operator, and Flux, out of a cluster.", lasting=True
    ),
    "doctor": Entry(
        "fluxsm.cli.doctor", "Look for what keeps the operator from working.", aliases=("check",)
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
_HELP: Final = {
    "options": Entry(
        "fluxsm.cli.common_flags", "List the flags that all commands about a cluster have."
    ),
    "completion": Entry("fluxsm.cli.completion.script", "Print a completion script for a shell."),
}

SECTIONS: Final[Mapping[str, Mapping[str, Entry]]] = {
    "The instance": _INSTANCE,
    "Flux": _FLUX,
    "Files": _FILES,
    "The operator": _OPERATOR,
    "The machine": _MACHINE,
    "Help": _HELP,
}
"""The commands under the headings of `fluxsm --help`."""

COMMANDS: Final[Mapping[str, Entry]] = {
    name: entry for section in SECTIONS.values() for name, entry in section.items()
}
"""All commands by name."""
