# SPDX-License-Identifier: Apache-2.0
"""Rules that the API server has for objects of kinds that are built into Kubernetes.

Only what the server surely refuses: a rule that is not known here is left to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fluxsm.api.objects import Kind, Manifest
from fluxsm.build.validation import texts
from fluxsm.build.validation.builtin import schema_of, version
from fluxsm.build.validation.finding import Finding, Path, did_you_mean, show
from fluxsm.build.validation.network import (
    check_network_policy,
    check_roles,
    check_selector,
    check_service,
)
from fluxsm.build.validation.pods import check_amounts, check_pod, check_resources
from fluxsm.build.validation.structural import check, with_defaults

# Kinds whose names may have capitals and colons, because they are segments of paths.
_FREE_NAMES: Final = frozenset({"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"})
_LABEL_NAMES: Final = frozenset({"Namespace", "Service"})
_PERCENT: Final = re.compile(r"[0-9]+%")
_MODES: Final = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")


def check_object(manifest: Manifest, *, unknown: bool = True) -> Iterator[Finding]:
    """What the API server would refuse in an object of the right shape.

    Args:
        manifest: the object.
        unknown: whether fields count that this version of the schemas does not have. Those of a
            distribution do not: it may be newer.
    """
    kind = Kind.of(manifest)
    yield from _check_metadata(manifest, kind)
    schema = schema_of(kind)
    if schema is None:
        return
    found = check(manifest, schema)
    wrong = [finding for finding in found if not finding.text.startswith("is not a field")]
    yield from map(_explain, found if unknown else wrong)
    if wrong:
        return
    yield from _check_rules(with_defaults(manifest, schema), kind)


def _explain(finding: Finding) -> Finding:
    """A field may be newer than what is known here."""
    if not finding.text.startswith("is not a field"):
        return finding
    rest = finding.text.removeprefix("is not a field")
    return Finding(path=finding.path, text=f"is not a field of Kubernetes {version()}{rest}")


def _check_rules(manifest: Manifest, kind: Kind) -> Iterator[Finding]:
    """What no schema says; the object has the right types, and no nulls."""
    spec = manifest.get("spec") or {}
    match kind.kind:
        case "Deployment":
            yield from _check_deployment(spec)
        case "Service":
            yield from check_service(spec)
        case "NetworkPolicy":
            yield from check_network_policy(spec)
        case "ClusterRole" | "Role":
            yield from check_roles(manifest)
        case "PersistentVolumeClaim":
            yield from _check_claim(spec)
        case "ResourceQuota":
            yield from check_amounts(spec.get("hard"), ("spec", "hard"))


def _check_metadata(manifest: Manifest, kind: Kind) -> Iterator[Finding]:
    metadata = manifest["metadata"]
    name = str(metadata["name"])
    if kind.kind not in _FREE_NAMES:
        fits = texts.dns_label if kind.kind in _LABEL_NAMES else texts.dns_name
        if problem := fits(name):
            yield Finding(path=("metadata", "name"), text=f"is {show(name)}, which {problem}")
    yield from texts.check_labels(metadata.get("labels"), ("metadata", "labels"))
    yield from texts.check_annotations(metadata.get("annotations"), ("metadata", "annotations"))


def _check_deployment(spec: Mapping[str, Any]) -> Iterator[Finding]:
    template = spec["template"]
    path: Path = ("spec", "template")
    metadata = template.get("metadata") or {}
    labels = metadata.get("labels") or {}
    yield from texts.check_labels(labels, (*path, "metadata", "labels"))
    yield from texts.check_annotations(
        metadata.get("annotations"), (*path, "metadata", "annotations")
    )
    yield from check_selector(spec["selector"], ("spec", "selector"))
    selected = spec["selector"].get("matchLabels") or {}
    if not selected.items() <= labels.items():
        text = "does not match the labels of .spec.template.metadata.labels"
        yield Finding(path=("spec", "selector", "matchLabels"), text=text)
    if not spec["selector"].get("matchExpressions") and not selected:
        yield Finding(path=("spec", "selector"), text="is empty")
    yield from _check_rolling((spec.get("strategy") or {}).get("rollingUpdate") or {})
    yield from check_pod(template.get("spec") or {}, (*path, "spec"))


def _check_rolling(rolling: Mapping[str, Any]) -> Iterator[Finding]:
    path = ("spec", "strategy", "rollingUpdate")
    for field in ("maxSurge", "maxUnavailable"):
        value = rolling.get(field)
        if isinstance(value, str) and not _PERCENT.fullmatch(value):
            text = f"is {show(value)}; allowed: a number such as 1, or a share such as 25%"
            yield Finding(path=(*path, field), text=text)
        elif isinstance(value, int) and value < 0:
            yield Finding(path=(*path, field), text=f"is {value}; allowed: 0 or more")
    if all(str(rolling.get(field)) in {"0", "0%"} for field in ("maxSurge", "maxUnavailable")):
        yield Finding(path=path, text="has nothing for maxSurge and maxUnavailable; one needs more")


def _check_claim(spec: Mapping[str, Any]) -> Iterator[Finding]:
    for place, mode in enumerate(spec.get("accessModes") or ()):
        if mode not in _MODES:
            text = f"is {show(mode)}; allowed: {', '.join(_MODES)}{did_you_mean(mode, _MODES)}"
            yield Finding(path=("spec", "accessModes", place), text=text)
    if not spec.get("accessModes"):
        yield Finding(path=("spec", "accessModes"), text="must have at least one item")
    if (name := spec.get("storageClassName")) and (problem := texts.dns_name(name)):
        text = f"is {show(name)}, which {problem}"
        yield Finding(path=("spec", "storageClassName"), text=text)
    yield from check_resources(spec.get("resources"), ("spec", "resources"))
