# SPDX-License-Identifier: Apache-2.0
"""Distributions: the one on the operator's own disk, and downloads that run beside the machine."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

from fluxsm.adapters.folder import open_folder
from fluxsm.api.objects import Manifest
from fluxsm.build.distribution import Distribution, describe_starter
from fluxsm.core.ports import Fetched, Wake
from fluxsm.errors import ArtifactError

log = logging.getLogger("fluxsm.distributions")

STALE_SECONDS: Final = 60.0
"""How long after its start a download is worth having."""

Pull = Callable[[str, Manifest | None], Fetched]
Digest = Callable[[str, Manifest | None], str]
Images = Callable[[Sequence[str], Manifest | None], Mapping[str, str]]
Work = Callable[[Any, Manifest | None], Any]


class _Job(NamedTuple):
    """A download: what was asked for, its result, and until when that is worth having."""

    asked: tuple[Hashable, str]
    future: Future[Any]
    stale_at: float


class Distributions:
    """Implements `fluxsm.core.ports.Distributions`."""

    def __init__(
        self, folder: Path, *, pull: Pull, digest: Digest, images: Images, wake: Wake
    ) -> None:
        """Prepare; nothing is read or fetched yet.

        Args:
            folder: the operator's own distribution.
            pull: downloads an artifact; may take long, raises ArtifactError.
            digest: asks for the digest of an artifact, likewise.
            images: asks for the digests of images, likewise.
            wake: called when a download has ended.
        """
        self._folder = folder
        self._pull = pull
        self._digest = digest
        self._images = images
        self._wake = wake
        self._own: Distribution | None = None
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="download")
        self._running: dict[str, _Job] = {}

    def close(self) -> None:
        """Forget downloads that have not begun; those under way end by their own time limit."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def bundled(self) -> Distribution:
        """The distribution on the operator's own disk."""
        if self._own is None:
            self._own = open_folder(self._folder)
            _warn(self._own)
        return self._own

    def fetch(self, reference: str, pull_secret: Manifest | None) -> Fetched | None:
        """The distribution behind a reference, or None while it is on its way."""
        found: Fetched | None = self._poll("fetch", self._pull, reference, pull_secret)
        if found is not None:
            _warn(found.distribution)
        return found

    def digest(self, reference: str, pull_secret: Manifest | None) -> str | None:
        """The digest behind a reference, or None while the answer is on its way."""
        found: str | None = self._poll("digest", self._digest, reference, pull_secret)
        return found

    def image_digests(
        self, images: Sequence[str], pull_secret: Manifest | None
    ) -> Mapping[str, str] | None:
        """The digests of images, by reference, or None while they are on their way."""
        asked = tuple(images)
        found: Mapping[str, str] | None = self._poll("images", self._images, asked, pull_secret)
        return found

    def _poll(self, verb: str, work: Work, what: Hashable, secret: Manifest | None) -> Any:
        """Start the work, or take its result; a result is handed out once.

        There is one job of each kind. An answer to another question, or one that nobody has come
        for in a while, is thrown away: the registry may have something else by now.
        """
        version = str((secret or {}).get("metadata", {}).get("resourceVersion", ""))
        asked = (what, version)
        now = time.monotonic()
        with self._lock:
            job = self._running.get(verb)
            if job is None or job.asked != asked or (job.future.done() and now > job.stale_at):
                future = self._pool.submit(work, what, secret)
                self._running[verb] = _Job(asked, future, now + STALE_SECONDS)
                future.add_done_callback(lambda _: self._wake())
                return None
            if not job.future.done():
                return None
            del self._running[verb]
        try:
            return job.future.result()
        except ArtifactError:
            raise
        except Exception as error:
            # Its text may hold anything, so only its kind is named; the log has the rest.
            log.exception("a download failed in an unexpected way")
            raise ArtifactError(f"{what}: unexpected {type(error).__name__}") from None


def _warn(found: Distribution) -> None:
    """Say in the log what the starter distribution is not good for."""
    if found.is_starter:
        log.warning("%s", describe_starter(found.source))
