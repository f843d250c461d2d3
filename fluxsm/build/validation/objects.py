# SPDX-License-Identifier: Apache-2.0
"""Rules that the API server has for objects of kinds that are built into Kubernetes.

Only what people write into patches is here, and only what the server surely refuses: fields and
rules that are not known here are left to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fluxsm.api.objects import Kind, Manifest
from fluxsm.build.validation import texts
from fluxsm.build.validation.finding import Finding, Named, Path, show
from fluxsm.build.validation.structural import Schema, check

_OPEN: Final = "x-kubernetes-preserve-unknown-fields"
_TEXT: Final[Schema] = {"type": "string"}
_FLAG: Final[Schema] = {"type": "boolean"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_TEXTS: Final[Schema] = {"type": "array", "items": _TEXT}
_TEXT_MAP: Final[Schema] = {"type": "object", "additionalProperties": _TEXT}
_PORT: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": 65535}
_ANY_PORT: Final[Schema] = {"x-kubernetes-int-or-string": True}


def _open(**properties: Schema) -> Schema:
    """A map of which some fields are known."""
    return {"type": "object", _OPEN: True, "properties": properties}


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


_QUANTITIES: Final[Schema] = {
    "type": "object",
    "additionalProperties": {"x-kubernetes-int-or-string": True},
}
_PROBE: Final[Schema] = _open(
    httpGet=_open(path=_TEXT, port=_ANY_PORT, scheme={**_TEXT, "enum": ["HTTP", "HTTPS"]}),
    tcpSocket=_open(port=_ANY_PORT),
    exec=_open(command=_TEXTS),
    initialDelaySeconds=_COUNT,
    periodSeconds=_COUNT,
    timeoutSeconds=_COUNT,
    failureThreshold=_COUNT,
    successThreshold=_COUNT,
)
_CONTAINER: Final[Schema] = _open(
    name=_TEXT,
    image=_TEXT,
    imagePullPolicy={**_TEXT, "enum": ["Always", "IfNotPresent", "Never"]},
    args=_TEXTS,
    command=_TEXTS,
    env=_list({**_open(name=_TEXT, value=_TEXT, valueFrom=_open()), "required": ["name"]}),
    ports=_list(_open(containerPort=_PORT, name=_TEXT, protocol=_TEXT)),
    resources=_open(limits=_QUANTITIES, requests=_QUANTITIES),
    volumeMounts=_list(
        {**_open(mountPath=_TEXT, name=_TEXT, readOnly=_FLAG), "required": ["mountPath", "name"]}
    ),
    livenessProbe=_PROBE,
    readinessProbe=_PROBE,
    startupProbe=_PROBE,
    securityContext=_open(
        allowPrivilegeEscalation=_FLAG,
        privileged=_FLAG,
        readOnlyRootFilesystem=_FLAG,
        runAsNonRoot=_FLAG,
        runAsUser=_COUNT,
        runAsGroup=_COUNT,
    ),
)
_POD: Final[Schema] = _open(
    containers=_list(_CONTAINER),
    initContainers=_list(_CONTAINER),
    volumes=_list({**_open(name=_TEXT), "required": ["name"]}),
    nodeSelector=_TEXT_MAP,
    serviceAccountName=_TEXT,
    priorityClassName=_TEXT,
    hostNetwork=_FLAG,
    terminationGracePeriodSeconds=_COUNT,
    imagePullSecrets=_list(_open(name=_TEXT)),
    tolerations=_list(
        _open(
            key=_TEXT,
            operator={**_TEXT, "enum": ["Exists", "Equal", "Lt", "Gt"]},
            value=_TEXT,
            effect={**_TEXT, "enum": ["NoSchedule", "PreferNoSchedule", "NoExecute", ""]},
            tolerationSeconds={"type": "integer"},
        )
    ),
)
_KINDS: Final[Mapping[tuple[str, str], Schema]] = {
    ("apps", "Deployment"): _open(
        spec=_open(
            replicas=_COUNT,
            paused=_FLAG,
            revisionHistoryLimit=_COUNT,
            progressDeadlineSeconds=_COUNT,
            minReadySeconds=_COUNT,
            strategy=_open(type={**_TEXT, "enum": ["Recreate", "RollingUpdate"]}),
            template=_open(spec=_POD),
        )
    ),
    ("", "Service"): _open(
        spec=_open(
            selector=_TEXT_MAP,
            type={**_TEXT, "enum": ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]},
            ports=_list({**_open(port=_PORT, name=_TEXT), "required": ["port"]}),
        )
    ),
    ("", "ServiceAccount"): _open(
        automountServiceAccountToken=_FLAG, imagePullSecrets=_list(_open(name=_TEXT))
    ),
    ("", "PersistentVolumeClaim"): _open(
        spec=_open(
            accessModes=_TEXTS,
            storageClassName=_TEXT,
            resources=_open(limits=_QUANTITIES, requests=_QUANTITIES),
        )
    ),
    ("", "ResourceQuota"): _open(spec=_open(hard=_QUANTITIES)),
}
# Kinds whose names may have capitals and colons, because they are segments of paths.
_FREE_NAMES: Final = frozenset({"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"})
_LABEL_NAMES: Final = frozenset({"Namespace", "Service"})


def check_object(manifest: Manifest) -> Iterator[Finding]:
    """What the API server would refuse in an object of the right shape."""
    kind = Kind.of(manifest)
    yield from _check_metadata(manifest, kind)
    schema = _KINDS.get((kind.group, kind.kind))
    if schema is None:
        return
    found = check(manifest, schema)
    yield from found
    spec = manifest.get("spec")
    if found or not isinstance(spec, dict):
        return
    yield from _check_quantities(spec.get("resources"), ("spec", "resources"))
    yield from _check_amounts(spec.get("hard"), ("spec", "hard"))
    if kind.kind == "Deployment":
        yield from _check_deployment(spec)


def _check_metadata(manifest: Manifest, kind: Kind) -> Iterator[Finding]:
    metadata = manifest["metadata"]
    name = str(metadata["name"])
    if kind.kind not in _FREE_NAMES:
        fits = texts.dns_label if kind.kind in _LABEL_NAMES else texts.dns_name
        if problem := fits(name):
            yield Finding(path=("metadata", "name"), text=f"is {show(name)}, which {problem}")
    yield from texts.check_labels(metadata.get("labels"), ("metadata", "labels"))
    yield from texts.check_annotations(metadata.get("annotations"), ("metadata", "annotations"))


def _check_deployment(spec: dict[str, Any]) -> Iterator[Finding]:
    template = spec.get("template") or {}
    path: Path = ("spec", "template")
    metadata = template.get("metadata") or {}
    labels = metadata.get("labels")
    yield from texts.check_labels(labels, (*path, "metadata", "labels"))
    yield from texts.check_annotations(
        metadata.get("annotations"), (*path, "metadata", "annotations")
    )
    selected = (spec.get("selector") or {}).get("matchLabels") or {}
    if not selected.items() <= (labels or {}).items():
        text = "does not match the labels of .spec.template.metadata.labels"
        yield Finding(path=("spec", "selector", "matchLabels"), text=text)
    yield from _check_pod(template.get("spec") or {}, (*path, "spec"))


def _check_pod(pod: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    volumes = [str(item.get("name")) for item in pod.get("volumes") or ()]
    containers = [*(pod.get("initContainers") or ()), *(pod.get("containers") or ())]
    yield from _twice(volumes, (*path, "volumes"))
    yield from _twice([str(item.get("name")) for item in containers], (*path, "containers"))
    for item in containers:
        where = (*path, "containers", Named(item.get("name")))
        yield from _check_quantities(item.get("resources"), (*where, "resources"))
        mounts = item.get("volumeMounts") or ()
        yield from _twice([str(mount["mountPath"]) for mount in mounts], (*where, "volumeMounts"))
        for mount in mounts:
            if mount["name"] not in volumes:
                text = f"name {show(mount['name'])}, which is not in .spec.template.spec.volumes"
                yield Finding(path=(*where, "volumeMounts"), text=text)


def _twice(names: list[str], path: Path) -> Iterator[Finding]:
    for name, count in Counter(names).items():
        if count > 1:
            yield Finding(path=path, text=f"have {show(name)} {count} times; once is allowed")


def _check_quantities(resources: Any, path: Path) -> Iterator[Finding]:
    for part in ("limits", "requests"):
        amounts = resources.get(part) if isinstance(resources, dict) else None
        yield from _check_amounts(amounts, (*path, part))


def _check_amounts(amounts: Any, path: Path) -> Iterator[Finding]:
    for name, value in (amounts or {}).items():
        example = "500m" if name == "cpu" else "512Mi"
        if problem := texts.quantity(str(value), example):
            yield Finding(path=(*path, name), text=f"is {show(value)}, which {problem}")
