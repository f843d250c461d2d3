# SPDX-License-Identifier: Apache-2.0
"""A registry that does what no good registry does, as a test wants it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from fluxsm.adapters.registry.archive import pack
from fluxsm.adapters.registry.oci_manifest import OCI_MANIFEST, artifact_manifest, digest_of

REPOSITORY = "flux/manifests"
FILES: Mapping[str, bytes] = {"flux/v2.8.8/rbac.yaml": b"kind: ClusterRole\n"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server says.

    Attributes:
        status: HTTP status.
        body: content; its length is announced.
        headers: further headers, or others than usual.
        drip: send the body byte by byte, and go on with zeros until the other side hangs up.
        hang_up: close the connection after so many bytes of the body.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: bool = False
    hang_up: int | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Behaviour = Answer | Callable[[Seen], Answer]


class FaultyRegistry:
    """A server on a free port of 127.0.0.1. Use it as a context manager.

    Attributes:
        host: where it is.
        seen: all requests so far.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        """Open the port.

        Args:
            context: for TLS; None is plain HTTP.
        """
        self.seen: list[Seen] = []
        self._answers: dict[tuple[str, str], list[Behaviour]] = {}
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"registry": self})
        )
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def reference(self) -> str:
        """The address of the artifact."""
        return f"oci://{self.host}/{REPOSITORY}:latest"

    def on(self, method: str, path: str, *answers: Behaviour) -> None:
        """Say how requests are answered: one answer after the other, the last again and again.

        Args:
            method: such as GET.
            path: without query; `/v2/...`.
            answers: what to say.
        """
        self._answers[method, path] = list(answers)

    def serve(
        self, layer: bytes = pack(FILES), manifest: bytes | None = None, tag: str = "latest"
    ) -> tuple[str, str]:
        """Behave well: have an artifact.

        Args:
            layer: its content.
            manifest: its manifest, when not the one that fits.
            tag: its tag.

        Returns:
            The paths of its manifest and of its layer.
        """
        manifest = artifact_manifest(layer, {}) if manifest is None else manifest
        by_tag = manifest_path(tag)
        headers = {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": digest_of(manifest)}
        for path in (by_tag, manifest_path(digest_of(manifest))):
            for method in ("GET", "HEAD"):
                self.on(method, path, Answer(body=manifest, headers=headers))
        self.on("GET", blob_path(layer), Answer(body=layer))
        return by_tag, blob_path(layer)

    def count(self, method: str, path: str) -> int:
        """How often something was asked for."""
        return sum(1 for item in self.seen if (item.method, item.path) == (method, path))

    def _next(self, seen: Seen) -> Answer:
        self.seen.append(seen)
        waiting = self._answers.get((seen.method, seen.path.partition("?")[0]))
        if not waiting:
            return Answer(status=404, body=b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}')
        found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return found if isinstance(found, Answer) else found(seen)


class _Handler(BaseHTTPRequestHandler):
    """One connection to the registry."""

    protocol_version = "HTTP/1.1"
    registry: FaultyRegistry

    def answer(self) -> None:
        """Read a request and do what the test wants."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = self.registry._next(Seen(self.command, self.path, dict(self.headers), body))
        self.send_response(said.status)
        length = 10**6 if said.drip else len(said.body)
        for name, value in ({"Content-Length": str(length)} | dict(said.headers)).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self._send_body(said)

    do_GET = do_HEAD = do_POST = do_PUT = answer  # noqa: N815 names of the base class

    def _send_body(self, said: Answer) -> None:
        if said.hang_up is not None:
            self.wfile.write(said.body[: said.hang_up])
            self.close_connection = True
            return
        self.wfile.write(said.body)
        while said.drip and not self.registry._over.wait(0.01):
            self.wfile.write(b"\0")

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def handle(self) -> None:
        """Serve until the other side hangs up."""
        try:
            super().handle()
        except OSError:
            self.close_connection = True


def manifest_path(selector: str) -> str:
    """The path of a manifest."""
    return f"/v2/{REPOSITORY}/manifests/{selector}"


def blob_path(content: bytes) -> str:
    """The path of a blob."""
    return f"/v2/{REPOSITORY}/blobs/{digest_of(content)}"
