# SPDX-License-Identifier: Apache-2.0
"""Strategic merge: maps key by key, some lists element by element, everything else replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fluxsm.api.objects import Kind, Manifest
from fluxsm.build.patches.scalar import is_scalar_text, to_text
from fluxsm.build.patches.schema import Keyed, ScalarSet, Schema, schema_of
from fluxsm.build.validation.finding import show
from fluxsm.errors import BuildError

_DIRECTIVE: Final = "$patch"
_UNSUPPORTED: Final = ("$setElementOrder/", "$retainKeys", "$deleteFromPrimitiveList/")


class _Delete:
    """Stands for "leave it out" in the result of a merge."""


_DELETE: Final = _Delete()


def merge_object(manifest: Manifest, patch: Mapping[str, Any], where: str) -> Manifest | None:
    """Merge a patch into an object.

    Args:
        manifest: the object; not changed.
        patch: the patch, without the fields that identify an object.
        where: path of the patch, for messages.

    Returns:
        The merged object, None when the patch deletes it.

    Raises:
        BuildError: a directive is unknown, or a value has another shape than the object's.
    """
    if patch.get(_DIRECTIVE) == "replace":
        raise BuildError(
            f"{where}: $patch: replace cannot replace a whole object; put it into a field"
        )
    merged = _merge_map(manifest, patch, schema_of(Kind.of(manifest)), where)
    return None if isinstance(merged, _Delete) else merged


def _merge_map(
    original: Mapping[str, Any], patch: Mapping[str, Any], schema: Schema, where: str
) -> dict[str, Any] | _Delete:
    match _directive(patch, where):
        case "delete":
            return _DELETE
        case "replace":
            original = {}
    merged = dict(original)
    for key, value in patch.items():
        if key == _DIRECTIVE:
            continue
        if key.startswith(_UNSUPPORTED):
            raise BuildError(f"{where}: {key} is not supported; allowed is {_DIRECTIVE}")
        result = _merge_value(merged.get(key), value, schema.get(key, {}), f"{where}: {key}")
        if value is None or isinstance(result, _Delete):
            merged.pop(key, None)
        else:
            merged[key] = result
    return merged


def _directive(patch: Mapping[str, Any], where: str) -> str:
    found = patch.get(_DIRECTIVE, "merge")
    if found not in ("delete", "replace", "merge"):
        raise BuildError(f"{where}: $patch is {show(found)}; allowed are delete, replace and merge")
    return str(found)


def _merge_value(original: Any, patch: Any, schema: Schema | Keyed | ScalarSet, where: str) -> Any:
    if original is not None and patch is not None and _shape(original) != _shape(patch):
        raise BuildError(
            f"{where} is {_shape(original)} in the object and {_shape(patch)} in the patch"
        )
    if isinstance(patch, dict):
        return _merge_map(
            original or {}, patch, schema if isinstance(schema, Mapping) else {}, where
        )
    if isinstance(patch, list):
        return _merge_list(original, patch, schema, where)
    if isinstance(original, str) and is_scalar_text(original):
        return to_text(patch)
    return patch


def _shape(value: Any) -> str:
    if isinstance(value, dict):
        return "a map"
    return "a list" if isinstance(value, list) else "a scalar"


def _merge_list(
    original: Sequence[Any] | None,
    patch: list[Any],
    schema: Schema | Keyed | ScalarSet,
    where: str,
) -> Any:
    match schema:
        case Keyed():
            return _merge_keyed(list(original or []), patch, schema, where)
        case ScalarSet():
            return _merge_set(original or [], patch)
        case _:
            _refuse_directives(patch, where)
            return patch


def _merge_set(original: Sequence[Any], patch: list[Any]) -> list[Any]:
    merged = list(original)
    merged += [item for item in patch if item not in merged]
    return merged


def _refuse_directives(value: Any, where: str) -> None:
    """In a list that is replaced as a whole, a directive would end up in the object."""
    if isinstance(value, dict):
        if _DIRECTIVE in value:
            raise BuildError(f"{where} is replaced as a whole, so $patch has no meaning in it")
        for child in value.values():
            _refuse_directives(child, where)
    elif isinstance(value, list):
        for child in value:
            _refuse_directives(child, where)


def _merge_keyed(
    original: list[Any], patch: list[Any], schema: Keyed, where: str
) -> list[Any] | _Delete:
    """Merge by element: patched elements come first, in the order of the patch."""
    alone = [item[_DIRECTIVE] for item in patch if _is_directive(item, where)]
    elements = [item for item in patch if not _is_directive(item, where)]
    if "delete" in alone:
        return _DELETE
    if "replace" in alone:
        original = []
    if not all(isinstance(item, dict) for item in original):
        raise BuildError(f"{where} has an element that is no map, so nothing merges with it")
    by_key = {_key(item, schema): item for item in original}
    changed: dict[tuple[str, ...], Any] = {}
    for element in elements:
        _check_element(element, schema, where)
        key = _key(element, schema)
        if key not in changed:
            changed[key] = _merge_element(by_key.get(key), element, schema, where)
    if _is_two_part(schema, [*original, *elements]):
        return _in_place(original, changed, schema)
    rest = [item for item in original if _key(item, schema) not in changed]
    return [*(item for item in changed.values() if item is not _DELETE), *rest]


def _is_directive(item: Any, where: str) -> bool:
    """Whether an element is a directive about the whole list."""
    alone = isinstance(item, dict) and set(item) == {_DIRECTIVE}
    if alone:
        _directive(item, where)
    return alone


def _check_element(element: Any, schema: Keyed, where: str) -> None:
    if not isinstance(element, dict) or element.get(schema.keys[0]) is None:
        raise BuildError(
            f"{where} merges by {schema.keys[0]}, but an element of the patch does not have it"
        )


def _key(item: Any, schema: Keyed) -> tuple[str, ...]:
    """The identity of an element; keys are compared as text."""
    first, *rest = schema.keys
    second = [str(item.get(key) or schema.default) for key in rest]
    return (str(item.get(first)), *second)


def _is_two_part(schema: Keyed, items: Sequence[Any]) -> bool:
    """Whether the second key counts; where no element has it, the list has one key."""
    return len(schema.keys) > 1 and any(item.get(schema.keys[1]) is not None for item in items)


def _merge_element(
    original: Mapping[str, Any] | None, element: Mapping[str, Any], schema: Keyed, where: str
) -> Any:
    name = f"{where}[{element[schema.keys[0]]}]"
    return _merge_map(original or {}, element, schema.item, name)


def _in_place(
    original: list[Any], changed: Mapping[tuple[str, ...], Any], schema: Keyed
) -> list[Any]:
    """With two keys, new elements come first and the others keep their places."""
    known = {_key(item, schema) for item in original}
    fresh = [item for key, item in changed.items() if key not in known and item is not _DELETE]
    kept = [changed.get(_key(item, schema), item) for item in original]
    return [*fresh, *(item for item in kept if item is not _DELETE)]
