# SPDX-License-Identifier: Apache-2.0
"""Scalars that become text where only text is allowed."""

from __future__ import annotations

from typing import Any, Final

from fluxsm.build.yaml import Plain, read_scalar
from fluxsm.errors import BuildError

_OWN_TEXTS: Final = (("metadata", "labels"), ("metadata", "annotations"))
_TEXT_MAPS: Final = frozenset({"matchLabels", "nodeSelector"})


def to_text(value: Any) -> Any:
    """A scalar as text, written as YAML would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def is_scalar_text(text: str) -> bool:
    """Whether a text would be read as a number or a boolean if it were not quoted."""
    try:
        return isinstance(read_scalar(text), bool | int | float) if text else False
    except ValueError:
        return True


def resolve_plain(value: Any, where: str, path: tuple[str, ...] = ()) -> Any:
    """Data without `Plain`: text, as written, in maps of text; else the number or boolean.

    Maps of text are the labels and annotations of an object and of pod templates, and the
    selectors that compare labels. In templates a boolean is `true` or `false`, however it was
    written, because kustomize takes it for a boolean there.

    Args:
        value: what `yaml.load_all` gives with `plain`.
        where: path of the patch, for messages.
        path: the keys that lead to the value.

    Raises:
        BuildError: a number that JSON does not know stands where text is not required.
    """
    if isinstance(value, dict):
        return {key: resolve_plain(item, where, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve_plain(item, where, (*path, "")) for item in value]
    if not isinstance(value, Plain):
        return value
    holder = path[:-1]
    if holder in _OWN_TEXTS:
        return value.text
    if holder[-2:] in _OWN_TEXTS or (holder[-1:] and holder[-1] in _TEXT_MAPS):
        return to_text(value.value) if isinstance(value.value, bool) else value.text
    if value.value is None:
        raise BuildError(
            f"{where}, line {value.line}: {value.text} is not a number that an object can have"
        )
    return value.value
