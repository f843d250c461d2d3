# SPDX-License-Identifier: Apache-2.0
"""How the machine reaches the world. Handlers see only these; adapters and fakes implement them.

Every fake passes the same contract suite as the real adapter, so what a test proves with a fake
holds for the real thing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final, Literal, Protocol

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.build.distribution import Distribution
from fluxsm.errors import ClusterError


class PatchType(Enum):
    """The content type of a PATCH request."""

    JSON = "application/json-patch+json"
    MERGE = "application/merge-patch+json"
    APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The answer to a server-side apply.

    Attributes:
        manifest: the live object after the apply, as the server returned it.
        created: whether the object did not exist before (201).
    """

    manifest: Manifest
    created: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEvent:
    """One line of a watch.

    Attributes:
        type: what happened; `SYNCED` ends the initial list.
        manifest: the object (metadata only where that was asked for); for `BOOKMARK` and `SYNCED`
            it has little more than a resourceVersion.
    """

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "SYNCED"]
    manifest: Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a list.

    Attributes:
        items: the objects; each carries apiVersion and kind.
        token: with which the next page is read, which may be empty; none where this page is the
            last one. It can be kept for as long as the API server remembers the list.
    """

    items: tuple[Manifest, ...]
    token: str = ""


PAGE: Final = 500
"""Objects of a page unless something else is asked for."""


class Interrupt:
    """Ends a stream from another thread than the one that reads it.

    Whoever reads arms it with what breaks the read; firing it once ends this and every later one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._action: Callable[[], None] | None = None
        self._fired = False

    @property
    def fired(self) -> bool:
        """Whether the reader should stop."""
        return self._fired

    def arm(self, action: Callable[[], None]) -> None:
        """Say how to break the read that begins now."""
        with self._lock:
            self._action = action
            fired = self._fired
        if fired:
            action()

    def disarm(self) -> None:
        """The read has ended."""
        with self._lock:
            self._action = None

    def fire(self) -> None:
        """Break the read."""
        with self._lock:
            self._fired = True
            action = self._action
        if action is not None:
            action()


class Cluster(Protocol):
    """The API server. All errors are leaves of `fluxsm.errors.ClusterError`.

    Field manager of all writes is `flux-operator`. Implementations are safe to call from several
    threads. An answer is never waited for longer than the request's time limit. They inherit from
    this class, for what follows from other methods.
    """

    def get(self, ref: ObjectRef) -> Manifest:
        """Read an object.

        Raises:
            NotFoundError: the object does not exist.
            KindNotServedError: its kind is not served at this version.
        """

    def list_page(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
        limit: int = PAGE,
        token: str = "",
    ) -> Page:
        """Read some objects of a kind; all pages of a list show the same moment.

        Args:
            kind: the kind.
            namespace: empty means all namespaces.
            labels: a label selector.
            fields: a field selector.
            metadata_only: whether nothing but the metadata of the objects is wanted.
            limit: the most objects that a page may have.
            token: of the page before, read with the same arguments; empty for the first page.

        Raises:
            NotFoundError: the kind is not served.
            ExpiredError: the token is too old (begin again with the first page).
            InvalidError: the token is not one of this API server.
        """

    def list(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
        limit: int = PAGE,
    ) -> Iterator[Manifest]:
        """Read all objects of a kind, one page after the other.

        Raises:
            NotFoundError: the kind is not served.
            ExpiredError: a token expired half-way (start again).
        """
        token = ""
        while True:
            page = self.list_page(
                kind,
                namespace=namespace,
                labels=labels,
                fields=fields,
                metadata_only=metadata_only,
                limit=limit,
                token=token,
            )
            yield from page.items
            token = page.token
            if not token:
                return

    def apply_all(
        self, manifests: Sequence[Manifest], *, dry_run: bool = False
    ) -> Sequence[Applied | ClusterError]:
        """Server-side apply, forced, in parallel; one answer per manifest, in their order."""

    def create(self, manifest: Manifest) -> Manifest:
        """Create an object.

        Raises:
            ConflictError: it exists.
        """

    def replace(self, manifest: Manifest, *, subresource: str = "") -> Manifest:
        """Update an object, guarded by its `metadata.resourceVersion`.

        Raises:
            ConflictError: it changed since it was read.
        """

    def patch(
        self,
        ref: ObjectRef,
        patch: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        type: PatchType = PatchType.MERGE,  # noqa: A002 the API's own word
        subresource: str = "",
    ) -> Manifest:
        """Patch an object; a `metadata.resourceVersion` in a merge patch guards it.

        Raises:
            NotFoundError: no such object.
            ConflictError: the guard does not hold.
        """

    def delete(
        self, ref: ObjectRef, *, uid: str = "", resource_version: str = "", propagation: str = ""
    ) -> None:
        """Ask for the deletion of an object; returns before it is gone.

        Args:
            ref: the object.
            uid: only delete this incarnation.
            resource_version: only delete it unchanged.
            propagation: `Background`, `Foreground`, `Orphan`; empty means the server's default.

        Raises:
            NotFoundError: no such object.
            ConflictError: a precondition does not hold.
        """

    def watch(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
        resource_version: str = "",
        interrupt: Interrupt | None = None,
    ) -> Iterator[WatchEvent]:
        """Stream changes of a kind over one connection, until it ends or is interrupted.

        Without a resourceVersion the stream starts with `ADDED` for everything that exists and
        one `SYNCED`. A normal end of the stream just ends the iterator.

        Raises:
            ExpiredError: the resourceVersion is forgotten (410, as status or in the stream).
            UnavailableError: the connection broke or was idle for too long.
        """

    def serves(self, kind: Kind) -> bool:
        """Whether the API server serves a kind at this version."""

    def served_version(self, kind: Kind) -> str:
        """The version at which the API server serves a kind, the preferred one first.

        Args:
            kind: whose version does not matter.

        Returns:
            The version, empty where the kind is not served at all.
        """

    def server_version(self) -> Mapping[str, str]:
        """The answer of the version endpoint (`gitVersion`, `platform`, ...)."""


