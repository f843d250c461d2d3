# SPDX-License-Identifier: Apache-2.0
"""Groups that load a command when it is called, and not before."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

import click

from fluxsm.api.flux_kinds import BY_WORD
from fluxsm.cli.commands import Entry
from fluxsm.errors import UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_RESOURCE: Final = "resource"
_ALIKE: Final = 0.6
"""From here on a word counts as a misspelt command."""


class LazyGroup(click.Group):
    """A group of commands that are imported when they are called.

    Attributes:
        entries: the commands by name.
        sections: the same under headings; empty for one list without.
        default: the command that is meant when the first argument is no command.
    """

    def __init__(
        self,
        *args: object,
        entries: Mapping[str, Entry],
        sections: Mapping[str, Mapping[str, Entry]] | None = None,
        default: str = "",
        **extra: object,
    ) -> None:
        """Prepare; nothing is imported.

        Args:
            args: as in the base class.
            entries: the commands by name.
            sections: the same under headings.
            default: the command that is meant when none is given.
            extra: as in the base class.
        """
        super().__init__(*args, **extra)  # type: ignore[arg-type] # passed on as they come
        self.entries = entries
        self.sections = sections or {"Commands": entries}
        self.default = default
        self._aliases = {
            alias: name for name, entry in entries.items() for alias in (name, *entry.aliases)
        }

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 as in the base class
        """All commands, without other names of the same."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name."""
        name = self._aliases.get(cmd_name)
        if name is None:
            return None
        entry = self.entries[name]
        if entry.nouns:
            return _verb(name, entry)
        found: click.Command = importlib.import_module(entry.module).command
        ctx.find_root().meta["failure_code"] = getattr(found, "failure_code", 1)
        if entry.lasting:
            gc.enable()
        elif sys.stdout is None:
            raise UsageError("standard output is closed, and the result would go there")
        return found

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command before what is an argument or an option of it.

        A kind of Flux, as in `get ks` or `reconcile ks/apps`, is for the command `resource`.
        """
        if ctx.resilient_parsing and not args:
            return super().parse_args(ctx, args)  # completion offers all that may come here
        if _RESOURCE in self.entries and args and self._names_kind(args[0]):
            args = [_RESOURCE, *args]
        elif self.default and not (args and (_asks_for_help(args) or self._nearest(args[0]))):
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def _names_kind(self, word: str) -> bool:
        """Whether a word begins with a kind; the instance has a command of its own."""
        kind, slash, _ = word.partition("/")
        is_option = word.startswith("-")
        return not is_option and (
            bool(slash) or (word not in self._aliases and kind.lower() in BY_WORD)
        )

    def _nearest(self, word: str) -> str:
        """The command that a word means or is a misspelling of, empty where there is none."""
        return next(iter(get_close_matches(word.lower(), self._aliases, n=1, cutoff=_ALIKE)), "")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is called; of an unknown one, the nearest is named."""
        is_known = not args or args[0] in self._aliases or args[0].startswith("-")
        if not (is_known or ctx.resilient_parsing):
            close = self._nearest(args[0])
            near = f"did you mean {close}? " if close else ""
            lists = f"{ctx.command_path} --help lists them all"
            ctx.fail(f"'{args[0]}' is not a command; {near}{lists}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands, without importing them, and the arguments of the command that is meant."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=entry.text)
            for name, entry in self.entries.items()
            if name.startswith(incomplete) and name != _RESOURCE
        ]
        for name in (self.default, _RESOURCE):
            if name in self.entries and not incomplete.startswith("-"):
                found += self._arguments(ctx, name, incomplete)
        found += click.Command.shell_complete(self, ctx, incomplete)
        return found

    def _arguments(self, ctx: click.Context, name: str, incomplete: str) -> list[CompletionItem]:
        """What the argument of a command may be."""
        command = self.get_command(ctx, name)
        if command is None:
            return []
        with command.make_context(name, [], parent=ctx, resilient_parsing=True) as inner:
            arguments = [item for item in command.params if isinstance(item, click.Argument)]
            return [it for item in arguments for it in item.shell_complete(inner, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands, without importing them; all sections are aligned."""
        width = max(map(len, self.entries))
        for title, entries in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), it.text) for name, it in entries.items()])


def _asks_for_help(args: list[str]) -> bool:
    return args[0] in {"-h", "--help"}


def _verb(name: str, entry: Entry) -> LazyGroup:
    """A verb with several nouns."""
    return LazyGroup(
        name,
        entries=entry.nouns,
        default=entry.default,
        help=entry.text,
        no_args_is_help=not entry.default,
    )
