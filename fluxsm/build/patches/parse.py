# SPDX-License-Identifier: Apache-2.0
"""Read the text of a patch: a list of operations, or documents to merge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from fluxsm.api.objects import Manifest
from fluxsm.build import yaml
from fluxsm.build.patches.scalar import resolve_plain
from fluxsm.build.validation.finding import show
from fluxsm.errors import BuildError

SIZE_LIMIT: Final = 1024 * 1024
"""Characters of a patch; etcd does not take a FluxInstance that is larger than this anyway."""

_FORMS: Final = (
    "a patch is a list of JSON 6902 operations, or a document with kind and metadata.name"
)


@dataclass(frozen=True, slots=True)
class JsonPatch:
    """Operations, in order."""

    operations: list[Any]


@dataclass(frozen=True, slots=True)
class MergePatch:
    """Documents, each with kind and metadata.name."""

    documents: list[Manifest]


Parsed: TypeAlias = JsonPatch | MergePatch


def parse_patch(text: str, where: str) -> Parsed:
    """Read a patch.

    Args:
        text: as the user wrote it.
        where: path of the field, for messages.

    Raises:
        BuildError: the text is neither form.
    """
    if len(text) > SIZE_LIMIT:
        raise BuildError(f"{where} has {len(text):,} characters; allowed are {SIZE_LIMIT:,}")
    stripped = text.strip()
    if not stripped:
        raise BuildError(f"{where} is empty; {_FORMS}")
    documents = yaml.load_all(stripped, where, plain=True)
    if not documents:
        raise BuildError(f"{where} has only comments; {_FORMS}")
    if isinstance(documents[0], list):
        if len(documents) > 1:
            raise BuildError(f"{where} has operations and further documents; write two patches")
        # The tools of the field read `yes` and `on` as booleans in this form, and only in it.
        return JsonPatch(yaml.load_all(stripped, where, words=True)[0])
    found = [resolve_plain(item, where) for document in documents for item in _flatten(document)]
    if not found:
        raise BuildError(f"{where} is a list without items; {_FORMS}")
    for document in found:
        _check_document(document, stripped, where)
    return MergePatch(found)


def _flatten(document: Any) -> list[Any]:
    """A list object stands for its items."""
    if isinstance(document, dict) and str(document.get("kind", "")).endswith("List"):
        items = document.get("items")
        if isinstance(items, list):
            return items
    return [document]


def _check_document(document: Any, text: str, where: str) -> None:
    metadata = document.get("metadata") if isinstance(document, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not (name and isinstance(name, str) and isinstance(document.get("kind"), str)):
        raise BuildError(f"{where} is neither form: {_FORMS}; it is {show(text)}")
