# SPDX-License-Identifier: Apache-2.0
"""What the sources import is declared in pyproject.toml, and what is declared is imported."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGES: Final = ("fluxsm", "states")
TOOLS: Final = ("bench", "tests", "tools")


def declared(*, tools: bool) -> set[str]:
    """The distributions that may be imported: by the product, or by its tools and tests too."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project = document["project"]
    listed = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        listed += extra
    if tools:
        listed += document["dependency-groups"]["dev"]
    return {normal(re.split(r"[^\w.-]", item)[0]) for item in listed}


def imported(*folders: str) -> dict[str, str]:
    """Each distribution that is imported, with a place where it is."""
    providers = packages_distributions()
    found: dict[str, str] = {}
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for name, line in modules(path):
                if name in sys.stdlib_module_names or (ROOT / name).is_dir():
                    continue
                place = f"{path.relative_to(ROOT)}:{line}"
                for distribution in providers.get(name, [name]):
                    found.setdefault(normal(distribution), place)
    return found


def modules(path: Path) -> Iterator[tuple[str, int]]:
    """The first part of each module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0], node.lineno


def normal(name: str) -> str:
    """The name of a distribution as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_what_is_imported_is_declared() -> None:
    """What another library brings along may go with its next release."""
    found = imported(*PACKAGES)
    assert {name: found[name] for name in found.keys() - declared(tools=False)} == {}


def test_what_is_declared_is_imported() -> None:
    """Everything else is weight in the image, and one more thing to keep up to date."""
    assert declared(tools=False) - imported(*PACKAGES).keys() == set()


def test_what_tools_and_tests_import_is_declared() -> None:
    """The same for them, with what is installed for development."""
    found = imported(*PACKAGES, *TOOLS)
    assert {name: found[name] for name in found.keys() - declared(tools=True)} == {}
