# SPDX-License-Identifier: Apache-2.0
"""Rules that the API server has for Services, NetworkPolicies and roles and are in no schema."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fluxsm.build.validation import texts
from fluxsm.build.validation.finding import Finding, Path, show
from fluxsm.build.validation.pods import check_port, check_port_name, twice

_DIRECTIONS: Final = {"ingress": "from", "egress": "to"}
_TYPES: Final = ("Ingress", "Egress")


def check_service(spec: Mapping[str, Any]) -> Iterator[Finding]:
    """What is wrong with the spec of a Service."""
    path: Path = ("spec", "ports")
    ports = spec.get("ports") or []
    yield from texts.check_labels(spec.get("selector"), ("spec", "selector"))
    yield from twice([str(port["name"]) for port in ports if port.get("name")], path)
    yield from twice([f"{port['port']}/{port.get('protocol') or 'TCP'}" for port in ports], path)
    for place, port in enumerate(ports):
        if not port.get("name") and len(ports) > 1:
            text = "is required where there are several ports"
            yield Finding(path=(*path, place, "name"), text=text)
        elif port.get("name") and (problem := texts.dns_label(port["name"])):
            text = f"is {show(port['name'])}, which {problem}"
            yield Finding(path=(*path, place, "name"), text=text)
        if port.get("targetPort") not in (None, "", 0):
            yield from check_port(port["targetPort"], (*path, place, "targetPort"))


def check_network_policy(spec: Mapping[str, Any]) -> Iterator[Finding]:
    """What is wrong with the spec of a NetworkPolicy."""
    yield from check_selector(spec.get("podSelector"), ("spec", "podSelector"))
    for place, direction in enumerate(spec.get("policyTypes") or ()):
        if direction not in _TYPES:
            text = f"is {show(direction)}; allowed: {', '.join(_TYPES)}"
            yield Finding(path=("spec", "policyTypes", place), text=text)
    for field, peers in _DIRECTIONS.items():
        for place, rule in enumerate(spec.get(field) or ()):
            path = ("spec", field, place)
            for number, peer in enumerate(rule.get(peers) or ()):
                yield from _check_peer(peer, (*path, peers, number))
            for number, port in enumerate(rule.get("ports") or ()):
                yield from _check_policy_port(port, (*path, "ports", number))


def _check_peer(peer: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    selectors = [name for name in ("namespaceSelector", "podSelector") if name in peer]
    block = peer.get("ipBlock")
    if block is None and not selectors:
        yield Finding(path=path, text="needs ipBlock, namespaceSelector or podSelector")
    if block is not None and selectors:
        text = f"has ipBlock and {' and '.join(selectors)}; ipBlock stands alone"
        yield Finding(path=path, text=text)
    for name in selectors:
        yield from check_selector(peer[name], (*path, name))
    if block is not None:
        where = (*path, "ipBlock")
        yield from _check_range(block["cidr"], (*where, "cidr"))
        for place, other in enumerate(block.get("except") or ()):
            yield from _check_range(other, (*where, "except", place))


def _check_range(text: str, path: Path) -> Iterator[Finding]:
    if "/" not in text or not _is_network(text):
        yield Finding(path=path, text=f"is {show(text)}; allowed: a range such as 10.0.0.0/8")


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _check_policy_port(port: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    value, end = port.get("port"), port.get("endPort")
    if isinstance(value, str):
        yield from check_port_name(value, (*path, "port"))
    elif value is not None:
        yield from check_port(value, (*path, "port"))
    if end is not None and not isinstance(value, int):
        yield Finding(path=(*path, "endPort"), text="needs a port that is a number")
    elif end is not None and isinstance(value, int) and end < value:
        yield Finding(path=(*path, "endPort"), text=f"is {end}, less than the port {value}")


def check_selector(selector: Any, path: Path) -> Iterator[Finding]:
    """What is wrong with a selector of labels."""
    found: Mapping[str, Any] = selector or {}
    yield from texts.check_labels(found.get("matchLabels"), (*path, "matchLabels"))
    for place, item in enumerate(found.get("matchExpressions") or ()):
        where = (*path, "matchExpressions", place)
        operator, values = item["operator"], item.get("values")
        if problem := texts.label_key(item["key"]):
            yield Finding(path=(*where, "key"), text=f"is {show(item['key'])}, which {problem}")
        if operator not in {"In", "NotIn", "Exists", "DoesNotExist"}:
            text = f"is {show(operator)}; allowed: In, NotIn, Exists, DoesNotExist"
            yield Finding(path=(*where, "operator"), text=text)
        elif operator.endswith("In") and not values:
            yield Finding(path=(*where, "values"), text=f"are required for the operator {operator}")
        elif not operator.endswith("In") and values:
            text = f"must be empty for the operator {operator}"
            yield Finding(path=(*where, "values"), text=text)


def check_roles(manifest: Mapping[str, Any]) -> Iterator[Finding]:
    """What is wrong with the rules of a role."""
    for place, rule in enumerate(manifest.get("rules") or ()):
        path = ("rules", place)
        urls = rule.get("nonResourceURLs")
        if not rule["verbs"]:
            yield Finding(path=(*path, "verbs"), text="must have at least one item")
        if urls and (rule.get("resources") or rule.get("apiGroups")):
            yield Finding(path=path, text="has resources and nonResourceURLs; one is allowed")
        elif not urls:
            for field in ("apiGroups", "resources"):
                if not rule.get(field):
                    yield Finding(path=(*path, field), text="must have at least one item")
