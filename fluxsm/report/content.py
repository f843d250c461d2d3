# SPDX-License-Identifier: Apache-2.0
"""What a FluxReport says, from objects that were read."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from fluxsm.api import duration, names
from fluxsm.api.objects import Kind, Manifest
from fluxsm.api.report import ReportCluster, ReportComponent, ReportDistribution, ReportSync
from fluxsm.errors import MalformedError
from fluxsm.objects import health, manifest
from fluxsm.objects.redaction import redact
from fluxsm.report.counts import ready_of

UNKNOWN: Final = "Unknown"
INSTALLED: Final = "Installed"
NOT_INSTALLED: Final = "Not Installed"
BOOTSTRAP_LABEL: Final = "kustomize.toolkit.fluxcd.io/name"
"""On what `flux bootstrap` has installed."""

SYNC_KIND: Final = "Kustomization"


def distribution(
    crd: Manifest | None, entitlement: Manifest | None, *, is_known: bool = True
) -> ReportDistribution:
    """The distribution that is installed.

    Args:
        crd: that of the GitRepository; None when there is none.
        entitlement: the vendor's Secret; None when there is none, or it cannot be read.
        is_known: whether it is known if there is a CRD.
    """
    issued = describe_entitlement(entitlement or {})
    if crd is None:
        status = NOT_INSTALLED if is_known else UNKNOWN
        return ReportDistribution(entitlement=issued, status=status)
    labels = manifest.labels_of(crd)
    bootstrapped = "flux bootstrap" if BOOTSTRAP_LABEL in labels else None
    return ReportDistribution(
        entitlement=issued,
        status=INSTALLED,
        version=labels.get(names.VERSION_LABEL) or None,
        managed_by=labels.get(names.MANAGED_BY_LABEL) or bootstrapped,
    )


def describe_entitlement(secret: Manifest) -> str:
    """Whether a vendor stands behind the installation, and which one."""
    data = manifest.mapping(secret, "data")
    if "token" not in data:
        return UNKNOWN
    return f"Issued by {_decode(data['vendor'])}" if "vendor" in data else "Issued"


def _decode(value: str) -> str:
    try:
        return base64.b64decode(value).decode()
    except (binascii.Error, UnicodeDecodeError):
        return UNKNOWN


def cluster(version: Mapping[str, str], nodes: int) -> ReportCluster:
    """The cluster.

    Args:
        version: answer of the version endpoint.
        nodes: how many there are.
    """
    return ReportCluster(
        server_version=version.get("gitVersion", ""),
        platform=version.get("platform", ""),
        nodes=nodes or None,
    )


def flux_kinds(crds: Iterable[Manifest]) -> list[Kind]:
    """The kinds of Flux, each at the version in which its objects are stored.

    Raises:
        MalformedError: a CRD does not say what is stored.
    """
    return [_stored_kind(crd) for crd in crds]


def _stored_kind(crd: Manifest) -> Kind:
    versions = manifest.read(crd, "status", "storedVersions") or []
    if not versions:
        name = manifest.text(crd, "metadata", "name")
        raise MalformedError(f"the CRD {name} has no status.storedVersions")
    group = manifest.text(crd, "spec", "group")
    return Kind(group, str(versions[-1]), manifest.text(crd, "spec", "names", "kind"))


def components(deployments: Iterable[Manifest], now: datetime) -> list[ReportComponent]:
    """The controllers, by name."""
    found = [_component(item, now) for item in deployments]
    return sorted(found, key=lambda item: item.name)


def _component(deployment: Manifest, now: datetime) -> ReportComponent:
    found = health.assess(deployment, now)
    containers = manifest.entries(deployment, "spec", "template", "spec", "containers")
    return ReportComponent(
        name=manifest.text(deployment, "metadata", "name"),
        ready=found.is_current,
        status=str(found),
        image=manifest.text(containers[0], "image") if containers else "",
    )


def sync(kinds: Iterable[Kind], same_named: Mapping[str, Manifest], name: str) -> ReportSync | None:
    """The sync of the cluster, None when there is none.

    Args:
        kinds: the kinds of Flux.
        same_named: the Flux objects with the name of the sync in its namespace, by kind.
        name: of the sync.

    Raises:
        MalformedError: there is no CRD of the kind of its source.
    """
    kustomization = same_named.get(SYNC_KIND)
    if kustomization is None:
        return None
    ready = ready_of(kustomization)
    is_ready = bool(ready) and ready.get("status") != "False"
    status = manifest.text(ready, "message") if ready else "not initialized"
    kind = manifest.text(kustomization, "spec", "sourceRef", "kind")
    if kind and kind not in {item.kind for item in kinds}:
        raise MalformedError(f"the sync has a source of kind {kind}, which no CRD of Flux defines")
    source = same_named.get(kind, {})
    trouble = ready_of(source)
    if trouble.get("status") == "False":
        is_ready, status = False, f"{status}\n{manifest.text(trouble, 'message')}"
    if manifest.read(kustomization, "spec", "suspend") is True:
        status = f"Suspended {status}"
    return ReportSync(
        id=f"kustomization/{name}",
        ready=is_ready,
        status=status,
        path=manifest.text(kustomization, "spec", "path") or None,
        source=_address(source) or None,
    )


def _address(source: Manifest) -> str:
    if source.get("kind") != "Bucket":
        return redact(manifest.text(source, "spec", "url"))
    endpoint, bucket = (manifest.text(source, "spec", key) for key in ("endpoint", "bucketName"))
    return f"{endpoint}/{bucket}"


def interval(annotations: Mapping[str, str], default: timedelta) -> timedelta:
    """How often the report is made; what is not a positive duration counts as not set."""
    try:
        wanted = duration.parse(annotations.get(names.RECONCILE_EVERY, ""))
    except ValueError:
        return default
    return wanted if wanted > timedelta(0) else default


def is_disabled(annotations: Mapping[str, str]) -> bool:
    """Whether somebody has switched the report off."""
    return annotations.get(names.RECONCILE, "").lower() == names.DISABLED
