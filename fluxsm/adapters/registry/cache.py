# SPDX-License-Identifier: Apache-2.0
"""Content that was fetched before, on disk, by digest.

The cache is only ever a saving: what is read from it is checked against its digest, and a cache
that is lost, full, damaged or not writable changes nothing but the time a pull takes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from pathlib import Path
from typing import Final

from fluxsm.rules.oci_manifest import digest_of

MAX_BYTES: Final = 64 << 20
"""Bytes that are kept; the least recently used content goes first."""

_log = logging.getLogger(__name__)


class ContentCache:
    """A folder of files named by the digest of their content.

    Args:
        folder: where to keep it; made when first needed. None keeps nothing.
        max_bytes: how much to keep.
    """

    def __init__(self, folder: Path | None, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def get(self, digest: str) -> bytes | None:
        """The content with this digest, if it is here and undamaged."""
        path = self._path(digest)
        if path is None:
            return None
        try:
            content = path.read_bytes()
        except OSError:
            return None
        if digest_of(content) != digest:
            _log.warning("the cached %s is damaged and will be fetched again", digest)
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return content

    def put(self, content: bytes) -> None:
        """Keep content; failing to is logged and otherwise harmless."""
        path = self._path(digest_of(content))
        if path is None or len(content) > self._max_bytes:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write(path, content)
            self._evict(path)
        except OSError as error:
            _log.warning("the cache folder %s cannot be used: %s", self._folder, error)

    def _path(self, digest: str) -> Path | None:
        if self._folder is None:
            return None
        return self._folder / "sha256" / digest.removeprefix("sha256:")

    def _write(self, path: Path, content: bytes) -> None:
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
