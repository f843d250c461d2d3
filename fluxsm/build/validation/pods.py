# SPDX-License-Identifier: Apache-2.0
"""Rules that the API server has for pods and are in no schema."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from fluxsm.build.validation import texts
from fluxsm.build.validation.finding import Finding, Named, Path, show

_HANDLERS: Final = ("exec", "grpc", "httpGet", "tcpSocket")
_PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")
_PORT_NAME: Final = re.compile(r"(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")
_PORT_NAME_LIMIT: Final = 15
_PORT_LIMIT: Final = 65535


def check_pod(pod: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    """What is wrong with the spec of a pod that fits its schema.

    Args:
        pod: without nulls.
        path: where it is.
    """
    volumes = [str(item["name"]) for item in pod.get("volumes") or ()]
    containers = [*(pod.get("initContainers") or ()), *(pod.get("containers") or ())]
    if not pod.get("containers"):
        yield Finding(path=(*path, "containers"), text="must have at least one item")
    yield from twice(volumes, (*path, "volumes"))
    yield from twice([str(item["name"]) for item in containers], (*path, "containers"))
    for name in volumes:
        yield from _name(name, texts.dns_label(name), (*path, "volumes", Named(name)))
    for field in ("initContainers", "containers"):
        for item in pod.get(field) or ():
            yield from _check_container(item, volumes, (*path, field, Named(item["name"])))
    yield from texts.check_labels(pod.get("nodeSelector"), (*path, "nodeSelector"))
    for field in ("serviceAccountName", "priorityClassName"):
        if given := pod.get(field):
            yield from _name(given, texts.dns_name(given), (*path, field))
    for place, item in enumerate(pod.get("tolerations") or ()):
        yield from _check_toleration(item, (*path, "tolerations", place))


def _check_container(
    container: Mapping[str, Any], volumes: Sequence[str], path: Path
) -> Iterator[Finding]:
    name = container["name"]
    yield from _name(name, texts.dns_label(name), path)
    if not container.get("image"):
        yield Finding(path=(*path, "image"), text="is required")
    for place, variable in enumerate(container.get("env") or ()):
        if not variable["name"]:
            yield Finding(path=(*path, "env", place, "name"), text="is empty")
        if variable.get("valueFrom") == {}:
            text = "is empty; it needs a source such as secretKeyRef or fieldRef"
            yield Finding(path=(*path, "env", place, "valueFrom"), text=text)
    yield from check_resources(container.get("resources"), (*path, "resources"))
    yield from _check_mounts(container.get("volumeMounts") or (), volumes, path)
    yield from _check_ports(container.get("ports") or (), (*path, "ports"))
    for field in _PROBES:
        if field in container:
            yield from _check_probe(container[field], (*path, field))
    security = container.get("securityContext") or {}
    if security.get("privileged") and security.get("allowPrivilegeEscalation") is False:
        text = "has privileged: true, which needs allowPrivilegeEscalation: true"
        yield Finding(path=(*path, "securityContext"), text=text)


def _check_mounts(
    mounts: Sequence[Mapping[str, Any]], volumes: Sequence[str], path: Path
) -> Iterator[Finding]:
    where = (*path, "volumeMounts")
    yield from twice([str(mount["mountPath"]) for mount in mounts], where)
    for place, mount in enumerate(mounts):
        if mount["name"] not in volumes:
            text = f"name {show(mount['name'])}, which is not in .spec.template.spec.volumes"
            yield Finding(path=where, text=text)
        if not mount["mountPath"]:
            yield Finding(path=(*where, place, "mountPath"), text="is empty")
        if ".." in str(mount.get("subPath") or "").split("/"):
            text = f"is {show(mount['subPath'])}; .. is not allowed in it"
            yield Finding(path=(*where, place, "subPath"), text=text)


def _check_ports(ports: Sequence[Mapping[str, Any]], path: Path) -> Iterator[Finding]:
    yield from twice([str(port["name"]) for port in ports if port.get("name")], path)
    for place, port in enumerate(ports):
        if port.get("name"):
            yield from check_port_name(port["name"], (*path, place, "name"))


def _check_probe(probe: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    handlers = [name for name in _HANDLERS if name in probe]
    if not handlers:
        yield Finding(path=path, text=f"needs one of {', '.join(_HANDLERS)}")
    for name in ("httpGet", "tcpSocket"):
        if name in probe:
            yield from check_port(probe[name]["port"], (*path, name, "port"))
    # Kubernetes: "Must be 1 for liveness and startup."
    if path[-1] != "readinessProbe" and probe.get("successThreshold", 1) > 1:
        text = f"is {show(probe['successThreshold'])}; allowed: 1"
        yield Finding(path=(*path, "successThreshold"), text=text)


def _check_toleration(item: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    if key := item.get("key"):
        yield from _name(key, texts.label_key(key), (*path, "key"))
    elif item.get("operator") != "Exists":
        yield Finding(path=path, text="has no key; then the operator must be Exists")
    if item.get("operator") == "Exists" and item.get("value"):
        yield Finding(path=(*path, "value"), text="must be empty when the operator is Exists")
    if "tolerationSeconds" in item and item.get("effect") != "NoExecute":
        text = "is only for the effect NoExecute"
        yield Finding(path=(*path, "tolerationSeconds"), text=text)


def check_port(port: str | int, path: Path) -> Iterator[Finding]:
    """What is wrong with a port that may be a number or a name."""
    if isinstance(port, str):
        yield from check_port_name(port, path)
    elif not 1 <= port <= _PORT_LIMIT:
        yield Finding(path=path, text=f"is {port}; allowed: 1 to {_PORT_LIMIT}")


def check_port_name(name: str, path: Path) -> Iterator[Finding]:
    """What is wrong with the name of a port (RFC 6335)."""
    if not (_PORT_NAME.fullmatch(name) and len(name) <= _PORT_NAME_LIMIT):
        number = f"; without quotes, {name} is a number" if name.isdecimal() else ""
        text = (
            f"is {show(name)}, which is not the name of a port (lower-case letters, digits and"
            f" single dashes, at least one letter, at most {_PORT_NAME_LIMIT} characters){number}"
        )
        yield Finding(path=path, text=text)


def twice(names: Sequence[str], path: Path) -> Iterator[Finding]:
    """Names that are there more than once."""
    for name, count in Counter(names).items():
        if count > 1:
            yield Finding(path=path, text=f"have {show(name)} {count} times; once is allowed")


def check_resources(resources: Any, path: Path) -> Iterator[Finding]:
    """What is wrong with requests and limits."""
    found: Mapping[str, Any] = resources or {}
    broken = False
    for part in ("limits", "requests"):
        for finding in check_amounts(found.get(part), (*path, part)):
            broken = True
            yield finding
    limits = found.get("limits") or {}
    for name, amount in (found.get("requests") or {}).items() if not broken else ():
        if name in limits and texts.amount(str(amount)) > texts.amount(str(limits[name])):
            text = f"is {show(amount)}, more than the limit of {show(limits[name])}"
            yield Finding(path=(*path, "requests", name), text=text)


def check_amounts(amounts: Any, path: Path) -> Iterator[Finding]:
    """What is wrong with quantities by name."""
    for name, value in (amounts or {}).items():
        example = "500m" if name == "cpu" else "512Mi"
        if isinstance(value, bool) or (problem := texts.quantity(str(value), example)):
            problem = f"is not a quantity such as {example}"
            yield Finding(path=(*path, name), text=f"is {show(value)}, which {problem}")
        elif str(value).startswith("-"):
            yield Finding(path=(*path, name), text=f"is {show(value)}; allowed: 0 or more")


def _name(name: str, problem: str, path: Path) -> Iterator[Finding]:
    if problem:
        yield Finding(path=path, text=f"is {show(name)}, which {problem}")
