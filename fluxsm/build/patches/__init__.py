# SPDX-License-Identifier: Apache-2.0
"""The user's patches, as kustomize applies them: JSON 6902 and strategic merge.

Where kustomize loses data or does nothing without a word, the build refuses the patch instead and
says what is allowed.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

from fluxsm.api.instance import Patch, Target
from fluxsm.api.objects import Manifest
from fluxsm.build.patches import advice, json6902, merge
from fluxsm.build.patches.parse import JsonPatch, MergePatch, Parsed, parse_patch
from fluxsm.build.patches.problems import Problems
from fluxsm.build.patches.scalar import to_text
from fluxsm.build.patches.target import criteria, identified_by, is_empty, same_named, select
from fluxsm.build.resource import NamespacedName, Resource
from fluxsm.build.shape import check_shape
from fluxsm.build.validation.custom import schemas
from fluxsm.build.validation.finding import FindingsError, refuse
from fluxsm.errors import BuildError


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchResult:
    """What patches leave.

    Attributes:
        resources: the objects, without those that were deleted.
        warnings: what a patch probably does not mean, for people.
        problems: what the API server would refuse in the objects, with the patch that did it.
    """

    resources: list[Resource]
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def apply_user_patches(
    resources: Sequence[Resource], patches: Sequence[Patch], namespace: str = ""
) -> PatchResult:
    """Apply patches one after another; each sees what the earlier ones left.

    Args:
        resources: the objects; they are changed in place.
        patches: in the order of the spec.
        namespace: that in which all objects will be. A patch may name it before the objects have
            it; without it, only what they have at that moment counts, as in kustomize.

    Raises:
        BuildError: naming the patch, the reason, and what is allowed.
    """
    left, warnings = list(resources), list[str]()
    problems = Problems(schemas=schemas(item.manifest for item in resources))
    for number, (patch, parsed) in enumerate(zip(patches, parse_all(patches), strict=True)):
        where = f".spec.kustomize.patches[{number}]"
        before = {id(item): item.manifest for item in left}
        chosen = _choose(left, patch.target, parsed, where, namespace)
        left = _apply(left, chosen, parsed, f"{where}.patch")
        if not left:
            raise BuildError(f"{where} deletes every object that is left")
        changed = [item for item in left if item.manifest is not before[id(item)]]
        for item in changed:
            problems.look(item, before[id(item)], f"{where}.patch")
        warnings += chosen.warnings
        warnings += advice.lists_replaced(
            parsed,
            [before[id(item)] for item in changed],
            [item.manifest for item in changed],
            f"{where}.patch",
        )
    return PatchResult(
        resources=left, warnings=tuple(warnings), problems=problems.lines({*map(id, left)})
    )


def parse_all(patches: Sequence[Patch]) -> list[Parsed]:
    """Read the texts and targets of all patches.

    Raises:
        FindingsError: naming each patch that cannot be read, and why.
    """
    found: list[Parsed] = []
    problems: list[str] = []
    for number, patch in enumerate(patches):
        where = f".spec.kustomize.patches[{number}]"
        try:
            found.append(parse_patch(patch.patch, f"{where}.patch"))
            _check_target(patch.target, found[-1], where)
        except FindingsError as error:
            problems += error.lines
        except BuildError as error:
            problems.append(str(error))
    refuse(problems)
    return found


def _check_target(target: Target | None, patch: Parsed, where: str) -> None:
    if target is None:
        if isinstance(patch, JsonPatch):
            raise BuildError(f"{where}.target is required for a JSON 6902 patch")
        return
    criteria(target, f"{where}.target")
    if isinstance(patch, JsonPatch):
        return
    if len(patch.documents) > 1:
        raise BuildError(
            f"{where}.patch has {len(patch.documents)} documents; with a target there is exactly"
            " one"
        )
    if is_empty(target) and patch.documents[0].get("$patch") == "delete":
        raise BuildError(
            f"{where}.target is empty, so it selects every object, and the patch deletes them all;"
            " name the ones that are meant by kind and name"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """The objects that a patch is for.

    Attributes:
        hits: for each document, or for all operations, its objects.
        warnings: what is odd about the choice.
    """

    hits: list[list[Resource]]
    warnings: tuple[str, ...] = ()


def _choose(
    resources: Sequence[Resource],
    target: Target | None,
    patch: Parsed,
    where: str,
    namespace: str,
) -> _Choice:
    if target is None:
        documents = patch.documents if isinstance(patch, MergePatch) else []
        return _Choice(
            hits=[
                [_identify(resources, document, f"{where}.patch", namespace)]
                for document in documents
            ]
        )
    hits = select(resources, target, f"{where}.target", namespace)
    if is_empty(target):
        warning = advice.everything_selected(f"{where}.target", len(hits))
    elif not hits:
        warning = advice.nothing_selected(resources, target, f"{where}.target", namespace)
    else:
        return _Choice(hits=[hits])
    return _Choice(hits=[hits], warnings=(warning,))


def _identify(
    resources: Sequence[Resource], document: Manifest, where: str, namespace: str
) -> Resource:
    """The one object that a document names itself."""
    hits = identified_by(resources, document, namespace)
    name = f"{document['kind']} {document['metadata']['name']}"
    if len(hits) > 1:
        raise BuildError(
            f"{where} names {name}, and {len(hits)} objects go by that name; use a target"
        )
    if hits:
        return hits[0]
    other = document["metadata"].get("namespace")
    if other and same_named(resources, document):
        place = f", but {namespace}" if namespace else ""
        raise BuildError(
            f"{where} names {name} in the namespace {other}; its namespace is not {other}{place}"
        )
    raise BuildError(f"{where} names {name}, which is not among the built objects")


def _apply(resources: list[Resource], choice: _Choice, patch: Parsed, where: str) -> list[Resource]:
    """Apply a patch to what it is for; the objects that are left."""
    if isinstance(patch, JsonPatch):
        _apply_operations(resources, choice.hits[0], patch, where)
        return resources
    gone = {
        id(item)
        for document, hits in zip(patch.documents, choice.hits, strict=True)
        for item in hits
        if not _merge_into(item, document, where)
    }
    return [item for item in resources if id(item) not in gone]


def _apply_operations(
    resources: Sequence[Resource], hits: Sequence[Resource], patch: JsonPatch, where: str
) -> None:
    for item in hits:
        before = NamespacedName(name=item.name, namespace=item.namespace)
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
