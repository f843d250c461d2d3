# SPDX-License-Identifier: Apache-2.0
"""The port to the API server, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import urllib3

from fluxsm.adapters.kube.client import KubeClient
from fluxsm.adapters.kube.discovery import Resource, discover
from fluxsm.adapters.kube.paths import Paths
from fluxsm.adapters.kube.watch import RESYNC_SECONDS
from fluxsm.api import names
from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.core.ports import PAGE, Applied, Cluster, Interrupt, Page, PatchType, WatchEvent
from fluxsm.errors import ClusterError, ExpiredError, InvalidError, NotFoundError, UnavailableError

PARALLEL: Final = 8
"""Applies that are under way at the same time."""

IDLE_SECONDS: Final = 90.0
"""Bookmarks come about once a minute, so a connection that is idle for longer is dead."""

_METADATA_LIST: Final = (
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
)
_METADATA: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
_DRY: Final = {"dryRun": "All"}
_END_OF_LIST: Final = "k8s.io/initial-events-end"


class KubeCluster(Cluster):
    """Implements `fluxsm.core.ports.Cluster`."""

    def __init__(
        self,
        client: KubeClient,
        *,
        idle_limit: float = IDLE_SECONDS,
        span: float = RESYNC_SECONDS,
        manager: str = names.MANAGER,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            client: the connection.
            idle_limit: seconds without data after which a watch counts as broken.
            span: seconds for which the API server keeps a watch open.
            manager: field manager of what is written.
        """
        self._client = client
        self._managed = {"fieldManager": manager}
        self._idle_limit = idle_limit
        self._watching = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(max(1, int(span))),
        }
        self._paths = Paths(self._discover)
        self._pool = ThreadPoolExecutor(max_workers=PARALLEL, thread_name_prefix="apply")

    @property
    def host(self) -> str:
        """The address of the API server."""
        return self._client.host

    def close(self) -> None:
        """End the threads and close the connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    def get(self, ref: ObjectRef) -> Manifest:
        """Read an object."""
        return self._one("GET", ref, f"reading {ref}")

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
        """Read some objects of a kind."""
        query = _query(labels=labels, fields=fields) | {"limit": str(limit)}
        items, metadata = self._read_list(
            kind,
            namespace,
            query | ({"continue": token} if token else {}),
            metadata_only=metadata_only,
        )
        return Page(items=items, token=str(metadata.get("continue") or ""))

    def apply_all(
        self, manifests: Sequence[Manifest], *, dry_run: bool = False
    ) -> Sequence[Applied | ClusterError]:
        """Server-side apply, forced, in parallel."""

        def apply(manifest: Manifest) -> Applied | ClusterError:
            try:
                return self._apply(manifest, dry_run=dry_run)
            except ClusterError as error:
                return error

        if len(manifests) == 1:
            return [apply(manifests[0])]
        return list(self._pool.map(apply, manifests))

    def create(self, manifest: Manifest) -> Manifest:
        """Create an object."""
        ref = ObjectRef.of(manifest)
        path = self._collection(ref.kind, ref.namespace)
        _, answer = self._client.request(
            "POST", path, what=f"creating {ref}", query=self._managed, body=manifest
        )
        return answer

    def replace(self, manifest: Manifest, *, subresource: str = "") -> Manifest:
        """Update an object, guarded by its resourceVersion."""
        ref = ObjectRef.of(manifest)
        return self._one(
            "PUT",
            ref,
            f"updating {ref}",
            subresource=subresource,
            query=self._managed,
            body=manifest,
        )

    def patch(
        self,
        ref: ObjectRef,
        patch: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        type: PatchType = PatchType.MERGE,  # noqa: A002 the API's own word
        subresource: str = "",
        dry_run: bool = False,
    ) -> Manifest:
        """Patch an object; in a dry run the server only says whether it would."""
        return self._one(
            "PATCH",
            ref,
            f"patching {ref}",
            subresource=subresource,
            query=self._managed | (_DRY if dry_run else {}),
            body=patch,
            content_type=type.value,
        )

    def delete(
        self,
        ref: ObjectRef,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: str = "",
        dry_run: bool = False,
    ) -> None:
        """Ask for the deletion of an object; in a dry run the server only says whether it would."""
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        body: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions"}
        body["preconditions"] = {key: value for key, value in preconditions.items() if value}
        if propagation:
            body["propagationPolicy"] = propagation
        if dry_run:
            body["dryRun"] = ["All"]  # with a body, the server takes no parameter of the query
        self._one("DELETE", ref, f"deleting {ref}", body=body)

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
        """Stream changes of a kind; without a resourceVersion, what exists comes first."""
        interrupt = interrupt or Interrupt()
        query = _query(labels=labels, fields=fields) | self._watching
        if resource_version:
            query["resourceVersion"] = resource_version
        else:
            query |= {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
        try:
            yield from self._stream(kind, namespace, query, interrupt, metadata_only=metadata_only)
        except InvalidError:
            if resource_version:
                raise
            # A server that cannot stream the initial list: list first, then watch from there.
            yield from self._list_and_watch(
                kind, namespace, labels, fields, interrupt, metadata_only=metadata_only
            )

    def serves(self, kind: Kind) -> bool:
        """Whether the API server serves a kind at this version."""
        self._paths.forget(kind)
        try:
            self._paths.place(kind)
        except NotFoundError:
            return False
        return True

    def served_version(self, kind: Kind) -> str:
        """The version at which the API server serves a kind, empty where it does not."""
        if not kind.group:
            return "v1" if self.serves(Kind("", "v1", kind.kind)) else ""
        try:
            group = self._discover(f"/apis/{kind.group}")
        except NotFoundError:
            return ""
        preferred = (group.get("preferredVersion") or {}).get("version", "")
        offered = [item["version"] for item in group.get("versions") or []]
        ordered = sorted(offered, key=lambda version: version != preferred)
        found = (item for item in ordered if self._is_listed(Kind(kind.group, item, kind.kind)))
        return next(found, "")

    def _is_listed(self, kind: Kind) -> bool:
        """Whether the API server lists a kind among the resources of its version."""
        try:
            answer = self._discover(f"/apis/{kind.group}/{kind.version}")
        except NotFoundError:
            return False
        return any(item.get("kind") == kind.kind for item in answer.get("resources") or [])

    def server_version(self) -> Mapping[str, str]:
        """The answer of the version endpoint."""
        _, answer = self._client.request("GET", "/version", what="reading the server version")
        return answer

    def resources(self) -> tuple[Resource, ...]:
        """All kinds that the API server serves."""
        return discover(self._client)

    def _discover(self, path: str) -> dict[str, Any]:
        return self._client.request("GET", path, what=f"looking up {path}")[1]

    def _collection(self, kind: Kind, namespace: str) -> str:
        return self._paths.collection(kind, namespace)

    def _one(
        self,
        method: str,
        ref: ObjectRef,
        what: str,
        *,
        subresource: str = "",
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Manifest:
        _, answer = self._client.request(
            method,
            self._paths.object(ref, subresource),
            what=what,
            query=query,
            body=body,
            content_type=content_type,
        )
        return answer

    def _apply(self, manifest: Manifest, *, dry_run: bool) -> Applied:
        ref = ObjectRef.of(manifest)
        query = self._managed | {"force": "true"} | (_DRY if dry_run else {})
        status, answer = self._client.request(
            "PATCH",
            self._paths.object(ref),
            what=f"{ref} dry-run failed" if dry_run else f"{ref} apply failed",
            query=query,
            body=manifest,
            content_type=PatchType.APPLY.value,
        )
        return Applied(manifest=answer, created=status == 201)

    def _read_list(
        self, kind: Kind, namespace: str, query: Mapping[str, str], *, metadata_only: bool
    ) -> tuple[tuple[Manifest, ...], Mapping[str, Any]]:
        """The items of an answer, and its own metadata."""
        _, answer = self._client.request(
            "GET",
            self._collection(kind, namespace),
            what=f"listing {kind}",
            query=query,
            accept=_METADATA_LIST if metadata_only else "application/json",
        )
        items = (
            {**item, "apiVersion": kind.api_version, "kind": kind.kind}
            for item in answer.get("items") or ()
        )
        return tuple(items), answer.get("metadata") or {}

    def _list_and_watch(
        self,
        kind: Kind,
        namespace: str,
        labels: str,
        fields: str,
        interrupt: Interrupt,
        *,
        metadata_only: bool,
    ) -> Iterator[WatchEvent]:
        query = _query(labels=labels, fields=fields)
        items, metadata = self._read_list(kind, namespace, query, metadata_only=metadata_only)
        for manifest in items:
            yield WatchEvent(type="ADDED", manifest=manifest)
        version = str(metadata.get("resourceVersion", ""))
        yield WatchEvent(type="SYNCED", manifest={"metadata": {"resourceVersion": version}})
        query |= self._watching | {"resourceVersion": version}
        yield from self._stream(kind, namespace, query, interrupt, metadata_only=metadata_only)

    def _stream(
        self,
        kind: Kind,
        namespace: str,
        query: Mapping[str, str],
        interrupt: Interrupt,
        *,
        metadata_only: bool,
    ) -> Iterator[WatchEvent]:
        what = f"watching {kind}"
        response = self._client.stream(
            self._collection(kind, namespace),
            what=what,
            query=query,
            accept=_METADATA if metadata_only else "application/json",
            idle_limit=self._idle_limit,
        )
        interrupt.arm(response.shutdown)
        try:
            for line in _lines(response, what):
                yield _event(line, kind, what)
        except UnavailableError:
            if not interrupt.fired:
                self._client.close()  # or the next request would wait over one as dead as this
            raise
        finally:
            interrupt.disarm()
            # Not to the pool: the server is still sending.
            response.close()


def _query(*, labels: str, fields: str) -> dict[str, str]:
    found = {"labelSelector": labels, "fieldSelector": fields}
    return {key: value for key, value in found.items() if value}


def _lines(response: urllib3.BaseHTTPResponse, what: str) -> Iterator[bytes]:
    """The lines of a stream; a broken or idle connection is an error, an end is not."""
    rest = b""
    try:
        for chunk in response.stream(amt=None, decode_content=True):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from (line for line in lines if line)
    except urllib3.exceptions.ReadTimeoutError:
        raise UnavailableError(f"{what}: the connection was idle for too long") from None
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise UnavailableError(f"{what}: the connection broke ({type(error).__name__})") from None
    if rest:
        raise UnavailableError(f"{what}: the last line was cut off")


def _event(line: bytes, kind: Kind, what: str) -> WatchEvent:
    try:
        data = json.loads(line)
        type_, manifest = data["type"], data["object"]
    except (ValueError, KeyError, TypeError):
        raise UnavailableError(f"{what}: a line is not a watch event") from None
    if type_ == "ERROR":
        _raise(manifest, what)
    if type_ == "BOOKMARK":
        annotations = manifest.get("metadata", {}).get("annotations") or {}
        done = annotations.get(_END_OF_LIST) == "true"
        return WatchEvent(type="SYNCED" if done else "BOOKMARK", manifest=manifest)
    return WatchEvent(
        type=type_, manifest={**manifest, "apiVersion": kind.api_version, "kind": kind.kind}
    )


def _raise(status: Mapping[str, Any], what: str) -> None:
    message = f"{what}: {status.get('message', 'the server ended the watch with an error')}"
    expired = status.get("code") == 410 or status.get("reason") in {"Expired", "Gone"}
    raise (ExpiredError if expired else UnavailableError)(message)
