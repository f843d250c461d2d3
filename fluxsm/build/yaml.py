# SPDX-License-Identifier: Apache-2.0
"""YAML as Kubernetes means it: JSON-like data, no dates, no aliases, no key twice.

PyYAML's C parser does the work. Aliases are refused, because a few hundred bytes of them can stand
for gigabytes, and manifests do not need them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import yaml

from fluxsm.api.objects import Manifest
from fluxsm.errors import BuildError

SIZE_LIMIT = 20 * 1024 * 1024
"""Bytes of YAML in one piece; the largest file of a Flux release has less than one MiB."""

DEPTH_LIMIT = 100
"""Levels of nesting; the schemas of the Flux CRDs have less than forty."""

_MAY_BE_ALIAS = re.compile(r"(?:^|[\s\[{,:?-])\*[\w]")

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BaseDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Loader(_Base):  # type: ignore[misc]
    """PyYAML's loader without dates, merge keys and repeated keys."""

    def construct_object_mapping(self, node: Any) -> dict[str, Any]:
        """A mapping whose keys are text, each of them once."""
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | bool) and key is not None:
                raise yaml.constructor.ConstructorError(
                    None, None, "a key is not a scalar", key_node.start_mark
                )
            name = key if isinstance(key, str) else str(key_node.value)
            if name in found:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {name!r} is there twice", key_node.start_mark
                )
            found[name] = self.construct_object(value_node, deep=True)
        return found


_Loader.yaml_implicit_resolvers = {
    first: [(tag, rule) for tag, rule in rules if not tag.endswith((":timestamp", ":merge"))]
    for first, rules in _Loader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor(
    "tag:yaml.org,2002:map", lambda loader, node: loader.construct_object_mapping(node)
)


def load_all(content: bytes | str, source: str) -> list[Any]:
    """Read every document; empty ones are left out.

    Args:
        content: the YAML.
        source: where it comes from, for messages.

    Raises:
        BuildError: it is not YAML, too large or nested too deeply, or has aliases or repeated keys.
    """
    if len(content) > SIZE_LIMIT:
        raise BuildError(
            f"{source} has {len(content) >> 20} MiB; the limit is {SIZE_LIMIT >> 20} MiB"
        )
    text = _decode(content, source)
    try:
        _refuse_aliases(text)
        found = [item for item in yaml.load_all(text, _Loader) if item is not None]
    except yaml.MarkedYAMLError as error:
        raise BuildError(f"{source} is not valid YAML: {_explain(error)}") from None
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise BuildError(f"{source} is not valid YAML: {reason}") from None
    except RecursionError:
        raise BuildError(f"{source} is nested too deeply") from None
    if _is_too_deep(found):
        raise BuildError(f"{source} is nested too deeply; the limit is {DEPTH_LIMIT} levels")
    return found


def _decode(content: bytes | str, source: str) -> str:
    if isinstance(content, str):
        return content
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BuildError(f"{source} is not UTF-8 text: byte {error.start} is wrong") from None


def _refuse_aliases(text: str) -> None:
    """Look for aliases without resolving them; a cheap look first, since most files have none."""
    if not _MAY_BE_ALIAS.search(text):
        return
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="aliases are not allowed",
                problem_mark=event.start_mark,  # type: ignore[arg-type]
            )


def _is_too_deep(value: Any) -> bool:
    """Whether data is nested deeper than the limit; without recursion, for the same reason."""
    level: list[Any] = [value]
    for _ in range(DEPTH_LIMIT):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True


def load_mappings(content: bytes | str, source: str) -> list[Manifest]:
    """Read every document, each of which must be a mapping.

    Raises:
        BuildError: as `load_all`, or a document is not a mapping.
    """
    documents = load_all(content, source)
    for number, document in enumerate(documents, start=1):
        if not isinstance(document, dict):
            raise BuildError(f"{source}: document {number} is not a mapping")
    return documents


def dump_all(documents: Iterable[Any]) -> str:
    """Write documents, each after a line of three dashes; keys sorted, lists not indented."""
    return yaml.dump_all(
        list(documents),
        Dumper=_BaseDumper,
        default_flow_style=False,
        explicit_start=True,
        sort_keys=True,
        width=2**31 - 1,
        allow_unicode=True,
    )


def _explain(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{where}{error.problem or error.context}"
