# SPDX-License-Identifier: Apache-2.0
"""The whole build, in the order in which its steps can see one another's work."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from fluxsm.api.instance import FluxInstance
from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.build import additions, components, identity, profiles, rbac, sharding, storage, sync
from fluxsm.build.advice import advise
from fluxsm.build.checks import check
from fluxsm.build.distribution import Distribution
from fluxsm.build.images import ComponentImage, choose_images, read_images, set_images
from fluxsm.build.metadata import owner_warnings, set_common_metadata, set_namespaces, with_owner
from fluxsm.build.normal import normalise
from fluxsm.build.options import Options
from fluxsm.build.references import repair_references
from fluxsm.build.resource import Resource
from fluxsm.build.validation.finding import refuse
from fluxsm.build.validation.objects import check_object
from fluxsm.errors import BuildError
from fluxsm.objects.order import digest_key, sort_for_delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    """What a build gives.

    Attributes:
        version: the chosen version, spelled as in the distribution.
        objects: in delivery order.
        digest: `sha256:...` over the objects without owner labels and common metadata.
        components: the images that are used.
        warnings: advice for people: what probably means something else than was written, and what
            has no effect. Sentences that begin with a path, the same for the same input.
    """

    version: str
    objects: tuple[Manifest, ...]
    digest: str
    components: tuple[ComponentImage, ...]
    warnings: tuple[str, ...] = ()

    @property
    def revision(self) -> str:
        """Version and digest, as the status shows them."""
        return f"{self.version}@{self.digest}"


def build(
    instance: FluxInstance,
    distribution: Distribution,
    version: str,
    *,
    as_applied: bool = True,
    digests: Mapping[str, str] = MappingProxyType({}),
) -> BuildResult:
    """Build the objects of an instance.

    Args:
        instance: what the user wants; not changed.
        distribution: the manifests; not changed.
        version: the version to build, as the distribution spells it.
        as_applied: whether the objects are those that the operator applies: images pinned to the
            digests that the distribution lists, in the form in which the API server keeps objects.
            Otherwise images have tags, and what the manifests leave out stays out.
        digests: by image reference, for images that the distribution has no digest of.

    Raises:
        BuildError: naming the field or the file that is wrong.
    """
    options = Options(instance, version)
    check(options, distribution.components(version))
    chosen = choose_images(options, distribution, pin=as_applied, digests=digests)
    resources = _load(options, distribution)
    _transform(options, resources)
    resources, warnings = _patch(options, resources)
    refuse(sync.check_sync(options, resources))
    set_namespaces(options, resources)
    set_images(chosen.images, options, resources)
    set_common_metadata(options, resources)
    repair_references(resources)
    objects = sort_for_delivery([item.manifest for item in resources])
    _refuse_twins(objects)
    refuse(_check_objects(objects))
    return BuildResult(
        version=version,
        digest=digest(objects),
        components=read_images(options, objects),
        objects=tuple(_finish(options, objects, as_applied=as_applied)),
        warnings=(*advise(instance), *chosen.warnings, *warnings, *owner_warnings(options)),
    )


def _load(options: Options, distribution: Distribution) -> list[Resource]:
    return [
        *components.load_namespace(options),
        *components.load_policies(options, distribution),
        *rbac.load_rbac(options, distribution),
        *components.load_components(options, distribution),
        *sharding.load_shards(options, distribution),
        *storage.load_claim(options),
        *sync.load_sync(options),
    ]


def _transform(options: Options, resources: list[Resource]) -> None:
    """Everything that comes before the user's patches; later steps see what earlier ones did."""
    components.set_scheduling(options, resources)
    components.set_base_args(options, resources)
    storage.mount_claim(options, resources)
    sharding.exclude_shards(options, resources)
    profiles.apply_cluster_type(options, resources)
    profiles.apply_size(options, resources)
    profiles.apply_lockdown(options, resources)
    additions.open_external_artifacts(options, resources)
    additions.extend_notifications(options, resources)
    identity.apply_identity(options, resources)


def _patch(options: Options, resources: list[Resource]) -> tuple[list[Resource], tuple[str, ...]]:
    if not options.spec.patches:
        return resources, ()
    from fluxsm.build.patches import apply_user_patches  # noqa: PLC0415 most instances have none

    result = apply_user_patches(resources, options.spec.patches, options.namespace)
    refuse(result.problems)
    return result.resources, result.warnings


def _finish(options: Options, objects: list[Manifest], *, as_applied: bool) -> list[Manifest]:
    """What the digest does not depend on."""
    if as_applied:
        for item in objects:
            normalise(item)
    return with_owner(options, objects)


def _check_objects(objects: Sequence[Manifest]) -> Iterator[str]:
    """What the API server would refuse, whoever wrote it; patches have been judged before.

    A field that is unknown here may be that of a distribution that is newer.
    """
    for item in objects:
        for finding in check_object(item, unknown=False):
            yield f"{item['kind']}/{item['metadata']['name']}: {finding}"


def _refuse_twins(objects: Sequence[Manifest]) -> None:
    counts = Counter(ObjectRef.of(item).identity for item in objects)
    for item in objects:
        if counts[ObjectRef.of(item).identity] > 1:
            raise BuildError(f"{ObjectRef.of(item)} would be created twice")


def digest(objects: Sequence[Manifest]) -> str:
    """The digest of built objects; it changes with every field and with nothing else."""
    total = hashlib.sha256()
    for item in sorted(objects, key=digest_key):
        text = json.dumps(item, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        total.update(text.encode())
        total.update(b"\n")
    return f"sha256:{total.hexdigest()}"
