# SPDX-License-Identifier: Apache-2.0
"""Small objects of several kinds."""

from __future__ import annotations

from typing import Any

from fluxsm.api.objects import Kind, Manifest, ObjectRef

CONFIG_MAP = Kind("", "v1", "ConfigMap")
DEPLOYMENT = Kind("apps", "v1", "Deployment")
CRD = Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")


def config_map(namespace: str, name: str = "c", **fields: Any) -> Manifest:
    """A ConfigMap."""
    metadata = {"name": name, "namespace": namespace, **fields.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **fields}


def deployment(namespace: str, name: str = "d", *, image: str = "app:1", **pod: Any) -> Manifest:
    """A Deployment of one container with a port, a variable and an argument."""
    container = {
        "name": "manager",
        "image": image,
        "args": ["--one"],
        "env": [{"name": "A", "value": "1"}],
        "ports": [{"containerPort": 8080, "name": "http"}],
        "resources": {"limits": {"memory": "64Mi"}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": {"team": "a"}},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "containers": [container],
                    "volumes": [{"name": "data", "emptyDir": {}}],
                    **pod,
                },
            },
        },
    }


def service(namespace: str) -> Manifest:
    """A Service with two ports."""
    ports = [
        {"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"},
        {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53},
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s", "namespace": namespace},
        "spec": {"type": "ClusterIP", "selector": {"app": "d"}, "ports": ports},
    }


def network_policy(namespace: str) -> Manifest:
    """A NetworkPolicy."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "n", "namespace": namespace},
        "spec": {
            "podSelector": {"matchLabels": {"app": "d"}},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [{"port": 8080, "protocol": "TCP"}]}],
        },
    }


def crd(group: str, *, versions: tuple[str, ...] = ("v1",), storage: str = "v1") -> Manifest:
    """The CRD of Widgets; their status is a subresource and their schema is open."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": CRD.api_version,
        "kind": CRD.kind,
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {
                "kind": "Widget", "listKind": "WidgetList", "plural": "widgets",
                "singular": "widget",
            },
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "storage": version == storage,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                }
                for version in versions
            ],
        },
    }  # fmt: skip


def widget(group: str, namespace: str, *, version: str = "v1", **spec: Any) -> Manifest:
    """A Widget."""
    return {
        "apiVersion": f"{group}/{version}",
        "kind": "Widget",
        "metadata": {"name": "w", "namespace": namespace},
        "spec": spec,
    }


def ref_of(manifest: Manifest) -> ObjectRef:
    """The reference of an object."""
    return ObjectRef.of(manifest)
