# SPDX-License-Identifier: Apache-2.0
"""Every name that other programs see, once: groups, labels, annotations, reasons.

A name that is misspelled in one place loses ownership or health information, so the rest of
the code imports these and never writes the text again.
"""

from __future__ import annotations

from typing import Final

GROUP: Final = "fluxcd.controlplane.io"
VERSION: Final = "v1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
INSTANCE_KIND: Final = "FluxInstance"
INSTANCE_PLURAL: Final = "fluxinstances"
REPORT_KIND: Final = "FluxReport"
REPORT_PLURAL: Final = "fluxreports"
SINGLETON: Final = "flux"
DEFAULT_NAMESPACE: Final = "flux-system"

# The identity shown to the cluster. It is that of the reference operator, so that either
# program can take an installation over from the other.
MANAGER: Final = "flux-operator"
FINALIZER: Final = f"{GROUP}/finalizer"

# Ownership labels and annotations of managed objects.
OWNER_NAME_LABEL: Final = f"{GROUP}/name"
OWNER_NAMESPACE_LABEL: Final = f"{GROUP}/namespace"
PRUNE: Final = f"{GROUP}/prune"
PROFILE_ANNOTATION: Final = f"{GROUP}/profile"
REVISION_ANNOTATION: Final = f"{GROUP}/revision"
STATE_ANNOTATION: Final = f"{GROUP}/state"
PART_OF_LABEL: Final = "app.kubernetes.io/part-of"
MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
INSTANCE_LABEL: Final = "app.kubernetes.io/instance"
VERSION_LABEL: Final = "app.kubernetes.io/version"
COMPONENT_LABEL: Final = "app.kubernetes.io/component"
KUSTOMIZE_SSA: Final = "kustomize.toolkit.fluxcd.io/ssa"
KUSTOMIZE_PRUNE: Final = "kustomize.toolkit.fluxcd.io/prune"
SHARD_ROLE: Final = "sharding.fluxcd.io/role"
SHARDING_KEY: Final = "sharding.fluxcd.io/key"

# Annotations read from a FluxInstance.
RECONCILE: Final = f"{GROUP}/reconcile"
RECONCILE_EVERY: Final = f"{GROUP}/reconcileEvery"
RECONCILE_ARTIFACT_EVERY: Final = f"{GROUP}/reconcileArtifactEvery"
RECONCILE_TIMEOUT: Final = f"{GROUP}/reconcileTimeout"
REQUESTED_AT: Final = "reconcile.fluxcd.io/requestedAt"
FORCE_AT: Final = "reconcile.fluxcd.io/forceAt"
RESET_AT: Final = "reconcile.fluxcd.io/resetAt"
EVENT_METADATA_PREFIX: Final = "event.toolkit.fluxcd.io/"
DISABLED: Final = "disabled"
ENABLED: Final = "enabled"
ASKING: Final = frozenset(
    {
        RECONCILE,
        RECONCILE_EVERY,
        RECONCILE_ARTIFACT_EVERY,
        RECONCILE_TIMEOUT,
        REQUESTED_AT,
        FORCE_AT,
    }
)
"""Annotations whose change asks for a run."""

# Condition types.
READY: Final = "Ready"
RECONCILING: Final = "Reconciling"
STALLED: Final = "Stalled"
UPGRADE_BLOCKED: Final = "UpgradeBlocked"
OUTDATED: Final = "Outdated"
VERIFIED: Final = "Verified"
STARTER_DISTRIBUTION: Final = "StarterDistribution"

# Condition and event reasons.
PROGRESSING: Final = "Progressing"
SUCCEEDED: Final = "Succeeded"
PROGRESSING_WITH_RETRY: Final = "ProgressingWithRetry"
RECONCILIATION_SUCCEEDED: Final = "ReconciliationSucceeded"
RECONCILIATION_DISABLED: Final = "ReconciliationDisabled"
RECONCILIATION_FAILED: Final = "ReconciliationFailed"
ARTIFACT_FAILED: Final = "ArtifactFailed"
BUILD_FAILED: Final = "BuildFailed"
HEALTH_CHECK_FAILED: Final = "HealthCheckFailed"
HEALTH_CHECK_CANCELED: Final = "HealthCheckCanceled"
OUTDATED_VERSION: Final = "OutdatedVersion"
UNINSTALLING: Final = "Uninstalling"
BUILD_WARNING: Final = "BuildWarning"
DRIFT_DETECTED: Final = "DriftDetected"
SYNC_SUSPENDED: Final = "SyncSuspended"
WORKLOADS_KEPT: Final = "WorkloadsKept"
DEFINITIONS_KEPT: Final = "DefinitionsKept"

COMPONENTS: Final = (
    "source-controller",
    "kustomize-controller",
    "helm-controller",
    "notification-controller",
    "image-reflector-controller",
    "image-automation-controller",
    "source-watcher",
)
DEFAULT_COMPONENTS: Final = COMPONENTS[:4]
DEFAULT_DOMAIN: Final = "cluster.local"
