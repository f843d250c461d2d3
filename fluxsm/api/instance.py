# SPDX-License-Identifier: Apache-2.0
"""The FluxInstance as models: the spec that users write, and how an instance is read.

The descriptions become those of the CRD.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from fluxsm.api import duration, names
from fluxsm.api.model import Model
from fluxsm.api.status import Status
from fluxsm.api.words import explain

INTERVAL_PATTERN = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"

Component: TypeAlias = Annotated[str, Field(json_schema_extra={"enum": list(names.COMPONENTS)})]
"""The API server admits the known ones; the build admits what the distribution has."""


class Distribution(Model):
    """Which Flux to install, and from where."""

    version: str = Field(description="Semver range or exact version of Flux, such as 2.x or 2.8.1.")
    registry: str = Field(
        description="Registry that the controller images are pulled from, such as ghcr.io/fluxcd.",
    )
    variant: (
        Literal[
            "upstream-alpine",
            "enterprise-alpine",
            "enterprise-distroless",
            "enterprise-distroless-fips",
        ]
        | None
    ) = Field(
        default=None,
        description="Flavour of the images; needed when the registry is a mirror.",
    )
    image_pull_secret: str | None = Field(
        default=None,
        description="Secret of type kubernetes.io/dockerconfigjson for pulling the images.",
    )
    artifact: str | None = Field(
        default=None,
        pattern="^oci://.*$",
        description="OCI artifact with the distribution manifests, polled for new versions.",
    )
    artifact_pull_secret: str | None = Field(
        default=None,
        description="Secret of type kubernetes.io/dockerconfigjson for pulling the artifact.",
    )


class CommonMetadata(Model):
    """Labels and annotations that are put on every object."""

    annotations: dict[str, str] | None = Field(
        default=None, description="Annotations for every object; they win over existing ones."
    )
    labels: dict[str, str] | None = Field(
        default=None, description="Labels for every object; they win over existing ones."
    )


class Cluster(Model):
    """The flavour of the cluster and the lockdown options."""

    type: Literal["kubernetes", "openshift", "aws", "azure", "gcp"] = Field(
        default="kubernetes", description="Kind of the cluster."
    )
    size: Literal["small", "medium", "large"] | None = Field(
        default=None, description="Vertical profile: concurrency, resources and caches."
    )
    domain: str = Field(default=names.DEFAULT_DOMAIN, description="Internal domain of the cluster.")
    multitenant: bool = Field(
        default=False, description="Lock Flux down so that tenants are kept apart."
    )
    multitenant_workload_identity: bool = Field(
        default=False,
        description="Make tenants use workload identities of their own; needs Flux 2.7.",
    )
    object_level_workload_identity: bool | None = Field(
        default=None, description="Allow a workload identity per Flux object; needs Flux 2.6."
    )
    tenant_default_service_account: str | None = Field(
        default=None,
        description="Service account for tenant objects that name none; `default` when not set.",
    )
    tenant_default_decryption_service_account: str | None = Field(
        default=None,
        description="Service account for SOPS decryption of tenants; `default` when not set.",
    )
    tenant_default_kube_config_service_account: str | None = Field(
        default=None,
        description="Service account for remote clusters of tenants; `default` when not set.",
    )
    network_policy: bool = Field(
        default=True, description="Restrict network access to the namespace of Flux."
    )


class Sharding(Model):
    """Horizontal sharding of the controllers."""

    key: str = Field(
        default=names.SHARDING_KEY, description="Label that assigns an object to a shard."
    )
    shards: list[str] = Field(min_length=1, description="Names of the shards.")
    storage: Literal["ephemeral", "persistent"] | None = Field(
        default=None,
        description="Storage of the source-controller shards; ephemeral when not set.",
    )


class Storage(Model):
    """A persistent volume for source-controller."""

    class_: str = Field(alias="class", description="Storage class of the claim.")
    size: str = Field(description="Size of the claim, such as 10Gi.")


class Target(Model):
    """Which objects a patch is for; all given criteria must hold."""

    group: str | None = Field(default=None, description="Regular expression for the API group.")
    version: str | None = Field(default=None, description="Regular expression for the version.")
    kind: str | None = Field(default=None, description="Regular expression for the kind.")
    name: str | None = Field(default=None, description="Regular expression for the name.")
    namespace: str | None = Field(default=None, description="Regular expression for the namespace.")
    label_selector: str | None = Field(default=None, description="Kubernetes label selector.")
    annotation_selector: str | None = Field(
        default=None, description="Selector for annotations, in label selector syntax."
    )


class Patch(Model):
    """One kustomize patch."""

    patch: str = Field(description="Inline strategic merge patch or JSON6902 patch, in YAML.")
    target: Target | None = Field(default=None, description="The objects that are patched.")


class Kustomize(Model):
    """Patches for the generated objects."""

    patches: list[Patch] | None = Field(
        default=None, description="Patches, applied in order after everything else."
    )


class Sync(Model):
    """A Flux source and a Flux Kustomization that sync the cluster from it."""

    name: str | None = Field(
        default=None,
        max_length=63,
        description="Name of both objects; the namespace when not set. Cannot be changed later.",
    )
    interval: Annotated[str, BeforeValidator(lambda value: value or "1m")] = Field(
        default="1m", pattern=INTERVAL_PATTERN, description="How often the source is checked."
    )
    kind: Literal["OCIRepository", "GitRepository", "Bucket"] = Field(
        description="Kind of the source."
    )
    url: str = Field(description="Address of the source, or endpoint of the bucket.")
    ref: str = Field(description="Git reference, OCI tag or name of the bucket.")
    path: str = Field(description="Folder in the source that is applied.")
    pull_secret: str | None = Field(
        default=None, description="Secret with the credentials for the source."
    )
    provider: Literal["generic", "aws", "azure", "gcp", "github"] | None = Field(
        default=None, description="Provider of the credentials for the source."
    )

    @property
    def interval_duration(self) -> timedelta:
        """The interval as a duration."""
        return duration.parse(self.interval)


_DEFAULT_CLUSTER = Cluster.model_construct()
"""Its defaults need no validation, which takes building a schema: importing is to be quick."""


class Spec(Model):
    """What the user wants."""

    distribution: Distribution = Field(description="Which Flux to install, and from where.")
    components: list[Component] | None = Field(
        default=None, description="Controllers to install; the four default ones when not set."
    )
    common_metadata: CommonMetadata | None = Field(
        default=None, description="Labels and annotations for every object."
    )
    cluster: Cluster | None = Field(
        default=None, description="Flavour of the cluster and lockdown options."
    )
    sharding: Sharding | None = Field(default=None, description="Horizontal sharding.")
    storage: Storage | None = Field(
        default=None, description="Persistent volume for source-controller."
    )
    kustomize: Kustomize | None = Field(
        default=None, description="Patches for the generated objects."
    )
    wait: bool = Field(
        default=True, description="Wait until everything that was applied is healthy."
    )
    migrate_resources: bool = Field(
        default=True, description="Rewrite Flux resources when their storage version changes."
    )
    sync: Sync | None = Field(
        default=None, description="Source and Kustomization that sync the cluster."
    )

    @property
    def effective_components(self) -> tuple[str, ...]:
        """The components to install, in order."""
        return tuple(self.components or names.DEFAULT_COMPONENTS)

    @property
    def effective_cluster(self) -> Cluster:
        """The cluster block, with its defaults when it is absent."""
        return self.cluster or _DEFAULT_CLUSTER

    @property
    def domain(self) -> str:
        """The cluster domain; an empty text counts as not set."""
        return self.effective_cluster.domain or names.DEFAULT_DOMAIN

    @property
    def patches(self) -> tuple[Patch, ...]:
        """The user's patches, in order."""
        return tuple((self.kustomize.patches if self.kustomize else None) or ())

    @model_validator(mode="after")
    def _check_rules(self) -> Self:
        for rule in ADMISSION_RULES:
            complaint = rule(self)
            if complaint:
                raise ValueError(complaint)
        return self


