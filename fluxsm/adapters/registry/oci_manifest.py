# SPDX-License-Identifier: Apache-2.0
"""Image manifests and indexes, as far as an artifact needs them.

A registry is not trusted: what is used of a manifest is checked, the rest is ignored. Media
types of layers are never compared, because publishers differ; a manifest that could be read as
an index as well is refused, because two readers would see two contents.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from fluxsm.adapters.registry.reference import is_digest
from fluxsm.errors import ArtifactError

OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
INDEXES: Final = frozenset({OCI_INDEX, DOCKER_INDEX})
ACCEPTED: Final = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_INDEX)
"""The media types asked for."""

DEFAULT_PLATFORM: Final = "linux/amd64"

CONFIG_TYPE: Final = "application/vnd.cncf.flux.config.v1+json"
CONTENT_TYPE: Final = "application/vnd.cncf.flux.content.v1.tar+gzip"
"""The media types under which Flux tools publish a distribution."""

ARTIFACT_CONFIG: Final = b"{}"
"""The config of an artifact: nothing, so that it does not depend on time or place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """A pointer to content: its digest, size in bytes and what it claims to be.

    Attributes:
        digest: sha256 digest.
        size: length in bytes.
        media_type: the publisher's word for it.
        platform: `os/architecture`, empty where none is given.
        foreign: whether it names URLs outside the registry; they are never followed.
        annotations: the publisher's notes.
        artifact_type: what kind of artifact a manifest says it is, or the empty string.
    """

    digest: str
    size: int
    media_type: str = ""
    platform: str = ""
    foreign: bool = False
    annotations: Mapping[str, str] = field(default_factory=dict)
    artifact_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image manifest.

    Attributes:
        digest: of the manifest's bytes.
        layers: in order.
        artifact_type: what kind of artifact it says it is, or the empty string.
    """

    digest: str
    layers: tuple[Descriptor, ...]
    artifact_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A list of manifests, one per platform.

    Attributes:
        digest: of the index's bytes.
        manifests: in order.
    """

    digest: str
    manifests: tuple[Descriptor, ...]


OciManifest: TypeAlias = Image | Index


def digest_of(content: bytes) -> str:
    """The sha256 digest by which content is addressed."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def parse_manifest(content: bytes, media_type: str = "") -> OciManifest:
    """Read an image manifest or an index.

    Args:
        content: the bytes that the registry sent.
        media_type: its Content-Type, used where the document does not name its own.

    Returns:
        The manifest with the digest of the bytes.

    Raises:
        ArtifactError: neither an image manifest nor an index of version 2.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ArtifactError("the manifest is not JSON") from error
    if not isinstance(document, dict):
        raise ArtifactError("the manifest is not a JSON object")
    if document.get("schemaVersion") != 2:
        raise ArtifactError("the manifest is not of schema version 2")
    if "layers" in document and "manifests" in document:
        raise ArtifactError("the manifest has both layers and manifests, so its content is unclear")
    kind = document.get("mediaType") or media_type.partition(";")[0].strip()
    digest = digest_of(content)
    if "manifests" in document:
        _expect(kind, index=True)
        return Index(digest=digest, manifests=_descriptors(document, "manifests"))
    _expect(kind, index=False)
    return Image(
        digest=digest,
        layers=_descriptors(document, "layers"),
        artifact_type=_artifact_type(document),
    )


def select_platform(index: Index, platform: str) -> Descriptor:
    """The manifest for a platform; an entry that names none counts as linux/amd64.

    Args:
        index: the index.
        platform: `os/architecture`.

    Returns:
        The first entry that fits.

    Raises:
        ArtifactError: there is none; the message names those that exist.
    """
    for manifest in index.manifests:
        if (manifest.platform or DEFAULT_PLATFORM) == platform:
            return manifest
    present = ", ".join(sorted({m.platform or "unnamed" for m in index.manifests})) or "none"
    raise ArtifactError(f"the index has no manifest for {platform} (it has: {present})")


def first_layer(image: Image) -> Descriptor:
    """The layer that holds the distribution.

    Args:
        image: the image manifest.

    Returns:
        The first layer, whatever its media type.

    Raises:
        ArtifactError: the image has no layer.
    """
    if not image.layers:
        raise ArtifactError("the artifact has no layers")
    return image.layers[0]


def artifact_manifest(layer: bytes, annotations: Mapping[str, str]) -> bytes:
    """The manifest under which an archive is pushed; the same input gives the same bytes.

    Args:
        layer: gzip-compressed tar.
        annotations: put on the manifest.

    Returns:
        An OCI image manifest as JSON.
    """

    def descriptor(media_type: str, content: bytes) -> dict[str, object]:
        return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}

    manifest: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(CONFIG_TYPE, ARTIFACT_CONFIG),
        "layers": [descriptor(CONTENT_TYPE, layer)],
    }
    if annotations:
        manifest["annotations"] = dict(sorted(annotations.items()))
    return json.dumps(manifest, separators=(",", ":")).encode()


def _expect(kind: object, *, index: bool) -> None:
    """Refuse a document whose declared type contradicts its content."""
    if kind in ACCEPTED and (kind in INDEXES) is not index:
        raise ArtifactError(f"the manifest calls itself {kind}, which its content is not")


def _artifact_type(document: Mapping[str, Any]) -> str:
    config = document.get("config")
    declared = document.get("artifactType")
    if not declared and isinstance(config, dict):
        declared = config.get("mediaType")
    return declared if isinstance(declared, str) else ""


def _descriptors(document: Mapping[str, Any], name: str) -> tuple[Descriptor, ...]:
    entries = document.get(name)
    if entries is None:
        entries = []
    if not isinstance(entries, list):
        raise ArtifactError(f"the manifest's {name} is not a list")
    return tuple(_descriptor(entry, f"{name}[{index}]") for index, entry in enumerate(entries))


def _descriptor(entry: object, place: str) -> Descriptor:
    if not isinstance(entry, dict):
        raise ArtifactError(f"the manifest's {place} is not an object")
    digest, size = entry.get("digest"), entry.get("size")
    if not is_digest(digest):
        raise ArtifactError(f"the manifest's {place} has no sha256 digest")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ArtifactError(f"the manifest's {place} has no valid size")
    annotations = entry.get("annotations")
    if not isinstance(annotations, dict):
        annotations = {}
    return Descriptor(
        digest=digest,
        size=size,
        media_type=str(entry.get("mediaType") or ""),
        platform=_platform(entry.get("platform")),
        foreign=bool(entry.get("urls")),
        annotations={str(key): str(value) for key, value in annotations.items()},
        artifact_type=str(entry.get("artifactType") or ""),
    )


def _platform(platform: object) -> str:
    if not isinstance(platform, dict):
        return ""
    return f"{platform.get('os', '')}/{platform.get('architecture', '')}".strip("/")
