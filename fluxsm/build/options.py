# SPDX-License-Identifier: Apache-2.0
"""What one build is about: the instance, the chosen version, and answers derived from both."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from semver import Version

from fluxsm.api import names
from fluxsm.api.instance import Cluster, FluxInstance, Spec
from fluxsm.build import version as versions
from fluxsm.errors import BuildError

SHARDED = (
    "source-controller",
    "kustomize-controller",
    "helm-controller",
    "image-reflector-controller",
    "image-automation-controller",
)
WATCHER = "source-watcher"
NOTIFIER = "notification-controller"
SOURCE = "source-controller"
KUSTOMIZE = "kustomize-controller"
HELM = "helm-controller"
REFLECTOR = "image-reflector-controller"
AUTOMATION = "image-automation-controller"


@dataclass(frozen=True)
class Options:
    """The instance and the version, and what follows from them.

    Attributes:
        instance: what the user wants.
        version_name: the chosen version, spelled as its folder.
    """

    instance: FluxInstance
    version_name: str

    @cached_property
    def version(self) -> Version:
        """The chosen version.

        Raises:
            BuildError: the name is not a version.
        """
        try:
            return versions.parse(self.version_name)
        except ValueError as error:
            raise BuildError(f"the version folder {self.version_name}: {error}") from None

    def is_at_least(self, text: str) -> bool:
        """Whether the version has what a release brought; its prereleases have it too."""
        return bool(self.version.finalize_version().compare(text) >= 0)

    @property
    def spec(self) -> Spec:
        """The spec of the instance."""
        return self.instance.spec

    @property
    def cluster(self) -> Cluster:
        """The cluster block, with its defaults."""
        return self.instance.spec.effective_cluster

    @property
    def namespace(self) -> str:
        """The namespace of the instance, and so of Flux."""
        return self.instance.metadata.namespace

    @property
    def components(self) -> tuple[str, ...]:
        """The requested components, in order."""
        return self.instance.spec.effective_components

    @property
    def sharded(self) -> tuple[str, ...]:
        """Components that can be sharded at this version, requested or not."""
        return (*SHARDED, WATCHER) if self.shards_watcher else SHARDED

    @property
    def shards_watcher(self) -> bool:
        """Whether source-watcher is sharded: from Flux 2.9 on."""
        return self.is_at_least("2.9.0")

    @property
    def shards(self) -> tuple[str, ...]:
        """Names of the shards."""
        return tuple(self.spec.sharding.shards) if self.spec.sharding else ()

    @property
    def shard_key(self) -> str:
        """The label that assigns objects to shards."""
        return (self.spec.sharding.key if self.spec.sharding else "") or names.SHARDING_KEY

    @property
    def has_persistent_shards(self) -> bool:
        """Whether each shard has a claim of its own."""
        sharding = self.spec.sharding
        return bool(sharding and sharding.storage == "persistent" and self.spec.storage)

    @property
    def keeps_token_rule(self) -> bool:
        """Whether the controllers may ask for tokens of other service accounts."""
        return bool(self.cluster.object_level_workload_identity) or not self.is_at_least("2.6.0")

    def storage_address(self, name: str) -> str:
        """The address under which a Service of this name hands out artifacts."""
        return f"{name}.$(RUNTIME_NAMESPACE).svc.{self.spec.domain}."

    @property
    def events_address(self) -> str:
        """Where controllers send events; empty without notification-controller."""
        if NOTIFIER not in self.components:
            return ""
        return f"http://{NOTIFIER}.{self.namespace}.svc.{self.spec.domain}./"
