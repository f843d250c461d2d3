# SPDX-License-Identifier: Apache-2.0
"""Content that was fetched before, on disk, by digest.

The cache is only ever a saving: what is read from it is checked, content against its digest and
a proof against the signer, and a cache that is lost, full, damaged or not writable changes nothing
but the time a pull takes, and what can be done while the registry is away.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from pathlib import Path
from typing import Final

from fluxsm.adapters.registry.oci_manifest import digest_of

MAX_BYTES: Final = 64 << 20
"""Bytes that are kept; the least recently used content goes first."""

_log = logging.getLogger(__name__)


class ContentCache:
    """Content under its digest.

    Args:
        folder: where to keep it; made when first needed. None keeps nothing.
        max_bytes: how much to keep.
    """

    def __init__(self, folder: Path | None, max_bytes: int = MAX_BYTES) -> None:
        self._files = _Files(folder / "sha256" if folder else None, max_bytes)

    def get(self, digest: str) -> bytes | None:
        """The content with this digest, if it is here and undamaged."""
        name = _name(digest)
        content = self._files.read(name)
        if content is not None and digest_of(content) != digest:
            _log.warning("the cached %s is damaged and will be fetched again", digest)
            self._files.remove(name)
            return None
        return content

    def put(self, content: bytes) -> None:
        """Keep content; a failure is logged and has no other effect."""
        self._files.write(_name(digest_of(content)), content)


class Proofs:
    """Signatures that were accepted, by the digest that they are about.

    They make an artifact that was verified once usable while the registry is away. They are no
    verdicts: whoever reads one verifies it again.

    Args:
        folder: as for `ContentCache`.
        max_bytes: how much to keep.
    """

    def __init__(self, folder: Path | None, max_bytes: int = MAX_BYTES) -> None:
        self._files = _Files(folder / "proofs" if folder else None, max_bytes)

    def get(self, digest: str) -> bytes | None:
        """What was kept for this digest."""
        return self._files.read(_name(digest))

    def put(self, digest: str, proof: bytes) -> None:
        """Keep a proof; a failure is logged and has no other effect."""
        self._files.write(_name(digest), proof)


class _Files:
    """A folder of bounded size."""

    def __init__(self, folder: Path | None, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def read(self, name: str) -> bytes | None:
        if self._folder is None:
            return None
        path = self._folder / name
        try:
            content = path.read_bytes()
        except OSError:
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return content

    def remove(self, name: str) -> None:
        if self._folder is not None:
            with contextlib.suppress(OSError):
                (self._folder / name).unlink()

    def write(self, name: str, content: bytes) -> None:
        if self._folder is None or len(content) > self._max_bytes:
            return
        path = self._folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._replace(path, content)
            self._evict(path)
        except OSError as error:
            _log.warning("the cache folder %s cannot be used: %s", self._folder, error)

    def _replace(self, path: Path, content: bytes) -> None:
        """Write under another name and rename, so that a reader never sees a part."""
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".partial-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(temporary).replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise

    def _evict(self, keep: Path) -> None:
        """Remove the least recently used content beyond the limit, and old remains."""
        files = [(entry.stat(), entry) for entry in keep.parent.iterdir()]
        files.sort(key=lambda item: (item[1] == keep, item[0].st_mtime), reverse=True)
        total = 0
        for stat, entry in files:
            total += stat.st_size
            if total > self._max_bytes:
                with contextlib.suppress(OSError):
                    entry.unlink()


def _name(digest: str) -> str:
    return digest.removeprefix("sha256:")
