# SPDX-License-Identifier: Apache-2.0
"""The user's patches, as kustomize applies them: JSON 6902 and strategic merge.

Where kustomize loses data or does nothing without a word, the build refuses the patch instead and
says what is allowed.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

from fluxsm.api.instance import Patch
from fluxsm.api.objects import Manifest
from fluxsm.build.patches import json6902, merge
from fluxsm.build.patches.parse import JsonPatch, MergePatch, parse_patch
from fluxsm.build.patches.scalar import to_text
from fluxsm.build.patches.target import identified_by, select
from fluxsm.build.resource import Identity, Resource
from fluxsm.build.shape import check_shape
from fluxsm.errors import BuildError


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchResult:
    """What patches leave.

    Attributes:
        resources: the objects, without those that were deleted.
        warnings: patches that hit nothing, for people.
    """

    resources: list[Resource]
    warnings: tuple[str, ...] = ()


def apply_user_patches(resources: Sequence[Resource], patches: Sequence[Patch]) -> PatchResult:
    """Apply patches one after another; each sees what the earlier ones left.

    Args:
        resources: the objects; they are changed in place.
        patches: in the order of the spec.

    Raises:
        BuildError: naming the patch, the reason, and what is allowed.
    """
    left, warnings = list(resources), []
    for number, patch in enumerate(patches):
        where = f".spec.kustomize.patches[{number}]"
        parsed = parse_patch(patch.patch, f"{where}.patch")
        if patch.target is not None:
            hits = select(left, patch.target, f"{where}.target")
            if not hits:
                warnings.append(f"{where}.target selects no object")
        match parsed:
            case JsonPatch() if patch.target is None:
                raise BuildError(f"{where}.target is required for a JSON 6902 patch")
            case JsonPatch():
                _apply_operations(left, hits, parsed, f"{where}.patch")
            case MergePatch() if patch.target is None:
                left = _merge_identified(left, parsed, f"{where}.patch")
            case MergePatch():
                left = _merge_targeted(left, hits, parsed, f"{where}.patch")
    return PatchResult(resources=left, warnings=tuple(warnings))


def _apply_operations(
    resources: Sequence[Resource], hits: Sequence[Resource], patch: JsonPatch, where: str
) -> None:
    for item in hits:
        before = Identity(name=item.name, namespace=item.namespace)
        item.manifest = json6902.apply(item.manifest, patch.operations, where)
        _check_identity(item.manifest, where)
        _tidy(item, where)
        if item.name != before.name:
            item.former.append(before)
            _refuse_taken_name(resources, item, where)


def _check_identity(manifest: Manifest, where: str) -> None:
    metadata = manifest.get("metadata")
    named = isinstance(metadata, dict) and metadata.get("name")
    if not named or not manifest.get("kind"):
        raise BuildError(f"{where} removes kind or metadata.name, which every object needs")


def _refuse_taken_name(resources: Sequence[Resource], renamed: Resource, where: str) -> None:
    for other in resources:
        same = (other.kind, other.name) == (renamed.kind, renamed.name)
        if other is not renamed and same and other.namespace == renamed.namespace:
            raise BuildError(f"{where}: there is a {renamed.kind} {renamed.name} already")


def _merge_targeted(
    resources: list[Resource], hits: Sequence[Resource], patch: MergePatch, where: str
) -> list[Resource]:
    """Merge one document into every selected object; it never changes who the object is."""
    if len(patch.documents) > 1:
        raise BuildError(
            f"{where} has {len(patch.documents)} documents; with a target there is exactly one"
        )
    gone = [item for item in hits if not _merge_into(item, patch.documents[0], where)]
    return [item for item in resources if not any(item is other for other in gone)]


def _merge_identified(resources: list[Resource], patch: MergePatch, where: str) -> list[Resource]:
    """Merge each document into the one object that it names itself."""
    left = resources
    for document in patch.documents:
        hits = identified_by(left, document)
        name = f"{document['kind']} {document['metadata']['name']}"
        if not hits:
            raise BuildError(f"{where} names {name}, which is not among the built objects")
        if len(hits) > 1:
            raise BuildError(
                f"{where} names {name}, and {len(hits)} objects go by that name; use a target"
            )
        if not _merge_into(hits[0], document, where):
            left = [item for item in left if item is not hits[0]]
    return left


def _merge_into(item: Resource, document: Manifest, where: str) -> bool:
    """Merge a document into an object; False when it deletes the object."""
    body = copy.deepcopy(document)
    for key in ("apiVersion", "kind"):
        body.pop(key, None)
    for key in ("name", "namespace"):
        body.get("metadata", {}).pop(key, None)
    merged = merge.merge_object(item.manifest, body, where)
    if merged is None:
        return False
    item.manifest = merged
    _tidy(item, where)
    return True


def _tidy(item: Resource, where: str) -> None:
    """Refuse an object that is none any more, and make text of its labels and annotations."""
    item.manifest = check_shape(item.manifest, where)
    metadata = item.manifest["metadata"]
    for key in ("labels", "annotations"):
        if metadata.get(key):
            metadata[key] = {name: to_text(value) for name, value in metadata[key].items()}
