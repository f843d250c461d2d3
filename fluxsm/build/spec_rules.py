# SPDX-License-Identifier: Apache-2.0
"""What a spec must not say, whatever the version of Flux: each rule gives lines for people.

The schema of the CRD admits these values, but no object that is built from them is admitted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from fluxsm.api import names
from fluxsm.api.instance import FluxInstance, Spec, Sync
from fluxsm.build.validation import forms, texts
from fluxsm.build.validation.finding import show

SYNC_COMPONENTS: Final = ("source-controller", "kustomize-controller")

_URLS: Final = {
    "GitRepository": r"^(http|https|ssh)://.*$",
    "OCIRepository": r"^oci://.*$",
}
_SHORT_SSH: Final = re.compile(r"(?P<user>[\w.-]+@)?(?P<host>[\w-]+(\.[\w-]+)+):(?P<path>[^/\s].*)")


def check_spec(instance: FluxInstance) -> Iterator[str]:
    """What is wrong with an instance, one line for each finding."""
    spec = instance.spec
    yield from _line(".metadata.namespace", texts.dns_label(instance.metadata.namespace),
                     instance.metadata.namespace)  # fmt: skip
    yield from _check_names(spec)
    yield from _check_registry(spec)
    yield from _check_shards(spec)
    yield from _check_storage(spec)
    yield from _check_sync(spec)
    common = spec.common_metadata
    if common is not None:
        path = ("spec", "commonMetadata")
        yield from map(str, texts.check_labels(common.labels, (*path, "labels")))
        yield from map(str, texts.check_annotations(common.annotations, (*path, "annotations")))


def _line(path: str, problem: str, value: str) -> Iterator[str]:
    if problem:
        yield f"{path}: {show(value)} {problem}"


def _check_names(spec: Spec) -> Iterator[str]:
    """Names of objects that the spec refers to, and the domain, where they are set."""
    cluster, place = spec.effective_cluster, spec.distribution
    account = ".spec.cluster.tenantDefault"
    found = {
        ".spec.distribution.imagePullSecret": place.image_pull_secret,
        ".spec.distribution.artifactPullSecret": place.artifact_pull_secret,
        ".spec.cluster.domain": cluster.domain,
        f"{account}ServiceAccount": cluster.tenant_default_service_account,
        f"{account}DecryptionServiceAccount": cluster.tenant_default_decryption_service_account,
        f"{account}KubeConfigServiceAccount": cluster.tenant_default_kube_config_service_account,
        ".spec.storage.class": spec.storage.class_ if spec.storage else None,
        ".spec.sync.pullSecret": spec.sync.pull_secret if spec.sync else None,
    }
    for path, name in found.items():
        if name:
            yield from _line(path, texts.dns_name(name), name)
    name = (spec.sync.name if spec.sync else None) or ""
    if name:
        yield from _line(".spec.sync.name", texts.dns_name(name, texts.LABEL_LIMIT), name)


def _check_registry(spec: Spec) -> Iterator[str]:
    registry = spec.distribution.registry
    if "://" in registry or any(character.isspace() for character in registry):
        yield (
            f".spec.distribution.registry: {show(registry)} is not a registry such as"
            " ghcr.io/fluxcd (host and path, without a scheme)"
        )


def _check_shards(spec: Spec) -> Iterator[str]:
    sharding = spec.sharding
    if sharding is None:
        return
    if sharding.key and texts.label_key(sharding.key):
        yield (
            f".spec.sharding.key: {show(sharding.key)} is not a label key such as"
            f" {names.SHARDING_KEY}"
        )
    for place, shard in enumerate(sharding.shards):
        yield from _line(f".spec.sharding.shards[{place}]", texts.dns_label(shard), shard)
    for shard, count in Counter(sharding.shards).items():
        if count > 1:
            yield (
                f".spec.sharding.shards: {show(shard)} is listed {count} times, so its objects"
                " would be created twice"
            )


def _check_storage(spec: Spec) -> Iterator[str]:
    size = spec.storage.size if spec.storage else None
    if size is None:
        return
    yield from _line(".spec.storage.size", texts.quantity(size), size)
    if not texts.quantity(size) and (size.startswith("-") or not re.search("[1-9]", size)):
        yield f".spec.storage.size: {show(size)} is not more than zero; write for example 10Gi"


def _check_sync(spec: Spec) -> Iterator[str]:
    sync = spec.sync
    if sync is None:
        return
    missing = [name for name in SYNC_COMPONENTS if name not in spec.effective_components]
    if missing:
        yield (
            f".spec.sync needs {' and '.join(SYNC_COMPONENTS)} in .spec.components;"
            f" {' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not there"
        )
    yield from _check_interval(sync)
    pattern = _URLS.get(sync.kind)
    if pattern and not forms.fits(pattern, sync.url):
        yield f".spec.sync.url is {show(sync.url)}; allowed: {forms.words(pattern)}{_ssh(sync.url)}"


def _check_interval(sync: Sync) -> Iterator[str]:
    try:
        interval = sync.interval_duration
    except ValueError as error:
        yield f".spec.sync.interval: {error}"
        return
    if interval <= timedelta(0):
        yield (
            f".spec.sync.interval is {show(sync.interval)}, so nothing would ever be synced; write"
            " for example 60s"
        )


def _ssh(url: str) -> str:
    """The short form of SSH as a URL."""
    match = _SHORT_SSH.fullmatch(url)
    if match is None:
        return ""
    return f"; write ssh://{match['user'] or ''}{match['host']}/{match['path']}"
