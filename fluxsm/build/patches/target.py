# SPDX-License-Identifier: Apache-2.0
"""Which objects a patch is for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from pydantic.alias_generators import to_snake

from fluxsm.api.instance import Target
from fluxsm.api.objects import Kind, Manifest
from fluxsm.build.patches.selector import Requirement, SelectorError, parse_selector
from fluxsm.build.resource import NamespacedName, Resource
from fluxsm.build.validation.finding import refuse, show

Criterion: TypeAlias = Callable[[Resource], bool]

PATTERN_LIMIT: Final = 1000
"""Characters of a regular expression; RE2 needs linear time, but also memory."""

FIELDS: Final = (
    "group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector",
)  # fmt: skip
"""Fields of a target."""

_REASONS: Final[Mapping[str, str]] = {
    "missing )": "a ( is not closed",
    "unexpected )": "a ) is not opened",
    "missing ]": "a [ is not closed",
    "no argument for repetition": "nothing stands before *, +, ? or {",
    "bad repetition": "a repetition such as * stands after another one",
    "invalid repetition size": "a repetition is too large",
    "invalid perl operator": "look-around is not supported",
    "invalid escape": "a character after \\ has no meaning, such as a back reference",
    "trailing \\": "it ends with \\",
    "invalid character class": "a range in [] goes backwards",
    "invalid UTF-8": "it is not text",
    "pattern too large": "it is too large",
    "invalid named capture": "the name of a group cannot be read",
}
_NO_NAMESPACE: Final = "default"
_CLUSTER_WIDE: Final = "_non_namespaceable_"


def select(
    resources: Sequence[Resource], target: Target, where: str, namespace: str = ""
) -> list[Resource]:
    """The objects for which all criteria of a target hold.

    Args:
        resources: the objects.
        target: the criteria.
        where: path of the target, for messages.
        namespace: that in which all objects will be, although most have none yet.

    Raises:
        FindingsError: a regular expression or a selector cannot be read.
    """
    matches = criteria(target, where, namespace)
    return [item for item in resources if all(match(item) for match in matches.values())]


def criteria(target: Target, where: str, namespace: str = "") -> dict[str, Criterion]:
    """What a target asks of an object, by field; fields that are not set or empty are left out.

    Raises:
        FindingsError: a regular expression or a selector cannot be read.
    """
    values = _values(namespace)
    found: dict[str, Criterion] = {}
    problems: list[str] = []
    for field in FIELDS:
        text = getattr(target, to_snake(field))
        if not text:
            continue
        try:
            match field:
                case "labelSelector":
                    found[field] = _selector(text, "labels")
                case "annotationSelector":
                    found[field] = _selector(text, "annotations")
                case _:
                    found[field] = _matcher(text, values[field])
        except ValueError as error:
            problems.append(f"{where}.{field} {error}")
    refuse(problems)
    return found


def is_empty(target: Target) -> bool:
    """Whether a target asks nothing, so that every object is selected."""
    return not any(getattr(target, to_snake(field)) for field in FIELDS)


def _values(namespace: str) -> dict[str, Callable[[Resource], Iterable[str]]]:
    """What of an object each field of a target is compared with."""

    def namespaces(item: Resource) -> tuple[str, ...]:
        """What stands for the original and the current namespace, and the one it will have."""
        if item.cluster_scoped:
            return (_CLUSTER_WIDE,)
        known = (item.original.namespace or _NO_NAMESPACE, item.namespace or _NO_NAMESPACE)
        return (*known, namespace) if namespace else known

    return {
        "group": lambda item: (item.group_kind.group,),
        "version": lambda item: (item.group_kind.version,),
        "kind": lambda item: (item.kind,),
        "name": lambda item: (item.original.name, item.name),
        "namespace": namespaces,
    }


def _matcher(pattern: str, values: Callable[[Resource], Iterable[str]]) -> Criterion:
    """A predicate: the whole of one of the values matches.

    Raises:
        ValueError: the pattern is not a regular expression.
    """
    if len(pattern) > PATTERN_LIMIT:
        raise ValueError(f"is longer than {PATTERN_LIMIT} characters")
    import re2  # noqa: PLC0415 only instances with patches need it

    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
        raise ValueError(
            f"{show(pattern)} is not a regular expression: {_explain(reason)}; an example is"
            " (helm|kustomize)-controller"
        ) from None
    return lambda item: any(compiled.fullmatch(value) is not None for value in values(item))


def _explain(reason: str) -> str:
    """What the library found, in words."""
    return next(
        (words for start, words in _REASONS.items() if reason.startswith(start)),
        "it cannot be read",
    )


def _selector(text: str, field: str) -> Criterion:
    """A predicate: the labels or annotations fit.

    Raises:
        ValueError: the text is not a selector.
    """
    try:
        requirements = parse_selector(text)
    except SelectorError as error:
        raise ValueError(f"{show(text)}: {error}") from None
    return lambda item: _fits(item.manifest["metadata"].get(field), requirements)


def _fits(values: Mapping[str, Any] | None, requirements: Sequence[Requirement]) -> bool:
    return all(requirement(values or {}) for requirement in requirements)


def identified_by(
    resources: Sequence[Resource], document: Manifest, namespace: str = ""
) -> list[Resource]:
    """The objects that a document names: by kind, and by a name that they have or had.

    The namespace of the document is that of the object, or the one in which all objects will be.
    A document without one also names an object that has that namespace already, where no other
    fits.

    Args:
        resources: the objects.
        document: with kind and `metadata.name`.
        namespace: that in which all objects will be, although most have none yet.
    """
    named = same_named(resources, document)
    wanted = str(document["metadata"].get("namespace") or _NO_NAMESPACE)
    hits = [item for item in named if _is_in(item, document, wanted)]
    if wanted == namespace:
        return named
    if hits or document["metadata"].get("namespace") or not namespace:
        return hits
    return [item for item in named if _is_in(item, document, namespace)]


def same_named(resources: Sequence[Resource], document: Manifest) -> list[Resource]:
    """The objects of the kind and name of a document, whatever their namespace."""
    kind = Kind.parse(str(document.get("apiVersion", "")), document["kind"])
    name = document["metadata"]["name"]
    return [
        item
        for item in resources
        if item.group_kind == kind and any(known.name == name for known in _identities(item))
    ]


def _is_in(item: Resource, document: Manifest, namespace: str) -> bool:
    return item.cluster_scoped or any(
        known.name == document["metadata"]["name"]
        and (known.namespace or _NO_NAMESPACE) == namespace
        for known in _identities(item)
    )


def _identities(item: Resource) -> list[NamespacedName]:
    current = NamespacedName(name=item.name, namespace=item.namespace)
    return [item.original, *item.former, current]
