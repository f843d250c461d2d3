# SPDX-License-Identifier: Apache-2.0
"""What the names of the API mean, in words: the reference pages are made from this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fluxsm.api import names

CONDITIONS: Final[Mapping[str, str]] = {
    names.READY: "Whether the wanted Flux runs. Unknown while a run is under way.",
    names.RECONCILING: "A run is under way, or a failed one will be tried again. Only"
    " there while True.",
    names.STALLED: "The last run failed, and only a change of the spec, of the artifact or of the"
    " operator can help. Only there while True.",
    names.UPGRADE_BLOCKED: "A newer release that nobody asked for cannot be fetched or built; what"
    " runs is left alone. Only there while True.",
    names.OUTDATED: "There is a newer version, of a minor that this operator does not support. Only"
    " there while True.",
    names.VERIFIED: "The artifact that is installed has the signature that --verify-artifact asks"
    " for; the message says whose. Not there when none is asked for.",
    names.STARTER_DISTRIBUTION: "What is installed comes from the starter distribution, which is"
    " for evaluation only. Only there while True.",
}
"""Condition types."""

REASONS: Final[Mapping[str, str]] = {
    names.PROGRESSING: "A run is under way; the message says what is waited for.",
    names.PROGRESSING_WITH_RETRY: "The last run failed and will be tried again.",
    names.RECONCILIATION_SUCCEEDED: "Everything that is wanted is in place.",
    names.SUCCEEDED: "The signature was verified.",
    names.RECONCILIATION_DISABLED: "The instance is disabled by annotation.",
    names.RECONCILIATION_FAILED: "The API server refused something or was away, objects could not"
    " be removed or migrated.",
    names.ARTIFACT_FAILED: "The distribution could not be fetched, checked or unpacked, or its"
    " signature is missing or not the one that is asked for.",
    names.BUILD_FAILED: "The spec and the distribution make no set of objects: a wrong version,"
    " component or patch.",
    names.HEALTH_CHECK_FAILED: "Everything was applied, but not everything became healthy in time,"
    " or something never can.",
    names.HEALTH_CHECK_CANCELED: "A newer request interrupted the wait for health.",
    names.OUTDATED_VERSION: "A newer version could be installed than the spec asks for.",
    names.BUILD_WARNING: "The spec probably means something else than it says; it is built as is.",
    names.DRIFT_DETECTED: "Somebody else changed or deleted a managed object; it is repaired. Or"
    " somebody added fields to one; a run takes them over.",
    names.SYNC_SUSPENDED: "Somebody has suspended an object of the sync; it stays suspended.",
    names.WORKLOADS_KEPT: "An object that prunes is deleted without pruning; its workloads stay.",
    names.DEFINITIONS_KEPT: "The definitions of a removed component have objects, so they stay.",
    names.STARTER_DISTRIBUTION: "The distribution in use is the starter one: the schemas of its"
    " custom resources are open, so the API server checks no field of them.",
}
"""Reasons of conditions and events."""

REMEDIES: Final[Mapping[str, str]] = {
    names.RECONCILIATION_DISABLED: "Set the annotation fluxcd.controlplane.io/reconcile to enabled"
    " (`fluxsm resume`) to go on.",
    names.RECONCILIATION_FAILED: "The message names the object and the answer of the API server."
    " Forbidden: compare the roles of the operator (`fluxsm doctor`). Refused by a webhook or a"
    " quota: change that, or patch the object. Else nothing: it is tried again.",
    names.ARTIFACT_FAILED: "Check spec.distribution.artifact and artifactPullSecret, and that the"
    " operator reaches the registry (proxy, DNS, certificate authority); `fluxsm versions"
    " --distribution oci://...` asks the same question from here. A corrected pull secret is"
    " noticed within seconds.",
    names.BUILD_FAILED: "Correct the field that the message names; `fluxsm plan -f FILE` shows"
    " beforehand whether that is enough.",
    names.HEALTH_CHECK_FAILED: "Look at the objects that the message names: `kubectl describe` of"
    " the Deployment and its pods. Image not pulled: registry, imagePullSecret, digest. Not"
    " scheduled: nodes, quota, tolerations. Slow: raise the annotation"
    " fluxcd.controlplane.io/reconcileTimeout.",
    names.HEALTH_CHECK_CANCELED: "Nothing: the newer request is worked on.",
    names.OUTDATED_VERSION: "Widen spec.distribution.version, or upgrade the operator; `fluxsm"
    " plan` shows what that changes.",
    names.BUILD_WARNING: "Read the sentence; change the field, or leave it if it is meant so.",
    names.DEFINITIONS_KEPT: "Delete the objects, or put the component back.",
    names.DRIFT_DETECTED: "Change the FluxInstance (kustomize patches) instead of the object. Where"
    " another program keeps writing, take the field from one of the two.",
    names.STARTER_DISTRIBUTION: "Nothing, to try things out. Else name the official manifests:"
    " spec.distribution.artifact, or an image made with `make image DATA=FOLDER`.",
}
"""What to do about a reason, for those where somebody may have to."""

ANNOTATIONS: Final[Mapping[str, tuple[str, str, str]]] = {
    names.RECONCILE: (
        "`enabled` or `disabled`",
        "`enabled`",
        (
            "`disabled`, in upper or lower case, stops everything: nothing is done or"
            " repaired. Deleting a disabled instance leaves Flux in place."
        ),
    ),
    names.RECONCILE_EVERY: (
        "a duration",
        "`1h`",
        "Period of the runs, with jitter. Zero switches them off.",
    ),
    names.RECONCILE_ARTIFACT_EVERY: (
        "a duration",
        "`10m`",
        "Period of the look at the artifact's digest. Zero switches it off.",
    ),
    names.RECONCILE_TIMEOUT: ("a duration", "`5m`", "Time limit of the health check."),
    names.REQUESTED_AT: ("any token", "none", "A change of it starts a run."),
    names.FORCE_AT: (
        "any token",
        "none",
        (
            "When it equals `requestedAt`, Flux resources are migrated once, whatever their storage"
            " version. Pending until that has succeeded."
        ),
    ),
    f"{names.EVENT_METADATA_PREFIX}*": (
        "any text",
        "none",
        "Copied into the metadata of events that notification-controller gets.",
    ),
}
"""Annotations of a FluxInstance: their values, their default, their effect."""

OBJECT_MARKS: Final[Mapping[str, tuple[str, str]]] = {
    names.OWNER_NAME_LABEL: ("label", "Name of the owning instance; set by the operator."),
    names.OWNER_NAMESPACE_LABEL: (
        "label",
        "Namespace of the owning instance; set by the operator.",
    ),
    names.PRUNE: (
        "label or annotation",
        "`disabled`: the object is never deleted, neither as stale nor on uninstallation.",
    ),
    names.RECONCILE: (
        "label or annotation",
        "`disabled`: drift of the object is not repaired between two runs.",
    ),
    names.PART_OF_LABEL: ("label", "`flux` on all objects of Flux; set by the build."),
    names.MANAGED_BY_LABEL: ("label", "`flux-operator`; set by the build."),
    names.KUSTOMIZE_SSA: (
        "annotation",
        "`Ignore`: keeps a bootstrapped kustomize-controller from touching the object.",
    ),
    names.KUSTOMIZE_PRUNE: (
        "annotation",
        "`Disabled`: keeps kustomize-controller from pruning the object.",
    ),
}
"""Labels and annotations of managed objects: what they are, and what they do."""
