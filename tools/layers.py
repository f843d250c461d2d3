# SPDX-License-Identifier: Apache-2.0
"""The layers in docs/architecture.md, drawn from the import contracts that `make contracts` checks.

Only the block between the two marks is generated; the rest of the page is written by hand.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

from fluxsm.machine.render import markdown

ROOT = Path(__file__).resolve().parents[1]
PAGE = "docs/architecture.md"
CONTRACTS = ".importlinter"
BEGIN = "<!-- Generated from .importlinter by `make generate`; do not edit. -->\n"
END = "<!-- End of the generated block. -->\n"
_LAYERS = "importlinter:contract:layers"


def files() -> dict[str, str]:
    """The page with the block as the contracts have it now, by its path."""
    return {PAGE: place((ROOT / PAGE).read_text(), block((ROOT / CONTRACTS).read_text()))}


def place(page: str, text: str) -> str:
    """Put a text between the marks of a page.

    Args:
        page: a page with both marks, each at most once.
        text: whole lines.

    Returns:
        The page with the text in the place of what was there.

    Raises:
        ValueError: a mark is missing, so nothing says where the text belongs.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} lacks the mark {BEGIN.strip()} or {END.strip()}; put it back")
    return f"{before}{begin}\n{text}\n{end}{after}"


def block(contracts: str) -> str:
    """The layers in a line, what each is, and the other contracts, as Markdown.

    Args:
        contracts: the text of a configuration of import-linter with one contract of layers.
    """
    config = ConfigParser()
    config.read_string(contracts)
    rows = [line.strip() for line in config[_LAYERS]["layers"].splitlines() if line.strip()]
    line = " → ".join(" | ".join(_short(name) for name in _names(row)) for row in rows)
    layers = markdown.table(
        ("Layer", "What it is"),
        [(f"`{name}`", purpose(ROOT, name)) for row in rows for name in _names(row)],
    )
    others = "".join(f"* {name}.\n" for name in _other_contracts(config))
    return f"```\n{line}\n```\n\n{layers}\n{others}"


def purpose(root: Path, name: str) -> str:
    """The first line of the docstring of a module or package, without its full stop.

    Args:
        root: the folder that has the sources.
        name: dotted name of the module.
    """
    path = root.joinpath(*name.split("."))
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = ast.get_docstring(ast.parse(source.read_text())) or ""
    return " ".join(text.split("\n\n")[0].split()).removesuffix(".")


def _names(row: str) -> list[str]:
    """Layers that stand beside each other."""
    return [name.strip() for name in row.split("|")]


def _short(name: str) -> str:
    return name.removeprefix("fluxsm.")


def _other_contracts(config: ConfigParser) -> Iterator[str]:
    """The names of the contracts besides the layers."""
    for section in config.sections():
        if section.startswith("importlinter:contract:") and section != _LAYERS:
            yield config[section]["name"]
