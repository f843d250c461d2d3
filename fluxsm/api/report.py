# SPDX-License-Identifier: Apache-2.0
"""The FluxReport as models: what the operator observes of Flux in a cluster."""

from __future__ import annotations

from pydantic import Field

from fluxsm.api.model import Model
from fluxsm.api.status import Condition


class ReportDistribution(Model):
    """The Flux distribution."""

    entitlement: str = Field(description="Unknown, Issued, or Issued by a vendor.")
    status: str = Field(description="Installed, Not Installed, or Unknown when it cannot be read.")
    version: str | None = Field(default=None, description="Version of Flux.")
    managed_by: str | None = Field(default=None, description="Who manages the installation.")


class ReportCluster(Model):
    """The cluster."""

    server_version: str = Field(description="Version of the API server.")
    platform: str = Field(description="Operating system and architecture of the API server.")
    nodes: int | None = Field(default=None, description="Number of nodes.")


class ReportOperator(Model):
    """The operator."""

    api_version: str = Field(description="API version that the operator serves.")
    version: str = Field(description="Version of the operator.")
    platform: str = Field(description="Operating system and architecture of the operator.")


class ReportComponent(Model):
    """One controller."""

    name: str = Field(description="Name of the Deployment.")
    ready: bool = Field(description="Whether it is available.")
    status: str = Field(description="Its status, for people.")
    image: str = Field(description="Its image.")


class ReconcilerStats(Model):
    """Counts of one kind."""

    running: int = Field(description="Objects that are not suspended.")
    failing: int = Field(description="Objects that are not ready.")
    suspended: int = Field(description="Objects that are suspended.")
    total_size: str | None = Field(default=None, description="Size of all artifacts.")


class ReportReconciler(Model):
    """One kind that Flux reconciles."""

    api_version: str = Field(description="API version of the kind.")
    kind: str = Field(description="The kind.")
    stats: ReconcilerStats | None = Field(default=None, description="Counts of its objects.")


class ReportSync(Model):
    """The sync of the cluster."""

    id: str = Field(description="Kind and name of the Flux object.")
    ready: bool = Field(description="Whether it is ready.")
    status: str = Field(description="Its status, for people.")
    path: str | None = Field(default=None, description="Folder that is applied.")
    source: str | None = Field(default=None, description="Address of the source.")


class ReportSpec(Model):
    """What was observed."""

    distribution: ReportDistribution = Field(description="The Flux distribution.")
    cluster: ReportCluster | None = Field(default=None, description="The cluster.")
    operator: ReportOperator | None = Field(default=None, description="The operator.")
    components: list[ReportComponent] | None = Field(default=None, description="The controllers.")
    reconcilers: list[ReportReconciler] | None = Field(
        default=None, description="What Flux reconciles, by kind."
    )
    sync: ReportSync | None = Field(default=None, description="The sync of the cluster.")


class ReportStatus(Model):
    """State of the report itself."""

    conditions: list[Condition] | None = Field(default=None, description="Ready.")
    last_handled_reconcile_at: str | None = Field(
        default=None, description="Last seen reconcile.fluxcd.io/requestedAt annotation."
    )
