# SPDX-License-Identifier: Apache-2.0
"""JSON 6902 patches by the jsonpatch library, with the liberties that kustomize takes.

Each operation is first brought into the strict form against the object as it is at that moment
(negative indexes counted, a replace of a missing key made an add), then handed to the library.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import jsonpatch
import jsonpointer

from fluxsm.api.objects import Manifest
from fluxsm.build.validation.finding import show
from fluxsm.errors import BuildError

_INDEX: Final = re.compile(r"[-+]?[0-9]{1,18}")
_OPERATIONS: Final = ("add", "remove", "replace", "move", "copy", "test")


class _OperationError(Exception):
    """An operation cannot be applied; the message says why."""


def apply(manifest: Manifest, operations: Sequence[Any], where: str) -> Manifest:
    """The object after all operations.

    While they run, the object has a map of annotations, so that `add` below it works.

    Args:
        manifest: the object; not changed.
        operations: as the user wrote them.
        where: path of the patch, for messages.

    Raises:
        BuildError: naming the operation that failed, the object and the reason.
    """
    document: Any = copy.deepcopy(manifest)
    if document["metadata"].get("annotations") is None:
        document["metadata"]["annotations"] = {}
    for operation in operations:
        try:
            document = _apply_one(document, operation)
        except (
            _OperationError,
            jsonpatch.JsonPatchException,
            jsonpointer.JsonPointerException,
        ) as error:
            name = f"{manifest['kind']} {manifest['metadata']['name']}"
            reason = str(error) if isinstance(error, _OperationError) else "it is not there"
            raise BuildError(f"{where}: {_show(operation)} on {name}: {reason}") from None
    if not isinstance(document, dict):
        raise BuildError(f"{where} replaces the whole object by something that is no object")
    metadata = document.get("metadata")
    if isinstance(metadata, dict) and metadata.get("annotations") == {}:
        del metadata["annotations"]
    return document


def _show(operation: Any) -> str:
    if not isinstance(operation, dict):
        return show(operation)
    op, path = operation.get("op"), operation.get("path")
    return f"{op if isinstance(op, str) else show(op)} {show(path)}"


def _apply_one(document: Any, operation: Any) -> Any:
    if not isinstance(operation, dict):
        raise _OperationError("an operation is a map with op and path")
    op = operation.get("op")
    if op not in _OPERATIONS:
        raise _OperationError(f"op is {show(op)}; allowed are {', '.join(_OPERATIONS)}")
    if op == "test":
        _test(document, operation)
        return document
    if op == "move":
        return _move(document, operation)
    return jsonpatch.JsonPatch([_strict(document, op, operation)]).apply(document, in_place=True)


def _move(document: Any, operation: Mapping[str, Any]) -> Any:
    """Take a value out, then put it in: its new place counts in what is left."""
    tokens, target = _tokens(operation, "from"), _tokens(operation, "path")
    if tokens == target[: len(tokens)] and tokens != target:
        raise _OperationError("an object cannot be moved into itself")
    value = _child(_parent(document, tokens), tokens[-1], tokens) if tokens else document
    left = _apply_one(document, {"op": "remove", "path": operation["from"]})
    return _apply_one(left, {"op": "add", "path": operation.get("path"), "value": value})


def _strict(document: Any, op: str, operation: Mapping[str, Any]) -> dict[str, Any]:
    """The operation as the standard wants it."""
    tokens = _tokens(operation, "path")
    if not tokens:
        if op != "replace":
            raise _OperationError("only replace and test may have an empty path")
        return {"op": "replace", "path": "", "value": operation.get("value")}
    path = _resolve(document, tokens, adding=op in {"add", "copy"})
    match op:
        case "add":
            return {"op": "add", "path": path, "value": operation.get("value")}
        case "replace":
            holder = _parent(document, tokens)
            missing = isinstance(holder, dict) and tokens[-1] not in holder
            return {
                "op": "add" if missing else "replace",
                "path": path,
                "value": operation.get("value"),
            }
        case "remove":
            return {"op": "remove", "path": path}
        case _:
            source = _resolve(document, _tokens(operation, "from"), adding=False)
            return {"op": op, "from": source, "path": path}


def _tokens(operation: Mapping[str, Any], key: str) -> list[str]:
    text = operation.get(key)
    if not isinstance(text, str):
        raise _OperationError(f"{key} is missing")
    if text and not text.startswith("/"):
        raise _OperationError(f"{key} {show(text)} does not start with /")
    return [token.replace("~1", "/").replace("~0", "~") for token in text.split("/")[1:]]


def _parent(document: Any, tokens: Sequence[str]) -> Any:
    """What holds the last token."""
    value = document
    for depth, token in enumerate(tokens[:-1]):
        value = _child(value, token, tokens[: depth + 1])
    if not isinstance(value, dict | list):
        raise _OperationError(f"/{'/'.join(tokens[:-1])} is neither a map nor a list")
    return value


def _child(holder: Any, token: str, way: Sequence[str]) -> Any:
    if isinstance(holder, dict) and token in holder:
        return holder[token]
    if isinstance(holder, list):
        return holder[_index(holder, token, adding=False)]
    raise _OperationError(f"there is no /{'/'.join(way)}")


def _resolve(document: Any, tokens: Sequence[str], *, adding: bool) -> str:
    """A path with plain indexes, whose parent exists."""
    if not tokens:
        raise _OperationError("the path is empty")
    resolved: list[str] = []
    value = document
    for depth, token in enumerate(tokens):
        last = depth == len(tokens) - 1
        if isinstance(value, list):
            index = _index(value, token, adding=adding and last)
            resolved.append(str(index))
        elif isinstance(value, dict):
            resolved.append(token)
        else:
            raise _OperationError(f"/{'/'.join(tokens[:depth])} is neither a map nor a list")
        if not last:
            value = _child(value, resolved[-1], tokens[: depth + 1])
    return "".join(f"/{token.replace('~', '~0').replace('/', '~1')}" for token in resolved)


def _index(holder: Sequence[Any], token: str, *, adding: bool) -> int:
    """A list index; negative ones count from the end, `-` is the place after it."""
    size = len(holder)
    if token == "-":  # noqa: S105 a token of a path
        if adding:
            return size
        raise _OperationError("- stands for the place after the last element; nothing is there")
    if not _INDEX.fullmatch(token):
        raise _OperationError(
            f"{show(token)} is not a list index; elements cannot be addressed by name"
        )
    index = int(token)
    places = size + 1 if adding else size
    index = index + places if index < 0 else index
    if not 0 <= index < places:
        raise _OperationError(f"index {token} is outside of a list with {size} elements")
    return index


def _test(document: Any, operation: Mapping[str, Any]) -> None:
    """Compare; a missing key of a map equals null."""
    tokens = _tokens(operation, "path")
    value = document
    if tokens:
        holder = _parent(document, tokens)
        if isinstance(holder, dict):
            value = holder.get(tokens[-1])
        else:
            value = holder[_index(holder, tokens[-1], adding=False)]
    wanted = operation.get("value")
    if not _equal(value, wanted):
        raise _OperationError(f"the test fails: the value is {show(value)}, not {show(wanted)}")


def _equal(first: Any, second: Any) -> bool:
    """Deep equality in which true is not 1."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(
            _equal(value, second[key]) for key, value in first.items()
        )
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(
            _equal(one, other) for one, other in zip(first, second, strict=True)
        )
    return bool(first == second)
