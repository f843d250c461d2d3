# SPDX-License-Identifier: Apache-2.0
"""Distributions on disk: a folder, or the starter one that comes with the package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import fluxsm
from fluxsm.build.distribution import STARTER_FILE, Distribution
from fluxsm.errors import BuildError

FILE_LIMIT: Final = 20 * 1024 * 1024
_SUBFOLDERS: Final = ("flux", "flux-images")


class Folder(Mapping[str, bytes]):
    """The files of a distribution folder, read when they are asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __getitem__(self, path: str) -> bytes:
        """The content of a file.

        Raises:
            KeyError: there is no such file.
            BuildError: it cannot be read, or is too large to be a manifest.
        """
        target = self._root / path
        try:
            if target.stat().st_size > FILE_LIMIT:
                raise BuildError(f"{target} is larger than {FILE_LIMIT >> 20} MiB")
            return target.read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise KeyError(path) from None
        except OSError as error:
            raise BuildError(f"{target} cannot be read: {error.strerror}") from None

    def __contains__(self, path: object) -> bool:
        """Whether there is such a file."""
        return (self._root / str(path)).is_file()

    def __iter__(self) -> Iterator[str]:
        """The paths of the mark, if there is one, and of all manifests, relative to the folder."""
        if STARTER_FILE in self:
            yield STARTER_FILE
        for name in _SUBFOLDERS:
            for path in sorted((self._root / name).glob("*/*.yaml")):
                yield path.relative_to(self._root).as_posix()

    def __len__(self) -> int:
        """The number of these paths."""
        return sum(1 for _ in self)


def open_folder(root: Path) -> Distribution:
    """The distribution in a folder.

    Raises:
        BuildError: the folder does not exist, cannot be read or has no `flux` folder in it.
    """
    place = root / _SUBFOLDERS[0]
    try:
        list(place.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        raise BuildError(f"storage path {place} does not exist") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BuildError(f"storage path {place} cannot be read: {reason}") from None
    return Distribution(Folder(root), source=str(root))


def starter_folder() -> Path:
    """The distribution that comes with this package, for evaluation."""
    package = Path(fluxsm.__file__).parent
    packaged = package / "manifests" / "distribution"
    return packaged if packaged.is_dir() else package.parent / "manifests" / "distribution"
