# SPDX-License-Identifier: Apache-2.0
"""Faults hit the requests that they are meant for, as often and when they are meant to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fluxsm.api.objects import Kind, ObjectRef
from fluxsm.errors import (
    ArtifactError,
    ClusterError,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)
from fluxsm.simulation.api_server import ApiServer
from fluxsm.simulation.clock import VirtualClock
from fluxsm.simulation.faults import REASONS, Fault, missing_permission, refusal
from fluxsm.simulation.registry import Registry, starter

CONFIG_MAP, POD = Kind("", "v1", "ConfigMap"), Kind("", "v1", "Pod")
ONE = ObjectRef(CONFIG_MAP, "ns", "one")


def body(kind: Kind = CONFIG_MAP, name: str = "one", **more: Any) -> dict[str, Any]:
    """An object without content."""
    metadata = {"name": name, "namespace": "ns"}
    return {"apiVersion": "v1", "kind": kind.kind, "metadata": metadata, **more}


@pytest.fixture
def cluster() -> ApiServer:
    """An API server with a ConfigMap and a Pod."""
    found = ApiServer(VirtualClock())
    found.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns"}})
    found.create(body())
    found.create(body(POD))
    return found


def apply(cluster: ApiServer) -> None:
    """Apply an object; its error is raised."""
    (answer,) = cluster.apply_all([body(name="two")])
    if isinstance(answer, ClusterError):
        raise answer


CALLS: dict[str, Callable[[ApiServer], object]] = {
    "get": lambda cluster: cluster.get(ONE),
    "list": lambda cluster: cluster.list_page(CONFIG_MAP),
    "watch": lambda cluster: list(cluster.watch(CONFIG_MAP)),
    "discover": lambda cluster: cluster.serves(CONFIG_MAP),
    "create": lambda cluster: cluster.create(body(name="two")),
    "update": lambda cluster: cluster.replace(cluster.as_manager("x").get(ONE)),
    "patch": lambda cluster: cluster.patch(ONE, {"data": {"a": "1"}}),
    "status": lambda cluster: cluster.patch(
        ObjectRef(POD, "ns", "one"), {"status": {"phase": "Running"}}, subresource="status"
    ),
    "apply": apply,
    "delete": lambda cluster: cluster.delete(ONE),
}


@pytest.mark.parametrize("verb", CALLS)
def test_each_call_can_be_refused(cluster: ApiServer, verb: str) -> None:
    """For good, and no other call is; nothing is written; clear ends it."""
    cluster.gate.faults.append(refusal(verb, error=ForbiddenError))
    revision = cluster.store.revision
    for _ in range(3):
        with pytest.raises(ForbiddenError):
            CALLS[verb](cluster)
    assert cluster.store.revision == revision
    cluster.gate.clear()
    CALLS[verb](cluster)


@pytest.mark.parametrize("verb", CALLS)
def test_a_refusal_leaves_other_calls_alone(cluster: ApiServer, verb: str) -> None:
    """A patch of a status is not a patch of the rest, and the other way round."""
    cluster.gate.faults.append(refusal(verb))
    for name, call in CALLS.items():
        if name not in {verb, "create", "delete"}:
            call(cluster)


def test_kinds_are_refused_by_their_names(cluster: ApiServer) -> None:
    """Others are not."""
    cluster.gate.faults.append(refusal("list", kinds=["Pod"]))
    cluster.list_page(CONFIG_MAP)
    with pytest.raises(UnavailableError, match="list v1 Pod"):
        cluster.list_page(POD)


def test_a_refusal_may_end_by_itself(cluster: ApiServer) -> None:
    """So many are let through, so many fail, the rest is let through."""
    cluster.gate.faults.append(refusal("get", skip=1, times=2))
    outcomes = []
    for _ in range(4):
        try:
            cluster.get(ONE)
        except UnavailableError:
            outcomes.append("refused")
        else:
            outcomes.append("answered")
    assert outcomes == ["answered", "refused", "refused", "answered"]


def test_only_the_answer_may_be_lost(cluster: ApiServer) -> None:
    """What was asked for has happened."""
    cluster.gate.faults.append(refusal("delete", when="after", times=1))
    with pytest.raises(UnavailableError):
        cluster.delete(ONE)
    with pytest.raises(NotFoundError):
        cluster.get(ONE)


@pytest.mark.parametrize(
    "error",
    [
        ConflictError,
        NotFoundError,
        InvalidError,
        ForbiddenError,
        ExpiredError,
        UnavailableError,
    ],
)
def test_any_error_can_be_injected(cluster: ApiServer, error: type[ClusterError]) -> None:
    """With a message that says of which request and why, or the one that was asked for."""
    cluster.gate.faults.append(refusal("get", error=error, times=1))
    with pytest.raises(error, match=rf"get ConfigMap/ns/one \({REASONS[error]}\)"):
        cluster.get(ONE)
    cluster.gate.faults.append(refusal("get", error=error, message="no"))
    with pytest.raises(error, match=r"^no$"):
        cluster.get(ONE)


def test_a_missing_permission_is_said_as_rbac_says_it(cluster: ApiServer) -> None:
    """Who may not do what with which kind."""
    cluster.gate.faults.append(missing_permission("list", "watch", kinds=["Pod"]))
    words = r"\(Forbidden\): User \"system:.*\" cannot watch resource 'Pod' in API group \"\""
    with pytest.raises(ForbiddenError, match=words):
        list(cluster.watch(POD))
    cluster.get(ObjectRef(POD, "ns", "one"))


def test_the_error_of_a_fault_is_new_each_time(cluster: ApiServer) -> None:
    """Else its traceback would grow with every request."""
    cluster.gate.faults.append(Fault(error=UnavailableError("away"), times=None))
    caught = []
    for _ in range(2):
        with pytest.raises(UnavailableError, match="away") as error:
            cluster.get(ONE)
        caught.append(error.value)
    assert caught[0] is not caught[1]


def test_others_are_not_hit(cluster: ApiServer) -> None:
    """Faults are those of one client."""
    cluster.gate.faults.append(refusal())
    cluster.as_manager("somebody").get(ONE)


def test_a_kind_may_not_be_served_for_a_while(cluster: ApiServer) -> None:
    """Its objects are still there afterwards."""
    cluster.unserved.add("ConfigMap")
    assert not cluster.serves(CONFIG_MAP)
    for call in (CALLS["get"], CALLS["list"], CALLS["watch"], CALLS["patch"]):
        with pytest.raises(NotFoundError, match="does not serve v1 ConfigMap"):
            call(cluster)
    cluster.unserved.clear()
    assert cluster.get(ONE)


def test_a_registry_has_faults_of_its_own() -> None:
    """By call."""
    registry = Registry()
    registry.push("oci://r/x", "sha256:1", starter())
    registry.gate.faults.append(refusal("fetch", error=ArtifactError, message="no route"))
    assert registry.digest("oci://r/x", None) == "sha256:1"
    with pytest.raises(ArtifactError, match="no route"):
        registry.fetch("oci://r/x", None)