class Live(Protocol):
    """What watches report of the managed objects, without a request.

    Objects are trimmed: metadata always, `status` and the parts of `spec` that health rules read
    only for kinds that have them.
    """

    def expect(self, kinds: Iterable[Kind]) -> bool:
        """Watch these kinds; True when the first list of each has arrived.

        A kind that the API server does not serve counts as arrived, with no objects.
        """

    def problems(self, kinds: Iterable[Kind]) -> Mapping[Kind, str]:
        """Return why first lists have not arrived, for the kinds whose last attempt failed.

        A kind that is missing here has its list, or its watch is still starting. Nothing is known
        of the objects of a kind that is named here: that `get` returns None says nothing about it.
        """

    def get(self, ref: ObjectRef) -> Manifest | None:
        """Return the object as last seen, None when it does not exist.

        An object is found at the version of its kind that is served, whatever that of `ref` is,
        provided that the served one is expected too.
        """

    def put(self, manifest: Manifest) -> None:
        """Note an answer of the API server, so that a later read is not older than a write."""

    def forget(self) -> None:
        """Stop all watches and drop what they reported."""


class Instances(Protocol):
    """The FluxInstance as its watch last reported it."""

    def current(self) -> Manifest | None:
        """Return the instance, None when there is none."""

    def put(self, manifest: Manifest) -> None:
        """Note an answer of the API server, so that a later read is not older than a write."""

    def refresh(self) -> None:
        """Read the instance again at once, because an answer of the API server contradicts it.

        The reconciler is woken when the instance was read, so it may rest until then. A read that
        is under way is not doubled, and a watch that fails keeps its pauses.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A distribution and where it came from.

    Attributes:
        distribution: the manifests.
        digest: of the OCI artifact, `sha256:...`; empty for the bundled distribution.
        verified: whose signature was checked, None when none was asked for.
    """

    distribution: Distribution
    digest: str = ""
    verified: str | None = None


class Distributions(Protocol):
    """Where manifests come from. A download runs beside the machine, so no call here blocks."""

    def bundled(self) -> Distribution:
        """The distribution on the operator's own disk.

        Raises:
            BuildError: the folder is missing or unreadable.
        """

    def fetch(self, reference: str, pull_secret: Manifest | None) -> Fetched | None:
        """The distribution behind a reference, or None while it is on its way.

        Completion wakes the machine; the next call with the same arguments returns the result.

        Raises:
            ArtifactError: the download failed.
        """

    def digest(self, reference: str, pull_secret: Manifest | None) -> str | None:
        """The digest behind a reference, or None while the answer is on its way.

        Raises:
            ArtifactError: the registry did not tell.
        """

    def image_digests(
        self, images: Sequence[str], pull_secret: Manifest | None
    ) -> Mapping[str, str] | None:
        """The digests by which images are pinned, by reference, or None while on their way.

        Raises:
            ArtifactError: the registry did not tell.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesEvent:
    """Something that people should know, as a Kubernetes event.

    Attributes:
        type: `Normal` or `Warning`.
        reason: one word in CamelCase.
        message: text.
        annotations: put on the event.
        notified: whether notification-controller receives it too.
        state: the state that the instance was in afterwards; empty where that is not known.
    """

    type: Literal["Normal", "Warning"]
    reason: str
    message: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    notified: bool = False
    state: str = ""


class Recorder(Protocol):
    """Tells people. Never blocks and never fails: what cannot be delivered is logged."""

    def record(self, instance: Manifest, event: KubernetesEvent, *, address: str = "") -> None:
        """Emit an event about the instance, and POST it to `address` when that is not empty."""


class Metrics(Protocol):
    """Counts what happened; called after it was saved, so counters never lie."""

    def transition(
        self, source: str, event: str, dest: str, seconds: float, *, result: str = ""
    ) -> None:
        """A row was taken after so many seconds in its source.

        Args:
            source: the state that was left.
            event: what happened.
            dest: the state that was entered.
            seconds: how long the state was.
            result: of the run that ended with it, `success` or `error`; empty when none ended.
        """

    def instance(self, labels: Mapping[str, str] | None) -> None:
        """Replace the series of `flux_instance_info`, or drop it with None."""

    def drift(self, count: int) -> None:
        """So many objects were found drifted."""

    def blocked(self, reason: str) -> None:
        """An upgrade that nobody asked for was tried and could not be fetched or built."""


class Clock(Protocol):
    """Time. Everything that depends on it takes it from here."""

    def now(self) -> datetime:
        """Wall-clock time, UTC."""

    def monotonic(self) -> float:
        """Seconds that never jump."""

    def random(self) -> float:
        """A number in [0, 1) for jitter."""


Wake = Callable[[], None]
"""Asks the reconciler to look again soon. May be called from any thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """All ports of one operator."""

    cluster: Cluster
    live: Live
    distributions: Distributions
    recorder: Recorder
    metrics: Metrics
    clock: Clock
