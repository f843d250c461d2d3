# SPDX-License-Identifier: Apache-2.0
"""Find the FluxInstance in a file and check it as the API server would: schema, defaults, rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, Final

from fluxsm.api import names
from fluxsm.api.instance import FluxInstance, InvalidInstanceError, parse_instance
from fluxsm.api.objects import Manifest
from fluxsm.build import yaml
from fluxsm.build.validation import texts
from fluxsm.build.validation.finding import Finding, FindingsError, Path, show
from fluxsm.build.validation.structural import Schema, check, plain_data
from fluxsm.cli.documents import Document, File, read_file
from fluxsm.cli.failure import say
from fluxsm.cli.resources import manifests_folder
from fluxsm.errors import BuildError, UsageError

LISTED: Final = 8
"""As many other objects of a file are named."""

_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "distribution": ("version", "registry"),
    "sharding": ("shards",),
    "storage": ("class", "size"),
    "sync": ("kind", "url", "ref", "path"),
}
_TEXT: Final[Schema] = {"type": "string"}
_TEXTS: Final[Schema] = {"type": "object", "additionalProperties": _TEXT}
_TIME: Final[Schema] = {**_TEXT, "nullable": True}
_NUMBER: Final[Schema] = {"type": "integer", "format": "int64"}
_OPEN: Final[Schema] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_METADATA: Final[Schema] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {**_TEXT, "enum": [names.SINGLETON]},
        "generateName": _TEXT,
        "namespace": _TEXT,
        "resourceVersion": _TEXT,
        "selfLink": _TEXT,
        "uid": _TEXT,
        "creationTimestamp": _TIME,
        "deletionTimestamp": _TIME,
        "deletionGracePeriodSeconds": _NUMBER,
        "generation": _NUMBER,
        "labels": _TEXTS,
        "annotations": _TEXTS,
        "managedFields": {"type": "array", "items": _OPEN},
        "ownerReferences": {"type": "array", "items": _OPEN},
        "finalizers": {"type": "array", "items": _TEXT},
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceFile:
    """A file with one instance.

    Attributes:
        file: what was read.
        document: where the instance is in it.
        manifest: the instance as plain data, as it is written, without its status.
        instance: the same, with defaults.
    """

    file: File
    document: Document
    manifest: Manifest
    instance: FluxInstance

    @contextmanager
    def named(self) -> Iterator[None]:
        """Errors of a build inside name the file, and the line of the field."""
        try:
            yield
        except FindingsError as error:
            raise self.file.explain(error.lines, self.document) from None
        except BuildError as error:
            raise self.file.explain([str(error)], self.document) from None


def one_file(paths: Sequence[str]) -> str | None:
    """The file of `-f`, None where it is not given.

    Raises:
        UsageError: it is given more than once.
    """
    if len(paths) > 1:
        raise UsageError(
            f"--filename is given {len(paths)} times, and one file is taken; there is one"
            f" {names.INSTANCE_KIND} in a cluster"
        )
    return paths[0] if paths else None


def read_instance(path: str) -> InstanceFile:
    """The one instance in a file; other objects in it are named on standard error.

    Args:
        path: of the file; `-` is standard input.

    Raises:
        UsageError: there is no such file, or it has no instance that the API server would admit.
        BuildError: it is not YAML.
    """
    file = read_file(path)
    if not file.documents:
        raise UsageError(f"{file.name} is empty; a {names.INSTANCE_KIND} is expected")
    found = find_instance(file)
    if found is None and len(file.documents) == 1 and _may_be_one(file.documents[0].data):
        found = file.documents[0]
    if found is None:
        raise UsageError(f"{file.name} is {_other(file)}; a {names.INSTANCE_KIND} is expected")
    return check_instance(file, found)


def find_instance(file: File) -> Document | None:
    """The one instance among the objects of a file, None where there is none.

    Raises:
        UsageError: there are several.
    """
    found = [item for item in file.documents if _kind(item.data) == names.INSTANCE_KIND]
    if len(found) > 1:
        raise UsageError(
            f"{file.name} has {len(found)} objects of kind {names.INSTANCE_KIND}; there is one in"
            " a cluster, so put each into a file of its own"
        )
    return found[0] if found else None


def check_instance(file: File, document: Document) -> InstanceFile:
    """A document as an instance; other objects of the file are named on standard error.

    Raises:
        FileError: the API server would not admit it; each finding has its field and line.
    """
    findings = [str(finding) for finding in _check(document.data)]
    if findings:
        raise file.explain(findings, document)
    manifest: Manifest = plain_data(document.data)
    manifest.pop("status", None)
    try:
        instance = parse_instance(manifest)
    except InvalidInstanceError as error:
        raise file.explain([str(error)], document) from None
    others = [_name(item.data) for item in file.documents if item is not document]
    if others:
        more = f" and {len(others) - LISTED} more" if len(others) > LISTED else ""
        listed = ", ".join(others[:LISTED])
        say(f"• {file.name}: only the {names.INSTANCE_KIND} counts, not {listed}{more}")
    return InstanceFile(file=file, document=document, manifest=manifest, instance=instance)


def _check(data: Any) -> Iterator[Finding]:
    """What is wrong with a document, in no order."""
    if not isinstance(data, dict):
        yield Finding(path=(), text="is not an object")
        return
    yield from _check_type(data, "apiVersion", names.API_VERSION)
    yield from _check_type(data, "kind", names.INSTANCE_KIND)
    yield from _check_metadata(data.get("metadata"))
    if data.get("spec") is None:
        yield Finding(path=("spec",), text="is required")
    schema = {**_schema(), "x-kubernetes-validations": []}
    # The server drops a status that comes with the object, and the metadata has rules of its own.
    own = {key: value for key, value in data.items() if key not in {"metadata", "status"}}
    own |= {key: str(plain_data(own[key])) for key in ("apiVersion", "kind") if key in own}
    empty = list(_empty(plain_data(data)))
    for path in empty:
        yield Finding(path=path, text="is required, and it is empty")
    yield from (finding for finding in check(own, schema) if finding.path not in empty)


def _check_type(data: Mapping[str, Any], field: str, wanted: str) -> Iterator[Finding]:
    value = plain_data(data.get(field))
    if value in (None, ""):
        yield Finding(path=(field,), text=f"is required; write {field}: {wanted}")
    elif value != wanted:
        yield Finding(path=(field,), text=f"is {show(value)}; allowed: {wanted}")


def _check_metadata(metadata: Any) -> Iterator[Finding]:
    if not metadata and not isinstance(metadata, list):
        text = f"is required; write metadata: {{name: {names.SINGLETON}}}"
        yield Finding(path=("metadata",), text=text)
        return
    found = check(metadata, _METADATA, ("metadata",))
    for finding in found:
        named = finding.path == ("metadata", "name") and "allowed:" in finding.text
        only = f"the only accepted name for a {names.INSTANCE_KIND} is '{names.SINGLETON}'"
        text = f"{finding.text.partition(';')[0]}; {only}" if named else finding.text
        yield Finding(path=finding.path, text=text)
    if found or not isinstance(metadata, dict):
        return
    namespace = metadata.get("namespace")
    if namespace and (problem := texts.dns_label(namespace)):
        text = f"is {show(namespace)}, which {problem}"
        yield Finding(path=("metadata", "namespace"), text=text)
    yield from texts.check_labels(metadata.get("labels"), ("metadata", "labels"))
    yield from texts.check_annotations(metadata.get("annotations"), ("metadata", "annotations"))


def _empty(data: Mapping[str, Any]) -> Iterator[Path]:
    """Fields that the schema admits when they are empty, but without which nothing is built."""
    spec = data.get("spec")
    blocks = spec if isinstance(spec, dict) else {}
    for block, fields in _REQUIRED.items():
        part = blocks.get(block)
        if isinstance(part, dict):
            yield from (("spec", block, field) for field in fields if part.get(field) in ("", []))


@cache
def _schema() -> Schema:
    """The schema of the CRD, from the file that is generated from the models."""
    path = manifests_folder() / "crd" / "fluxinstances.yaml"
    (crd,) = yaml.load_mappings(path.read_bytes(), str(path))
    found: Schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


def _kind(data: Any) -> Any:
    return data.get("kind") if isinstance(data, dict) else None


def _may_be_one(data: Any) -> bool:
    """Whether an object without the right kind is meant to be an instance."""
    if not isinstance(data, dict):
        return False
    kind = data.get("kind")
    if not isinstance(kind, str) or not kind:
        return True
    close = get_close_matches(kind.lower(), [names.INSTANCE_KIND.lower()], cutoff=0.8)
    return bool(close) or str(data.get("apiVersion", "")).startswith(f"{names.GROUP}/")


def _other(file: File) -> str:
    """What a file has instead of an instance."""
    kinds = list(dict.fromkeys(str(_kind(item.data) or "") for item in file.documents))
    if not any(kinds):
        return "not an object"
    listed = ", ".join(kind for kind in kinds if kind)
    return f"an object of kind {listed}" if len(file.documents) == 1 else f"objects of {listed}"


def _name(data: Any) -> str:
    """An object as messages name it."""
    found = plain_data(data)
    if not isinstance(found, dict) or not found.get("kind"):
        return "something that is not an object"
    metadata = found.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"{found['kind']}/{name}" if name else str(found["kind"])
