# SPDX-License-Identifier: Apache-2.0
"""Packages of libraries that are loaded when they are used, and not because a neighbour is.

Whoever imports a module of a package runs the `__init__` of the package first, which may import
many others. Such an `__init__` waits here until somebody asks for what only it can give.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Any


class _Waiting(ModuleType):
    """A package whose `__init__` runs when a name is missing, not before.

    `importlib.util.LazyLoader` does not do: it runs `__init__` as soon as a module of the package
    is imported.
    """

    def __getattr__(self, name: str) -> Any:
        self.__class__ = ModuleType  # type: ignore[assignment]  # from now on like any other
        loader = self.__spec__.loader if self.__spec__ else None
        if loader is None:
            raise AttributeError(name)
        loader.exec_module(self)
        return getattr(self, name)


def let_wait(*packages: str) -> None:
    """Make the modules of packages importable without running the `__init__` of these.

    Packages that are loaded already stay as they are.

    Args:
        packages: their full names, a parent before its children.

    Raises:
        ModuleNotFoundError: there is no such package.
    """
    for package in packages:
        if package in sys.modules:
            continue
        spec = importlib.util.find_spec(package)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        module = importlib.util.module_from_spec(spec)
        module.__class__ = _Waiting
        sys.modules[package] = module
