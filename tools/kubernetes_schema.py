# SPDX-License-Identifier: Apache-2.0
"""Write down the schemas of the built-in kinds, from what a real API server publishes.

Only the kinds that a distribution holds, without descriptions; a field that several objects have is
there once. `python -m tools.kubernetes_schema` starts the API server of the tests and writes the
file; an integration test compares it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).resolve().parents[1] / "fluxsm/build/validation/kubernetes.py"

_GROUPS: Final = ("api/v1", "apis/apps/v1", "apis/networking.k8s.io/v1",
                  "apis/rbac.authorization.k8s.io/v1")  # fmt: skip
_KINDS: Final = frozenset({
    "ClusterRole", "ClusterRoleBinding", "Deployment", "Namespace", "NetworkPolicy",
    "PersistentVolumeClaim", "ResourceQuota", "Role", "RoleBinding", "Service", "ServiceAccount",
})  # fmt: skip
_KEPT: Final = ("enum", "required", "type")
_LIST: Final = ("x-kubernetes-list-type", "x-kubernetes-list-map-keys")
_EITHER: Final = "x-kubernetes-int-or-string"
_QUANTITY: Final = "Quantity"
# The server sets it, and what a patch writes there is dropped.
_OPEN: Final[Mapping[str, Any]] = {"x-kubernetes-preserve-unknown-fields": True}
_DROPPED: Final = frozenset({"managedFields", "status"})


def condense(get: Callable[[str], Any]) -> dict[str, Any]:
    """The schemas as the file has them: `version`, `kinds` by group and kind, and `shared`.

    Args:
        get: reads a JSON document of the API server by its path.
    """
    version = get("/version")
    known: dict[str, Any] = {}
    kinds: dict[str, str] = {}
    for group in _GROUPS:
        found = get(f"/openapi/v3/{group}")["components"]["schemas"]
        known |= {_short(name): schema for name, schema in found.items()}
        kinds |= {f"{item['group']}/{item['kind']}": _short(name) for name, item in _kinds(found)}
    wanted, shared = sorted(set(kinds.values())), dict[str, Any]()
    while wanted:
        name = wanted.pop()
        if name not in shared:
            shared[name] = _schema(name, known[name])
            wanted += [ref for ref in _references(shared[name]) if ref not in shared]
    return {
        "version": f"{version['major']}.{version['minor']}",
        "kinds": {key: kinds[key] for key in sorted(kinds)},
        "shared": {name: shared[name] for name in sorted(shared)},
    }


def _short(name: str) -> str:
    """The last part of a name; no two of these groups share one."""
    return name.rpartition(".")[2]


def _kinds(schemas: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, str]]]:
    for name, schema in schemas.items():
        for item in schema.get("x-kubernetes-group-version-kind") or ():
            if item["kind"] in _KINDS and item["version"] == "v1":
                yield name, item


def _schema(name: str, schema: Mapping[str, Any]) -> Any:
    """One shared schema; the form of a quantity is no matter of types."""
    if name == _QUANTITY:
        return {}
    if schema.get("format") == "int-or-string":
        return {_EITHER: True}
    return _part(schema)


def _part(schema: Mapping[str, Any]) -> Any:
    for choice in schema.get("allOf") or ():
        return _part(choice)
    if "$ref" in schema:
        return {"$ref": _short(schema["$ref"])}
    found: dict[str, Any] = {key: schema[key] for key in _KEPT if key in schema}
    if schema.get("format") in {"int32", "int64"}:
        found["format"] = schema["format"]
    if schema.get("x-kubernetes-list-type") in {"set", "map"}:
        found |= {key: schema[key] for key in _LIST if key in schema}
    properties = schema.get("properties") or {}
    if properties:
        found["properties"] = {
            key: dict(_OPEN) if key in _DROPPED else _part(value)
            for key, value in sorted(properties.items())
        }
    for key in ("items", "additionalProperties"):
        if key in schema:
            found[key] = _part(schema[key])
    return found


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from _references(item)
    elif isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref":
                yield value
            else:
                yield from _references(value)


_HEAD: Final = '''\
# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501
"""The schemas of built-in kinds as Kubernetes publishes them; tools/kubernetes_schema.py writes it.

A text and not a file beside the module: what builds reads no files. It is read when it is needed.
"""

from __future__ import annotations

from typing import Final

'''


def write(schemas: Mapping[str, Any]) -> str:
    """The text of the module: one line for each shared schema, so that a change can be read."""
    lines = [
        f" {json.dumps(name)}: {json.dumps(schema, sort_keys=True, separators=(',', ':'))}"
        for name, schema in schemas["shared"].items()
    ]
    kinds = json.dumps(schemas["kinds"], separators=(",", ":"))
    head = f'{{"version": {json.dumps(schemas["version"])},\n"kinds": {kinds},\n"shared": {{\n'
    text = head + ",\n".join(lines) + "\n}}\n"
    return f'{_HEAD}TEXT: Final = """\\\n{text}"""\n'


def main() -> None:
    """Write the file."""
    from tests.controlplane.cluster import Cluster  # noqa: PLC0415 only here

    with Cluster(controllers=False) as cluster:
        text = write(condense(lambda path: cluster.request("GET", path)))
    FILE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
