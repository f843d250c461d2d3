# SPDX-License-Identifier: Apache-2.0
"""Which changes the API server would refuse, and what people should do about them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from fluxsm.api.objects import Kind, Manifest
from fluxsm.objects.immutable import amount, differences, is_known


def made(api_version: str, kind: str, **fields: Any) -> Manifest:
    """An object with some fields."""
    metadata = {"name": "one", "namespace": "apps"}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def claim(size: str = "1Gi", **spec: Any) -> Manifest:
    """A claim of some size."""
    requests = {"resources": {"requests": {"storage": size}}}
    return made("v1", "PersistentVolumeClaim", spec={**spec, **requests})


@pytest.mark.parametrize(
    ("live", "wanted", "said"),
    [
        pytest.param(
            claim(storageClassName="a", volumeName="chosen"),
            claim(storageClassName="b"),
            "spec.storageClassName (.spec.storage.class) is immutable:"
            " it is 'a' and should become 'b'",
            id="class",
        ),
        pytest.param(claim("2Gi"), claim("1Gi"), "(.spec.storage.size) cannot shrink", id="size"),
        pytest.param(
            made("apps/v1", "Deployment", spec={"selector": {"matchLabels": {"a": "b", "c": "d"}}}),
            made("apps/v1", "Deployment", spec={"selector": {"matchLabels": {"a": "b"}}}),
            'it is {"matchLabels":{"a":"b","c":"d"}} and should become {"matchLabels":{"a":"b"}}',
            id="selector",
        ),
        pytest.param(
            made("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", roleRef={"name": "a"}),
            made("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", roleRef={"name": "b"}),
            'roleRef is immutable: it is {"name":"a"} and should become {"name":"b"}',
            id="role",
        ),
        pytest.param(
            made("v1", "Service", spec={"clusterIP": "10.0.0.1"}),
            made("v1", "Service", spec={"clusterIP": "None"}),
            "`kubectl delete service one -n apps`",
            id="service",
        ),
        pytest.param(
            made("apiextensions.k8s.io/v1", "CustomResourceDefinition", spec={"scope": "Cluster"}),
            made("apiextensions.k8s.io/v1", "CustomResourceDefinition", spec={"scope": "Other"}),
            "delete the definition, which deletes all its objects",
            id="definition",
        ),
    ],
)
def test_a_change_that_is_refused(live: Manifest, wanted: Manifest, said: str) -> None:
    """The line names the object, the field, both values and the remedy."""
    (found,) = differences(wanted, live)
    assert said in str(found)
    assert str(found).startswith(f"{wanted['kind']}/apps/one: ")
    assert list(differences(live, live)) == []


@pytest.mark.parametrize(
    ("live", "wanted"),
    [
        pytest.param(claim("1Gi"), claim("1.5Gi"), id="a claim that grows"),
        pytest.param(claim("1Gi"), claim("1024Mi"), id="the same size"),
        pytest.param(claim(), claim(storageClassName="a"), id="a class that was not set"),
        pytest.param(
            made("v1", "Service", spec={"clusterIP": "10.0.0.1"}),
            made("v1", "Service", spec={}),
            id="an address that the server has chosen",
        ),
        pytest.param(
            made("apps/v1", "Deployment", spec={"replicas": 1}),
            made("apps/v1", "Deployment", spec={"replicas": 2}),
            id="a field that may change",
        ),
    ],
)
def test_a_change_that_is_let_through(live: Manifest, wanted: Manifest) -> None:
    """What only the server sets, and what may change, does not count."""
    assert list(differences(wanted, live)) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [("1Gi", 2**30), ("1.5G", 1_500_000_000), ("100m", "0.1"), ("2k", 2000), ("1e3", 1000)],
)
def test_quantities(text: str, number: Any) -> None:
    """They are compared as numbers."""
    assert amount(text) == Decimal(number)


def test_what_is_not_known_is_asked_about() -> None:
    """A ConfigMap may be immutable as a whole; the kinds of Flux have no such rule."""
    assert not is_known(Kind("", "v1", "ConfigMap"))
    assert not is_known(Kind("batch", "v1", "Job"))
    assert is_known(Kind("kustomize.toolkit.fluxcd.io", "v1", "Kustomization"))
    assert is_known(Kind("apps", "v1", "Deployment"))
