# SPDX-License-Identifier: Apache-2.0
"""Load the objects of the main installation: namespace, policies, components."""

from __future__ import annotations

from fluxsm.api import names
from fluxsm.build.distribution import Distribution
from fluxsm.build.options import NOTIFIER, SOURCE, WATCHER, Options
from fluxsm.build.pod import child, pod_spec, set_flag
from fluxsm.build.resource import Resource, deployments, deployments_of


def load_namespace(options: Options) -> list[Resource]:
    """The namespace of Flux, which no prune and no uninstall ever removes."""
    manifest = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": options.namespace,
            "annotations": {names.PRUNE: names.DISABLED},
            "labels": {
                "pod-security.kubernetes.io/warn": "restricted",
                "pod-security.kubernetes.io/warn-version": "latest",
            },
        },
    }
    return [Resource.of(manifest)]


def load_policies(options: Options, distribution: Distribution) -> list[Resource]:
    """The network policies, if they are wanted."""
    if not options.cluster.network_policy:
        return []
    return [Resource.of(item) for item in distribution.policies(options.version_name)]


def load_components(options: Options, distribution: Distribution) -> list[Resource]:
    """The objects of all requested components, in request order."""
    return [
        Resource.of(item)
        for component in options.components
        for item in distribution.component(options.version_name, component)
    ]


def set_scheduling(options: Options, resources: list[Resource]) -> None:
    """Linux nodes only; and the secret for pulling images, if there is one."""
    secret = options.spec.distribution.image_pull_secret
    for item in deployments(resources):
        spec = pod_spec(item.manifest)
        child(spec, "nodeSelector")["kubernetes.io/os"] = "linux"
        if secret:
            spec["imagePullSecrets"] = [{"name": secret}]


def set_base_args(options: Options, resources: list[Resource]) -> None:
    """The arguments that every controller has: where events go, what is watched, how it logs.

    A component that is not known here gets a flag only if its manifest shows that it has it.
    """
    for component in options.components:
        flags = _base_flags(options, component)
        known = component in names.COMPONENTS
        for item in deployments_of(resources, component):
            for flag, value in flags.items():
                set_flag(item.manifest, flag, value, add=known)


def _base_flags(options: Options, component: str) -> dict[str, str]:
    flags = {"--watch-all-namespaces": "true", "--log-level": "info"}
    if component != NOTIFIER:
        flags["--events-addr"] = options.events_address
    if component in {SOURCE, WATCHER}:
        flags["--storage-adv-addr"] = options.storage_address(component)
    return flags
