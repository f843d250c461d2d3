# SPDX-License-Identifier: Apache-2.0
"""The status of a FluxInstance as models: what users and other programs read."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fluxsm.api.model import Model

CONDITION_TYPE_PATTERN = (
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
    r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"
)
REASON_PATTERN = r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"


class Condition(Model):
    """One condition of a status."""

    type: str = Field(
        max_length=316, pattern=CONDITION_TYPE_PATTERN, description="Type of the condition."
    )
    status: Literal["True", "False", "Unknown"] = Field(description="Status of the condition.")
    reason: str = Field(
        min_length=1, max_length=1024, pattern=REASON_PATTERN, description="Why, in one word."
    )
    message: str = Field(max_length=32768, description="Why, for people.")
    last_transition_time: str = Field(
        json_schema_extra={"format": "date-time"}, description="When the condition last changed."
    )
    observed_generation: int | None = Field(
        default=None,
        ge=0,
        json_schema_extra={"format": "int64"},
        description="Generation of the object that the condition is about.",
    )


class ComponentImage(Model):
    """The image of one controller."""

    name: str = Field(description="Name of the controller.")
    repository: str = Field(description="Repository of the image.")
    tag: str = Field(description="Tag of the image.")
    digest: str | None = Field(default=None, description="Digest of the image.")


class InventoryEntry(Model):
    """One applied object."""

    id: str = Field(description="Namespace, name, group and kind, joined by underscores.")
    v: str = Field(description="API version of the kind.")


class Inventory(Model):
    """The applied objects."""

    entries: list[InventoryEntry] = Field(description="The applied objects, in apply order.")


class Snapshot(Model):
    """What became of one configuration."""

    digest: str = Field(description="Identity of the configuration.")
    first_reconciled: str = Field(
        json_schema_extra={"format": "date-time"}, description="First attempt."
    )
    last_reconciled: str = Field(
        json_schema_extra={"format": "date-time"}, description="Last attempt."
    )
    last_reconciled_duration: str = Field(description="How long the last attempt took.")
    last_reconciled_status: str = Field(description="Reason of the Ready condition then.")
    total_reconciliations: int = Field(
        json_schema_extra={"format": "int64"}, description="Number of attempts."
    )
    metadata: dict[str, str] | None = Field(default=None, description="Version of Flux.")


class LastTransition(Model):
    """How the state of the status was reached."""

    from_: str = Field(alias="from", description="State that was left.")
    event: str = Field(description="What happened there.")
    guard: str | None = Field(
        default=None, description="What had to hold as well, in words; absent where nothing had to."
    )


class NextTransition(Model):
    """The next timer of a resting instance."""

    event: str = Field(description="What happens then, unless something else happens before.")
    at: str | None = Field(
        default=None,
        json_schema_extra={"format": "date-time"},
        description="When, for what happens once.",
    )
    every: str | None = Field(
        default=None,
        description="How often, for what comes again without a write of the status.",
    )


class Status(Model):
    """What the operator observed."""

    conditions: list[Condition] | None = Field(
        default=None,
        description="Ready, Reconciling, Stalled, UpgradeBlocked, Outdated and Verified.",
    )
    state: str | None = Field(default=None, description="State of the state machine.")
    state_since: str | None = Field(
        default=None,
        json_schema_extra={"format": "date-time"},
        description="When the state was entered.",
    )
    last_transition: LastTransition | None = Field(
        default=None, description="How that state was reached; absent after a restart there."
    )
    next_transition: NextTransition | None = Field(
        default=None, description="The next timer while the instance rests."
    )
    last_attempted_revision: str | None = Field(
        default=None, description="Revision of the last attempt to apply."
    )
    last_applied_revision: str | None = Field(
        default=None, description="Revision of the last run that ended Ready."
    )
    last_artifact_revision: str | None = Field(
        default=None, description="Digest of the artifact of the last run that ended Ready."
    )
    last_handled_reconcile_at: str | None = Field(
        default=None, description="Last seen reconcile.fluxcd.io/requestedAt annotation."
    )
    last_handled_force_at: str | None = Field(
        default=None, description="Last seen reconcile.fluxcd.io/forceAt annotation."
    )
    components: list[ComponentImage] | None = Field(default=None, description="Images in use.")
    inventory: Inventory | None = Field(default=None, description="Objects in the cluster.")
    history: list[Snapshot] | None = Field(
        default=None, description="Configurations of the past, newest first, at most five."
    )
