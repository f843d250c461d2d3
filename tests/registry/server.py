# SPDX-License-Identifier: Apache-2.0
"""Debian's `docker-registry` on a free port of 127.0.0.1: plain, with a password, with TLS."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.controlplane.process import Child, free_ports
from tests.debian import lacking

USER, PASSWORD = "robot", "s3cret-of-the-robot"
_HASH = "$2b$04$u1ioxrIQABSa0RsS.zaPp.s3igi3zMo1g8i/1QzcV4ULHfX8WFY.e"
"""Of `PASSWORD`, by bcrypt."""

_PROGRAM = "docker-registry"
_START_SECONDS = 15.0


def find_registry() -> str:
    """The program. As root it is installed where it is missing; otherwise the test is skipped."""
    if lacking([_PROGRAM]):
        pytest.skip("docker-registry is not here: make registry (apt-get install docker-registry)")
    return _PROGRAM


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What a TLS server needs, and who signed it.

    Attributes:
        authority: certificate of the authority, PEM.
        chain: certificate of the server, PEM.
        key: its key, PEM.
    """

    authority: Path
    chain: Path
    key: Path


class Registry:
    """A registry of its own, empty at first. Use it as a context manager."""

    def __init__(
        self,
        folder: Path,
        *,
        password: bool = False,
        certificate: Certificate | None = None,
    ) -> None:
        """Describe a registry; nothing runs yet.

        Args:
            folder: where it keeps everything.
            password: whether it asks for `USER` and `PASSWORD`.
            certificate: for TLS; None is plain HTTP.
        """
        (port,) = free_ports(1)
        self.host = f"127.0.0.1:{port}"
        self._certificate = certificate
        config = folder / "config.yml"
        folder.mkdir(parents=True, exist_ok=True)
        config.write_text(json.dumps(self._config(folder, password=password)))
        command = [find_registry(), "serve", str(config)]
        environment = {"OTEL_TRACES_EXPORTER": "none"}
        self._child = Child(_PROGRAM, command, folder / "registry.log", environment)

    def _config(self, folder: Path, *, password: bool) -> dict[str, object]:
        http: dict[str, object] = {"addr": self.host, "secret": "only for tests"}
        if self._certificate is not None:
            http["tls"] = {
                "certificate": str(self._certificate.chain),
                "key": str(self._certificate.key),
            }
        config: dict[str, object] = {
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": False}},
            "storage": {
                "filesystem": {"rootdirectory": str(folder / "data")},
                "delete": {"enabled": True},
            },
            "http": http,
        }
        if password:
            secrets = folder / "htpasswd"
            secrets.write_text(f"{USER}:{_HASH}\n")
            config["auth"] = {"htpasswd": {"realm": "tests", "path": str(secrets)}}
        return config

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, or start it again with what it had, and wait until it answers."""
        self._child.start()
        limit = time.monotonic() + _START_SECONDS
        while not self._answers():
            if time.monotonic() > limit:
                raise AssertionError(f"docker-registry does not start\n{self._child.tail(8)}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it; its content stays."""
        self._child.stop()

    def asked(self, path: str) -> int:
        """How many requests for a path have been answered."""
        return self._child.log.read_text().count(f"/v2/{path} HTTP/")

    def _answers(self) -> bool:
        scheme = "https" if self._certificate else "http"
        trust = (
            ssl.create_default_context(cafile=str(self._certificate.authority))
            if self._certificate
            else None
        )
        try:
            urllib.request.urlopen(  # noqa: S310 127.0.0.1 only
                f"{scheme}://{self.host}/v2/", timeout=2, context=trust
            ).close()
        except urllib.error.HTTPError as error:
            error.close()
            return error.code == 401
        except OSError:
            return False
        return True
