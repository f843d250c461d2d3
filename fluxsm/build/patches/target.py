# SPDX-License-Identifier: Apache-2.0
"""Which objects a patch is for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from fluxsm.api.instance import Target
from fluxsm.api.objects import Kind, Manifest
from fluxsm.build.patches.selector import Requirement, SelectorError, parse_selector
from fluxsm.build.resource import Identity, Resource
from fluxsm.errors import BuildError

PATTERN_LIMIT: Final = 1000
"""Characters of a regular expression; RE2 needs linear time, but also memory."""

_NO_NAMESPACE: Final = "default"
_CLUSTER_WIDE: Final = "_non_namespaceable_"


def select(resources: Sequence[Resource], target: Target, where: str) -> list[Resource]:
    """The objects for which all criteria of a target hold.

    Raises:
        BuildError: a regular expression or a selector cannot be read.
    """
    matches = _patterns(target, where)
    labels = _selector(target.label_selector, f"{where}.labelSelector")
    annotations = _selector(target.annotation_selector, f"{where}.annotationSelector")
    return [
        item
        for item in resources
        if all(match(item) for match in matches)
        and _fits(item.manifest["metadata"].get("labels"), labels)
        and _fits(item.manifest["metadata"].get("annotations"), annotations)
    ]


def _patterns(target: Target, where: str) -> list[Callable[[Resource], bool]]:
    texts: dict[str, tuple[str | None, Callable[[Resource], Iterable[str]]]] = {
        "group": (target.group, lambda item: (item.group_kind.group,)),
        "version": (target.version, lambda item: (item.group_kind.version,)),
        "kind": (target.kind, lambda item: (item.kind,)),
        "name": (target.name, lambda item: (item.original.name, item.name)),
        "namespace": (target.namespace, _namespaces),
    }
    return [
        _matcher(pattern, values, f"{where}.{field}")
        for field, (pattern, values) in texts.items()
        if pattern
    ]


def _namespaces(item: Resource) -> tuple[str, str]:
    """What stands for the original and the current namespace."""
    if item.cluster_scoped:
        return (_CLUSTER_WIDE, _CLUSTER_WIDE)
    return (item.original.namespace or _NO_NAMESPACE, item.namespace or _NO_NAMESPACE)


def _matcher(
    pattern: str, values: Callable[[Resource], Iterable[str]], where: str
) -> Callable[[Resource], bool]:
    """A predicate: the whole of one of the values matches."""
    if len(pattern) > PATTERN_LIMIT:
        raise BuildError(f"{where} is longer than {PATTERN_LIMIT} characters")
    import re2  # noqa: PLC0415 only instances with patches need it

    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(f"^(?:{pattern})$", options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
        raise BuildError(f"{where} {pattern!r} is not a regular expression: {reason}") from None
    return lambda item: any(compiled.search(value) is not None for value in values(item))


def _selector(text: str | None, where: str) -> list[Requirement]:
    try:
        return parse_selector(text or "")
    except SelectorError as error:
        raise BuildError(f"{where} {text!r}: {error}") from None


def _fits(values: Mapping[str, Any] | None, requirements: Sequence[Requirement]) -> bool:
    return all(requirement(values or {}) for requirement in requirements)


def identified_by(resources: Sequence[Resource], document: Manifest) -> list[Resource]:
    """The objects that a document names: by kind, and by a name that they have or had."""
    metadata = document["metadata"]
    kind = Kind.parse(str(document.get("apiVersion", "")), document["kind"])
    namespace = str(metadata.get("namespace") or _NO_NAMESPACE)
    return [
        item
        for item in resources
        if item.group_kind == kind
        and any(
            identity.name == metadata["name"]
            and (item.cluster_scoped or (identity.namespace or _NO_NAMESPACE) == namespace)
            for identity in _identities(item)
        )
    ]


def _identities(item: Resource) -> list[Identity]:
    current = Identity(name=item.name, namespace=item.namespace)
    return [item.original, *item.former, current]
