# SPDX-License-Identifier: Apache-2.0
"""What a HelmRelease has applied, from the storage of Helm: before Flux 2.8 no status says it."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from fluxsm.api.objects import CRD, Kind, Manifest, ObjectRef
from fluxsm.errors import MalformedError, NotFoundError
from fluxsm.objects import manifest

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster

ENCODED_LIMIT: Final = 1024 * 1024
DECODED_LIMIT: Final = 32 * 1024 * 1024
_SECRET: Final = Kind("", "v1", "Secret")
_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_LABELS: Final = "helm.toolkit.fluxcd.io/name={},helm.toolkit.fluxcd.io/namespace={}"


def objects(cluster: KubeCluster, release: Manifest) -> list[ObjectRef]:
    """The objects of the last release, and the definitions that came with it.

    A release in another cluster has none here, and neither has one that was never installed.

    Args:
        cluster: the API server.
        release: a HelmRelease.

    Raises:
        MalformedError: the storage is too large, or not of its form.
        ClusterError: it cannot be read.
    """
    last = next(iter(manifest.entries(release, "status", "history")), None)
    if manifest.read(release, "spec", "kubeConfig") is not None or last is None:
        return []
    owner = ObjectRef.of(release)
    namespace = manifest.text(release, "status", "storageNamespace") or owner.namespace
    name = f"sh.helm.release.v1.{manifest.text(last, 'name')}.v{manifest.number(last, 'version')}"
    try:
        secret = cluster.get(ObjectRef(_SECRET, namespace, name))
    except NotFoundError:
        return []
    target = manifest.text(last, "namespace") or namespace
    applied = _refs(cluster, decode(manifest.text(secret, "data", "release")), target)
    labels = _LABELS.format(owner.name, owner.namespace)
    definitions = cluster.list(CRD, labels=labels, metadata_only=True)
    return [*applied, *(ObjectRef.of(item) for item in definitions)]


def decode(text: str) -> str:
    """The manifest in the storage of a release: base64, of base64, of JSON that may be zipped.

    Raises:
        MalformedError: it is too large, or not of this form.
    """
    if len(text) > ENCODED_LIMIT:
        raise MalformedError(f"the storage of the release has more than {ENCODED_LIMIT} bytes")
    try:
        content = base64.b64decode(base64.b64decode(text))
        found = json.loads(_unzip(content) if content.startswith(_GZIP) else content)
    except (binascii.Error, zlib.error, ValueError):
        raise MalformedError("the storage of the release cannot be decoded") from None
    if not isinstance(found, dict):
        raise MalformedError("the storage of the release is not an object")
    return manifest.text(found, "manifest")


def _unzip(content: bytes) -> bytes:
    """Unzipped bytes.

    Raises:
        MalformedError: there are too many.
        zlib.error: it is not zipped.
    """
    unzip = zlib.decompressobj(_GZIP_WINDOW)
    found = unzip.decompress(content, DECODED_LIMIT)
    if unzip.unconsumed_tail:
        raise MalformedError(f"the release has more than {DECODED_LIMIT} bytes")
    return found


def _refs(cluster: KubeCluster, text: str, namespace: str) -> list[ObjectRef]:
    """The objects of a manifest; a chart may leave out the namespace of those that have one."""
    from fluxsm.build import yaml

    scoped: dict[Kind, bool] = {item.kind: item.namespaced for item in cluster.resources()}
    listed: Iterable[Any] = yaml.load_all(text, "the release")
    found = [ObjectRef.of(item) for item in listed if isinstance(item, dict) and item.get("kind")]
    return [
        ObjectRef(ref.kind, ref.namespace or namespace, ref.name)
        if scoped.get(ref.kind, bool(ref.namespace))
        else ref
        for ref in found
    ]