def shards_have_storage(spec: Spec) -> str | None:
    """Persistent shards need a storage block."""
    if spec.sharding and spec.sharding.storage == "persistent" and spec.storage is None:
        return ".spec.storage must be set when .spec.sharding.storage is 'persistent'"
    return None


def tenants_have_identities(spec: Spec) -> str | None:
    """Workload identity of tenants needs that of objects."""
    cluster = spec.effective_cluster
    if cluster.multitenant_workload_identity and not cluster.object_level_workload_identity:
        return (
            ".spec.cluster.objectLevelWorkloadIdentity must be true when"
            " .spec.cluster.multitenantWorkloadIdentity is true"
        )
    return None


def provider_fits_source(spec: Spec) -> str | None:
    """Some providers work for some kinds of source only."""
    if spec.sync is None:
        return None
    if spec.sync.provider == "gcp" and spec.sync.kind == "GitRepository":
        return ".spec.sync.provider 'gcp' is only supported for OCIRepository and Bucket"
    if spec.sync.provider == "github" and spec.sync.kind != "GitRepository":
        return ".spec.sync.provider 'github' is only supported for GitRepository"
    return None


ADMISSION_RULES: tuple[Callable[[Spec], str | None], ...] = (
    shards_have_storage,
    tenants_have_identities,
    provider_fits_source,
)
"""What the API server checks with CEL rules, for files that it has not seen."""


