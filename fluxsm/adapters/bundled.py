# SPDX-License-Identifier: Apache-2.0
"""Distributions: the one on the operator's own disk, and downloads that run beside the machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from fluxsm.api.objects import Manifest
from fluxsm.build.distribution import Distribution
from fluxsm.errors import ArtifactError, BuildError
from fluxsm.ports import Fetched, Wake

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

    def __iter__(self) -> Iterator[str]:
        """The paths of all manifests, relative to the folder."""
        for name in _SUBFOLDERS:
            for path in sorted((self._root / name).glob("*/*.yaml")):
                yield path.relative_to(self._root).as_posix()

    def __len__(self) -> int:
        """The number of manifests."""
        return sum(1 for _ in self)


def open_folder(root: Path) -> Distribution:
    """The distribution in a folder.

    Raises:
        BuildError: the folder does not exist or has no `flux` folder in it.
    """
    if not (root / "flux").is_dir():
        raise BuildError(f"storage path {root / 'flux'} does not exist")
    return Distribution(Folder(root), source=str(root))


def starter_folder() -> Path:
    """The distribution that comes with this package, for evaluation."""
    packaged = Path(str(files("fluxsm"))) / "manifests" / "distribution"
    if packaged.is_dir():
        return packaged
    return Path(str(files("fluxsm"))).parent / "manifests" / "distribution"


Pull = Callable[[str, Manifest | None], Fetched]
Digest = Callable[[str, Manifest | None], str]


class Distributions:
    """Implements `fluxsm.ports.Distributions`."""

    def __init__(self, folder: Path, *, pull: Pull, digest: Digest, wake: Wake) -> None:
        """Prepare; nothing is read or fetched yet.

        Args:
            folder: the operator's own distribution.
            pull: downloads an artifact; may take long, raises ArtifactError.
            digest: asks for the digest of an artifact, likewise.
            wake: called when a download has ended.
        """
        self._folder = folder
        self._pull = pull
        self._digest = digest
        self._wake = wake
        self._own: Distribution | None = None
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="download")
        self._running: dict[tuple[str, str, str], Future[Any]] = {}

    def close(self) -> None:
        """Forget downloads that have not begun; those under way end by their own time limit."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def bundled(self) -> Distribution:
        """The distribution on the operator's own disk."""
        if self._own is None:
            self._own = open_folder(self._folder)
        return self._own

    def fetch(self, reference: str, pull_secret: Manifest | None) -> Fetched | None:
        """The distribution behind a reference, or None while it is on its way."""
        found: Fetched | None = self._poll("fetch", self._pull, reference, pull_secret)
        return found

    def digest(self, reference: str, pull_secret: Manifest | None) -> str | None:
        """The digest behind a reference, or None while the answer is on its way."""
        found: str | None = self._poll("digest", self._digest, reference, pull_secret)
        return found

    def _poll(
        self, verb: str, work: Callable[[str, Manifest | None], Any], reference: str,
        secret: Manifest | None,
    ) -> Any:  # fmt: skip
        """Start the work, or take its result; a result is handed out once."""
        version = str((secret or {}).get("metadata", {}).get("resourceVersion", ""))
        key = (verb, reference, version)
        with self._lock:
            future = self._running.get(key)
            if future is None:
                future = self._pool.submit(work, reference, secret)
                self._running[key] = future
                future.add_done_callback(lambda _: self._wake())
                return None
            if not future.done():
                return None
            del self._running[key]
        try:
            return future.result()
        except ArtifactError:
            raise
        except Exception as error:
            raise ArtifactError(f"{reference}: {type(error).__name__}: {error}") from error
