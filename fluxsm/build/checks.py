# SPDX-License-Identifier: Apache-2.0
"""What cannot be built, all of it said before anything is built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from fluxsm.api import names
from fluxsm.build.options import WATCHER, Options
from fluxsm.build.spec_rules import check_spec
from fluxsm.build.validation.finding import refuse, show
from fluxsm.build.validation.texts import LABEL_LIMIT
from fluxsm.errors import BuildError


def check(options: Options, offered: Collection[str]) -> None:
    """Refuse what the spec and the version do not allow together.

    Args:
        options: the spec and the version.
        offered: the components that the version has.

    Raises:
        BuildError: naming each field and what is allowed.
    """
    if not options.components:
        raise BuildError(".spec.components: no component is defined")
    _ = options.version
    refuse(
        [
            *check_spec(options.instance),
            *_check_components(options, offered),
            *_check_identity(options),
            *_check_lengths(options),
            *_check_provider(options),
        ]
    )


def _check_components(options: Options, offered: Collection[str]) -> Iterator[str]:
    components = options.components
    for component in dict.fromkeys(components):
        if component not in names.COMPONENTS and component not in offered:
            known = ", ".join(names.COMPONENTS)
            yield f".spec.components: {show(component)} is unknown; allowed: {known}"
    if WATCHER in components and not options.is_at_least("2.7.0"):
        yield f".spec.components: {WATCHER} needs Flux 2.7.0 or newer, not {options.version_name}"
    for component, count in Counter(components).items():
        if count > 1:
            yield (
                f".spec.components: {component} is listed {count} times, so Deployment/"
                f"{options.namespace}/{component} would be created twice"
            )


def _check_identity(options: Options) -> Iterator[str]:
    cluster = options.cluster
    per_object = bool(cluster.object_level_workload_identity)
    per_tenant = cluster.multitenant_workload_identity
    field_object = ".spec.cluster.objectLevelWorkloadIdentity"
    field_tenant = ".spec.cluster.multitenantWorkloadIdentity"
    if (per_object or per_tenant) and not options.is_at_least("2.6.0"):
        yield (
            f"{field_object} and {field_tenant} need Flux 2.6.0 or newer,"
            f" not {options.version_name}"
        )
    elif per_tenant and not options.is_at_least("2.7.0"):
        yield f"{field_tenant} needs Flux 2.7.0 or newer, not {options.version_name}"
    elif per_tenant and not per_object:
        yield f"{field_tenant} needs {field_object} to be true"


def _check_lengths(options: Options) -> Iterator[str]:
    """Names of shards stand behind those of controllers."""
    longest = max((len(name) for name in options.components if name in options.sharded), default=0)
    for place, shard in enumerate(options.shards):
        if len(shard) <= LABEL_LIMIT < longest + 1 + len(shard):
            yield (
                f".spec.sharding.shards[{place}]: {show(shard)} is too long: with the name of a"
                f" controller before it, it must fit into {LABEL_LIMIT} characters, so"
                f" {LABEL_LIMIT - longest - 1} are allowed"
            )


def _check_provider(options: Options) -> Iterator[str]:
    sync = options.spec.sync
    if sync is None or options.is_at_least("2.9.0"):
        return
    if sync.kind == "GitRepository" and sync.provider == "aws":
        yield (
            ".spec.sync.provider 'aws' for kind GitRepository needs Flux 2.9.0 or newer,"
            f" not {options.version_name}"
        )
