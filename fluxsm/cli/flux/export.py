# SPDX-License-Identifier: Apache-2.0
"""`fluxsm export`: objects as they would be written into a file, without what a cluster adds."""

from __future__ import annotations

from typing import Any, Final

import click

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from fluxsm.cli import output as out
from fluxsm.cli import target as cluster_of
from fluxsm.cli.flux import kinds
from fluxsm.cli.target import Target

_KEPT: Final = ("name", "namespace", "labels", "annotations")
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


@click.command("resource", short_help="Print an object of Flux for a file.")
@kinds.argument
@out.option(out.YAML, out.JSON, default=out.YAML)
@cluster_of.options
def command(target: Target, words: tuple[str, ...], output: str) -> None:
    """Print an object of Flux as it would be written into a file.

    Without status, without the metadata that a cluster adds, and without the marks of whoever has
    applied it or asked for a run.
    """
    kind, name = kinds.parse(words)
    served = kinds.Served(target.connect())
    found = served.read(served.ref(kind, target.namespace, name))
    out.values(clean(found), output)


def clean(obj: Manifest) -> Manifest:
    """An object as it would be written into a file."""
    metadata: dict[str, Any] = {
        key: value for key, value in obj["metadata"].items() if key in _KEPT
    }
    for key, is_mark in (("labels", _is_owner), ("annotations", _is_request)):
        found = metadata.pop(key, None) or {}
        kept = {mark: text for mark, text in found.items() if not is_mark(mark)}
        if kept:
            metadata[key] = kept
    first = {"apiVersion": obj.get("apiVersion"), "kind": obj.get("kind"), "metadata": metadata}
    rest = {key: value for key, value in obj.items() if key not in {*first, "status"}}
    return {**first, **rest}


def _is_owner(label: str) -> bool:
    """Whether a label says which object of Flux has applied this one."""
    return "fluxcd." in label and label.endswith(("/name", "/namespace"))


def _is_request(annotation: str) -> bool:
    return annotation in {names.REQUESTED_AT, names.FORCE_AT, _LAST_APPLIED}
