# SPDX-License-Identifier: Apache-2.0
"""Write every generated file, or with --check say which ones are stale.

A generator is a module of this folder with a function `files` that gives text by path.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GENERATORS = (
    "tools.crds",
    "tools.distribution",
    "tools.layers",
    "tools.openapi",
    "tools.rbac",
    "tools.reference",
)


def generated() -> dict[str, str]:
    """The text of every generated file, by its path from the root of the repository."""
    found: dict[str, str] = {}
    for name in GENERATORS:
        found |= importlib.import_module(name).files()
    return dict(sorted(found.items()))


def stale() -> list[str]:
    """Paths whose file is missing or differs from what would be written."""
    return [path for path, text in generated().items() if _content(ROOT / path) != text]


def _content(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None


def main(args: list[str]) -> int:
    """Write or check; returns the exit code."""
    old = stale()
    if args == ["--check"]:
        for path in old:
            print(f"✗ {path} is stale; run make generate", file=sys.stderr)
        return 1 if old else 0
    texts = generated()
    for path in old:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(texts[path])
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
