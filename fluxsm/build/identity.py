# SPDX-License-Identifier: Apache-2.0
"""Workload identity: per object from Flux 2.6 on, per tenant from 2.7 on."""

from __future__ import annotations

from fluxsm.build.options import AUTOMATION, HELM, KUSTOMIZE, NOTIFIER, REFLECTOR, SOURCE, Options
from fluxsm.build.pod import append_args
from fluxsm.build.resource import Resource, deployments_of

_SINCE_2_6 = (SOURCE, KUSTOMIZE, NOTIFIER, REFLECTOR, AUTOMATION)
_GATE = "--feature-gates=ObjectLevelWorkloadIdentity"


def apply_identity(options: Options, resources: list[Resource]) -> None:
    """Open or close the feature gate, and name the accounts that tenants use by default."""
    if not options.is_at_least("2.6.0"):
        return
    per_object = bool(options.cluster.object_level_workload_identity)
    if options.is_at_least("2.7.0"):
        for item in deployments_of(resources, *_SINCE_2_6, HELM):
            append_args(item.manifest, f"{_GATE}={str(per_object).lower()}")
    elif per_object:
        for item in deployments_of(resources, *_SINCE_2_6):
            append_args(item.manifest, f"{_GATE}=true")
    if options.cluster.multitenant_workload_identity:
        _name_tenant_accounts(options, resources)


def _name_tenant_accounts(options: Options, resources: list[Resource]) -> None:
    cluster = options.cluster
    account = cluster.tenant_default_service_account or "default"
    decryption = cluster.tenant_default_decryption_service_account or "default"
    remote = cluster.tenant_default_kube_config_service_account or "default"
    for item in deployments_of(resources, SOURCE, NOTIFIER, REFLECTOR, AUTOMATION):
        append_args(item.manifest, f"--default-service-account={account}")
    for item in deployments_of(resources, KUSTOMIZE):
        append_args(item.manifest, f"--default-decryption-service-account={decryption}")
    for item in deployments_of(resources, KUSTOMIZE, HELM):
        append_args(item.manifest, f"--default-kubeconfig-service-account={remote}")
