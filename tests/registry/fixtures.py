# SPDX-License-Identifier: Apache-2.0
"""Registries for tests, and small distributions to put into them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fluxsm.adapters.registry.archive import pack
from fluxsm.adapters.registry.client import OrasRegistry
from fluxsm.adapters.registry.docker_config import DockerConfig
from fluxsm.adapters.registry.exchange import Exchange
from fluxsm.adapters.registry.oci_manifest import OCI_INDEX, OCI_MANIFEST, digest_of
from fluxsm.simulation.registry import starter_files
from tests.registry.server import PASSWORD, USER, Certificate, Registry

BASE = "v2.8.8"


@pytest.fixture(scope="module")
def plain_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry without TLS and password."""
    with Registry(tmp_path_factory.mktemp("plain")) as found:
        yield found


@pytest.fixture(scope="module")
def locked_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that asks for a password."""
    with Registry(tmp_path_factory.mktemp("locked"), password=True) as found:
        yield found


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for 127.0.0.1 from an authority that was made for this test."""
    return make_certificate(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def tls_registry(
    tmp_path_factory: pytest.TempPathFactory, certificate: Certificate
) -> Iterator[Registry]:
    """A registry with TLS and a password."""
    folder = tmp_path_factory.mktemp("tls")
    with Registry(folder, password=True, certificate=certificate) as found:
        yield found


def make_certificate(folder: Path) -> Certificate:
    """An authority, and a certificate for 127.0.0.1 that it has signed."""
    made = Certificate(
        authority=folder / "ca.pem", chain=folder / "server.pem", key=folder / "server.key"
    )
    key, request = folder / "ca.key", folder / "server.csr"
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    _openssl(
        *("req", "-x509", *curve, "-days", "2", "-subj", "/CN=authority of a test"),
        *("-keyout", str(key), "-out", str(made.authority)),
    )
    _openssl(
        *("req", *curve, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
        *("-keyout", str(made.key), "-out", str(request)),
    )
    _openssl(
        *("x509", "-req", "-in", str(request), "-days", "2", "-copy_extensions", "copy"),
        *("-CA", str(made.authority), "-CAkey", str(key), "-CAcreateserial"),
        *("-out", str(made.chain)),
    )
    return made


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def login(*hosts: str, password: str = PASSWORD) -> DockerConfig:
    """A Docker configuration with the login of the test registries."""
    entry = {"username": USER, "password": password}
    return DockerConfig(source="the test", auths=dict.fromkeys(hosts, entry))


def distribution(*versions: str) -> Mapping[str, bytes]:
    """A small distribution: the starter's newest manifests under other version names."""
    files: dict[str, bytes] = {}
    for path, content in starter_files().items():
        folder, version, name = path.split("/")
        if version == BASE:
            files |= {f"{folder}/{wanted}/{name}": content for wanted in versions}
    return files


def push(
    host: str,
    files: Mapping[str, bytes],
    *,
    tag: str = "latest",
    config: DockerConfig | None = None,
) -> str:
    """Push a distribution to `flux/manifests` of a registry; returns its digest."""
    return push_layer(host, pack(files), tag=tag, config=config)


def push_layer(
    host: str, layer: bytes, *, tag: str = "latest", config: DockerConfig | None = None
) -> str:
    """Push any bytes in place of a distribution; returns the digest of the artifact."""
    registry = OrasRegistry(cache_dir=None)
    return registry.push(f"oci://{host}/flux/manifests:{tag}", config, layer, {})


def push_image(host: str, repository: str, tag: str, config: DockerConfig | None) -> str:
    """Push an image of one platform under an index; returns the digest of the index."""
    registry = OrasRegistry(cache_dir=None)
    reference = f"oci://{host}/{repository}:{tag}"
    child = registry.push(reference, config, pack({"etc/motd": tag.encode()}), {})

    def upload(exchange: Exchange) -> str:
        repository = exchange.repository()
        entry = {
            "mediaType": OCI_MANIFEST,
            "digest": child,
            "size": len(repository.manifest(child)[0]),
            "platform": {"os": "linux", "architecture": "amd64"},
        }
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
        content = json.dumps(index).encode()
        repository.put_manifest(content, OCI_INDEX, tag)
        return digest_of(content)

    return registry._within(reference, config, upload)
