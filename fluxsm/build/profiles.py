# SPDX-License-Identifier: Apache-2.0
"""Profiles: the kind of cluster, its size, and the lockdown for tenants."""

from __future__ import annotations

from typing import Any, Final

from fluxsm.api import names
from fluxsm.build.options import (
    AUTOMATION,
    HELM,
    KUSTOMIZE,
    NOTIFIER,
    REFLECTOR,
    SOURCE,
    WATCHER,
    Options,
)
from fluxsm.build.pod import append_args, child, manager, pod_metadata, pod_spec
from fluxsm.build.resource import Resource, deployments, deployments_of

_CONCURRENCY: Final = {"small": ("5", "10s"), "medium": ("10", "5s"), "large": ("20", "5s")}
_CACHE_ARGS: Final = ("--helm-cache-ttl=720m", "--helm-cache-purge-interval=60m")
_SOURCE_ARGS: Final = {
    "small": ("--helm-cache-max-size=10", *_CACHE_ARGS),
    "medium": ("--helm-cache-max-size=50", *_CACHE_ARGS, "--concurrent=5"),
    "large": ("--helm-cache-max-size=100", *_CACHE_ARGS, "--concurrent=10"),
}


def _resources(requested: str, cpu: str, memory: str) -> dict[str, Any]:
    return {
        "requests": {"cpu": "100m", "memory": requested},
        "limits": {"cpu": cpu, "memory": memory},
    }


# Resources by size and controller; None stands for every controller.
_RESOURCES: Final[dict[str, dict[str | None, dict[str, Any]]]] = {
    "small": {None: _resources("64Mi", "1000m", "512Mi")},
    "medium": dict.fromkeys((KUSTOMIZE, HELM, SOURCE), _resources("128Mi", "2000m", "1Gi")),
    "large": {
        KUSTOMIZE: _resources("256Mi", "3000m", "3Gi"),
        HELM: _resources("256Mi", "3000m", "3Gi"),
        SOURCE: _resources("256Mi", "2000m", "2Gi"),
    },
}


def apply_cluster_type(options: Options, resources: list[Resource]) -> None:
    """On OpenShift, security contexts come from the platform."""
    if options.cluster.type != "openshift":
        return
    for item in deployments(resources):
        pod_spec(item.manifest).pop("securityContext", None)
        context = manager(item.manifest).get("securityContext") or {}
        for key in ("seccompProfile", "runAsNonRoot"):
            context.pop(key, None)
    for item in resources:
        if item.kind == "Namespace":
            labels = item.manifest["metadata"].get("labels") or {}
            for key in ("warn", "warn-version"):
                labels.pop(f"pod-security.kubernetes.io/{key}", None)


def apply_size(options: Options, resources: list[Resource]) -> None:
    """Labels for all pods; and with a size, concurrency, caches and resources."""
    size = options.cluster.size
    for item in deployments(resources):
        metadata = pod_metadata(item.manifest)
        child(metadata, "labels")[names.PART_OF_LABEL] = "flux"
        child(metadata, "annotations")["cluster-autoscaler.kubernetes.io/safe-to-evict"] = "true"
        if size in _RESOURCES:
            child(item.manifest["metadata"], "annotations")[names.PROFILE_ANNOTATION] = size
    if size in _RESOURCES:
        _apply_size_args(size, resources)
        _apply_size_resources(size, resources)


def _apply_size_args(size: str, resources: list[Resource]) -> None:
    concurrent, requeue = _CONCURRENCY[size]
    for item in deployments_of(resources, KUSTOMIZE, HELM):
        append_args(item.manifest, f"--concurrent={concurrent}", f"--requeue-dependency={requeue}")
    for item in deployments_of(resources, SOURCE):
        append_args(item.manifest, *_SOURCE_ARGS[size])


def _apply_size_resources(size: str, resources: list[Resource]) -> None:
    for component, wanted in _RESOURCES[size].items():
        chosen = (
            deployments(resources) if component is None else deployments_of(resources, component)
        )
        for item in chosen:
            manager(item.manifest)["resources"] = {
                key: dict(value) for key, value in wanted.items()
            }


def apply_lockdown(options: Options, resources: list[Resource]) -> None:
    """Keep tenants apart: no references across namespaces, no remote bases, own accounts."""
    if not options.cluster.multitenant:
        return
    account = options.cluster.tenant_default_service_account or "default"
    tenants = (KUSTOMIZE, HELM, NOTIFIER, REFLECTOR, AUTOMATION, WATCHER)
    for item in deployments_of(resources, *tenants):
        append_args(item.manifest, "--no-cross-namespace-refs=true")
    for item in deployments_of(resources, KUSTOMIZE):
        append_args(item.manifest, "--no-remote-bases=true")
    for item in deployments_of(resources, KUSTOMIZE, HELM):
        append_args(item.manifest, f"--default-service-account={account}")
    for item in resources:
        if item.kind == "Kustomization":
            item.manifest.setdefault("spec", {})["serviceAccountName"] = KUSTOMIZE
