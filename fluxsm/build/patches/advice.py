# SPDX-License-Identifier: Apache-2.0
"""What a patch probably does not mean, in words: it is applied all the same."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, Final

from fluxsm.api.instance import Target
from fluxsm.api.objects import Manifest
from fluxsm.build.patches.parse import JsonPatch, Parsed
from fluxsm.build.patches.target import criteria
from fluxsm.build.resource import Resource
from fluxsm.build.validation.finding import show

_LISTS: Final = ("args", "command")
_LIST_PATH: Final = re.compile(r"/spec/template/spec/containers/[^/]+/(args|command)")


def nothing_selected(
    resources: Sequence[Resource], target: Target, where: str, namespace: str
) -> str:
    """Why a target selects nothing.

    Args:
        resources: the objects.
        target: what selects none of them.
        where: path of the target.
        namespace: that in which all objects will be.
    """
    wanted = criteria(target, where, namespace)
    alone = [name for name, fits in wanted.items() if not any(map(fits, resources))]
    if not alone:
        fields = ", ".join(wanted)
        return f"{where} selects no object: there is none for which all of {fields} hold"
    field = alone[0]
    value = getattr(
        target,
        "label_selector"
        if field == "labelSelector"
        else ("annotation_selector" if field == "annotationSelector" else field),
    )
    rest = [
        item
        for item in resources
        if all(fits(item) for name, fits in wanted.items() if name != field)
    ]
    if field == "namespace":
        reason = f"all objects are in the namespace {namespace}, not in {show(value)}"
    else:
        reason = f"no object has the {field} {show(value)}{_near(field, value, rest)}"
    return f"{where} selects no object: {reason}"


def _near(field: str, value: str, resources: Sequence[Resource]) -> str:
    known = {item.kind if field == "kind" else item.name for item in resources}
    if field not in {"kind", "name"}:
        return ""
    by_lower = {name.lower(): name for name in sorted(known)}
    close = get_close_matches(value.lower(), by_lower, n=1, cutoff=0.6)
    return f" (did you mean {by_lower[close[0]]}?)" if close else ""


def everything_selected(where: str, count: int) -> str:
    """A target that asks nothing."""
    return (
        f"{where} is empty, so the patch goes to all {count} objects; name the ones that are meant"
        " by kind and name"
    )


def lists_replaced(
    patch: Parsed, before: Sequence[Manifest], after: Sequence[Manifest], where: str
) -> Iterator[str]:
    """Arguments that go because a patch replaces them as a whole.

    Args:
        patch: what was applied.
        before: objects as they were.
        after: the same objects as they are now.
        where: path of the patch.
    """
    if isinstance(patch, JsonPatch) and not any(map(_replaces_list, patch.operations)):
        return
    lost: dict[tuple[str, str], list[str]] = {}
    for old, new in zip(before, after, strict=True):
        for container, field in _shortened(old, new):
            lost.setdefault((container, field), []).append(str(new["metadata"]["name"]))
    for (container, field), names in lost.items():
        listed = ", ".join(sorted(names))
        yield (
            f"{where} replaces {field} of the container {container} as a whole in {listed};"
            f" to add one, use JSON 6902 with the path"
            f" /spec/template/spec/containers/0/{field}/-"
        )


def _replaces_list(operation: Any) -> bool:
    if not isinstance(operation, dict) or operation.get("op") not in {"add", "replace"}:
        return False
    return _LIST_PATH.fullmatch(str(operation.get("path"))) is not None


def _shortened(old: Manifest, new: Manifest) -> Iterator[tuple[str, str]]:
    """Containers and their lists that lost something."""
    now = {item.get("name"): item for item in _containers(new)}
    for item in _containers(old):
        left = now.get(item.get("name"))
        for field in _LISTS if left is not None else ():
            kept = (left or {}).get(field) or []
            if any(text not in kept for text in item.get(field) or []):
                yield str(item.get("name")), field


def _containers(manifest: Manifest) -> list[dict[str, Any]]:
    if manifest["kind"] != "Deployment":
        return []
    template = (manifest.get("spec") or {}).get("template") or {}
    found: list[dict[str, Any]] = (template.get("spec") or {}).get("containers") or []
    return found