class Metadata(Model):
    """The metadata of an instance, as far as the operator looks at it."""

    name: str = names.SINGLETON
    namespace: str = names.DEFAULT_NAMESPACE
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    deletion_timestamp: str | None = None
    creation_timestamp: str | None = None
    finalizers: list[str] = Field(default_factory=list)
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)

    @property
    def suspended(self) -> bool:
        """Whether the instance is disabled; anything but `disabled` means enabled."""
        return self.annotations.get(names.RECONCILE, "").lower() == names.DISABLED

    @property
    def asking(self) -> dict[str, str]:
        """The annotations by which people ask for something; all others mean nothing to a run."""
        return {key: value for key, value in self.annotations.items() if key in names.ASKING}

    @property
    def reconcile_every(self) -> timedelta:
        """Period of the runs; zero while disabled."""
        return self._interval(names.RECONCILE_EVERY, timedelta(hours=1))

    @property
    def reconcile_artifact_every(self) -> timedelta:
        """Period of the artifact checks; zero while disabled."""
        return self._interval(names.RECONCILE_ARTIFACT_EVERY, timedelta(minutes=10))

    @property
    def reconcile_timeout(self) -> timedelta:
        """Time limit of the health check."""
        return self._duration(names.RECONCILE_TIMEOUT, timedelta(minutes=5))

    @property
    def requested_at(self) -> str:
        """Token of the last request to reconcile, or the empty text."""
        return self.annotations.get(names.REQUESTED_AT, "")

    @property
    def force_at(self) -> str:
        """Token of the last request to migrate by force, or the empty text."""
        return self.annotations.get(names.FORCE_AT, "")

    def _interval(self, key: str, default: timedelta) -> timedelta:
        return timedelta(0) if self.suspended else self._duration(key, default)

    def _duration(self, key: str, default: timedelta) -> timedelta:
        """An annotation as a duration; what does not parse counts as not set."""
        try:
            return duration.parse(self.annotations[key])
        except (KeyError, ValueError):
            return default


class FluxInstance(Model):
    """The one instance of a cluster."""

    api_version: str = names.API_VERSION
    kind: str = names.INSTANCE_KIND
    metadata: Metadata = Field(default_factory=Metadata.model_construct)
    spec: Spec
    status: Status = Field(default_factory=Status.model_construct)


class InvalidInstanceError(ValueError):
    """A manifest is not a FluxInstance that the API server would admit; the message says why."""


def parse_instance(manifest: Mapping[str, Any]) -> FluxInstance:
    """Read a FluxInstance.

    Raises:
        InvalidInstanceError: naming each wrong field by its path, and what is wrong with it.
    """
    try:
        return FluxInstance.model_validate(_without_nulls(manifest))
    except ValidationError as error:
        raise InvalidInstanceError(explain(error)) from None


def parse_metadata(manifest: Mapping[str, Any]) -> Metadata:
    """Read the metadata of an object, which the API server has checked."""
    return Metadata.model_validate(_without_nulls(manifest["metadata"]))


def parse_status(manifest: Mapping[str, Any]) -> Status:
    """Read a status; one that makes no sense, as under another CRD, counts as lost."""
    try:
        return Status.model_validate(_without_nulls(manifest.get("status") or {}))
    except ValidationError:
        return Status()


def _without_nulls(value: Any) -> Any:
    """Null means "not set" in the API, so that defaults apply."""
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
