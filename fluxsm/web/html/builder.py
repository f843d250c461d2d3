# SPDX-License-Identifier: Apache-2.0
"""Write HTML so that text can only be text: what is not marked as HTML is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final, TypeAlias, Union


class Html(str):
    """A text that is HTML already. Only this file and the renderer of the picture make one."""

    __slots__ = ()


Content: TypeAlias = Union[str, "Html", Iterable["Content"], None]
"""What an element may have in it: text, HTML, nothing, or several of these."""

Attribute: TypeAlias = str | int | float | bool | None

_VOID: Final = frozenset({"input", "link", "meta", "br"})


def el(tag: str, /, *content: Content, **attributes: Attribute) -> Html:
    """An element.

    Args:
        tag: name of the element.
        content: what is in it; text is escaped.
        attributes: `_` stands for `-`, at the end it is dropped (`class_`). True has no value,
            False and None leave the attribute out.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if tag in _VOID:
        return Html(f"<{tag}{written}>")
    return Html(f"<{tag}{written}>{text(content)}</{tag}>")


def text(content: Content) -> Html:
    """Content as HTML."""
    if content is None:
        return Html()
    if isinstance(content, Html):
        return content
    if isinstance(content, str):
        return Html(escape(content, quote=False))
    return Html("".join(map(text, content)))


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
