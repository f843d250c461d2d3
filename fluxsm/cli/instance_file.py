# SPDX-License-Identifier: Apache-2.0
"""Read a FluxInstance from a file as the API server would: with its defaults and its rules."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from fluxsm.api import names
from fluxsm.api.instance import FluxInstance, InvalidInstanceError, parse_instance
from fluxsm.build import yaml
from fluxsm.errors import UsageError

STDIN = "-"

_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "distribution": ("version", "registry"),
    "sharding": ("shards",),
    "storage": ("class", "size"),
    "sync": ("kind", "url", "ref", "path"),
}


def read_instance(path: str) -> FluxInstance:
    """The instance in a file.

    Only the first document counts.

    Args:
        path: of the file; `-` is standard input.

    Raises:
        UsageError: there is no such file, or it has no instance that the API server would admit.
        BuildError: it is not YAML.
    """
    documents = read_documents(path)
    if not documents:
        raise UsageError(f"{show(path)} is empty; a FluxInstance is expected")
    return to_instance(documents[0], path)


def to_instance(document: Any, path: str) -> FluxInstance:
    """A document as an instance.

    Raises:
        UsageError: the API server would not admit it; the message names the field.
    """
    if not isinstance(document, dict) or document.get("kind", "") not in {"", names.INSTANCE_KIND}:
        kind = document.get("kind") if isinstance(document, dict) else None
        found = f"an object of kind {kind}" if kind else "not an object"
        raise UsageError(f"{show(path)} is {found}; a {names.INSTANCE_KIND} is expected")
    _check_required(document, path)
    try:
        instance = parse_instance(document)
    except InvalidInstanceError as error:
        raise UsageError(f"{show(path)}: {error}") from None
    if instance.metadata.name != names.SINGLETON:
        raise UsageError(
            f"{show(path)}: .metadata.name is {instance.metadata.name!r}; the only accepted name"
            f" for a {names.INSTANCE_KIND} is {names.SINGLETON!r}"
        )
    return instance


def _check_required(document: Mapping[str, Any], path: str) -> None:
    """Refuse empty fields that the schema admits, but without which nothing can be built."""
    spec = document.get("spec") or {}
    for block, fields in _REQUIRED.items():
        part = spec.get(block) if isinstance(spec, dict) else None
        if isinstance(part, dict):
            for field in fields:
                if part.get(field) in (None, "", []):
                    raise UsageError(f"{show(path)}: .spec.{block}.{field} is required")


def read_documents(path: str) -> list[Any]:
    """All documents of a YAML file that are not empty.

    Raises:
        UsageError: there is no such file, or it cannot be read.
        BuildError: it is not YAML.
    """
    return yaml.load_all(_read_bytes(path), show(path))


def _read_bytes(path: str) -> bytes:
    """The content, but no more than can be a manifest."""
    limit = yaml.SIZE_LIMIT + 1
    if path == STDIN:
        return sys.stdin.buffer.read(limit)
    try:
        with Path(path).open("rb") as file:
            return file.read(limit)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"invalid filename {path!r}, must point to an existing file: {reason}"
        ) from None


def show(path: str) -> str:
    """The path as messages name it."""
    return "standard input" if path == STDIN else path
