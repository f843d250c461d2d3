# SPDX-License-Identifier: Apache-2.0
"""What cannot be built, said before anything is built. The first complaint ends the build."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

from fluxsm.api import names
from fluxsm.build.options import WATCHER, Options
from fluxsm.errors import BuildError

_LABEL_LIMIT = 63
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_KEY = re.compile(
    r"([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)
_QUANTITY = re.compile(r"\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+|[KMGTPE]i|[mkMGTPE])?")


def check(options: Options, offered: Collection[str]) -> None:
    """Refuse what the spec and the version do not allow together.

    Args:
        options: the spec and the version.
        offered: the components that the version has.

    Raises:
        BuildError: naming the field and what is allowed.
    """
    _check_components(options, offered)
    _check_identity(options)
    _check_registry(options)
    _check_shards(options)
    _check_storage(options)
    _check_sync(options)


def _check_components(options: Options, offered: Collection[str]) -> None:
    components = options.components
    if not components:
        raise BuildError(".spec.components: no component is defined")
    for component in components:
        if component not in names.COMPONENTS and component not in offered:
            known = ", ".join(names.COMPONENTS)
            raise BuildError(f".spec.components: {component!r} is unknown; allowed: {known}")
    _ = options.version
    if WATCHER in components and not options.is_at_least("2.7.0"):
        raise BuildError(
            f".spec.components: {WATCHER} needs Flux 2.7.0 or newer, not {options.version_name}"
        )
    for component, count in Counter(components).items():
        if count > 1:
            raise BuildError(
                f".spec.components: {component} is listed {count} times, so Deployment/"
                f"{options.namespace}/{component} would be created twice"
            )


def _check_identity(options: Options) -> None:
    cluster = options.cluster
    per_object = bool(cluster.object_level_workload_identity)
    per_tenant = cluster.multitenant_workload_identity
    field_object = ".spec.cluster.objectLevelWorkloadIdentity"
    field_tenant = ".spec.cluster.multitenantWorkloadIdentity"
    if (per_object or per_tenant) and not options.is_at_least("2.6.0"):
        raise BuildError(
            f"{field_object} and {field_tenant} need Flux 2.6.0 or newer,"
            f" not {options.version_name}"
        )
    if per_tenant and not options.is_at_least("2.7.0"):
        raise BuildError(f"{field_tenant} needs Flux 2.7.0 or newer, not {options.version_name}")
    if per_tenant and not per_object:
        raise BuildError(f"{field_tenant} needs {field_object} to be true")


def _check_registry(options: Options) -> None:
    registry = options.spec.distribution.registry
    if "://" in registry or any(character.isspace() for character in registry):
        raise BuildError(
            f".spec.distribution.registry: {registry!r} is not a registry such as ghcr.io/fluxcd"
            " (host and path, without a scheme)"
        )


def _check_shards(options: Options) -> None:
    if not _LABEL_KEY.fullmatch(options.shard_key):
        raise BuildError(
            f".spec.sharding.key: {options.shard_key!r} is not a label key such as"
            f" {names.SHARDING_KEY}"
        )
    longest = max((len(name) for name in options.components if name in options.sharded), default=0)
    for place, shard in enumerate(options.shards):
        where = f".spec.sharding.shards[{place}]: {shard!r}"
        if not _DNS_LABEL.fullmatch(shard):
            raise BuildError(
                f"{where} is not a DNS label (lower-case letters, digits and dashes, at most"
                f" {_LABEL_LIMIT} characters)"
            )
        if longest + 1 + len(shard) > _LABEL_LIMIT:
            raise BuildError(
                f"{where} is too long: with the name of a controller before it, it must fit into"
                f" {_LABEL_LIMIT} characters, so {_LABEL_LIMIT - longest - 1} are allowed"
            )
    for shard, count in Counter(options.shards).items():
        if count > 1:
            raise BuildError(
                f".spec.sharding.shards: {shard!r} is listed {count} times, so its objects would"
                " be created twice"
            )


def _check_storage(options: Options) -> None:
    storage = options.spec.storage
    if storage is not None and not _QUANTITY.fullmatch(storage.size):
        raise BuildError(f".spec.storage.size: {storage.size!r} is not a quantity such as 10Gi")


def _check_sync(options: Options) -> None:
    sync = options.spec.sync
    if sync is None:
        return
    try:
        _ = sync.interval_duration
    except ValueError as error:
        raise BuildError(f".spec.sync.interval: {error}") from None
    if sync.kind == "GitRepository" and sync.provider == "aws" and not options.is_at_least("2.9.0"):
        raise BuildError(
            ".spec.sync.provider 'aws' for kind GitRepository needs Flux 2.9.0 or newer,"
            f" not {options.version_name}"
        )
