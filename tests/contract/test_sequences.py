# SPDX-License-Identifier: Apache-2.0
"""Any sequence of requests has the same answers from the fake and from a real API server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.core.ports import Applied, PatchType
from fluxsm.errors import ClusterError
from tests.contract.samples import crd
from tests.contract.subjects import FakeSubject, RealSubject, Subject
from tests.controlplane.cluster import Cluster as ControlPlane

pytestmark = pytest.mark.integration

WIDGET = Kind("sequences.example", "v1", "Widget")
KINDS = {"ConfigMap": Kind("", "v1", "ConfigMap"), "Widget": WIDGET}
MAPS = {"f:metadata", "f:labels", "f:data", "f:spec", "f:status"}
GUARDS = ("none", "first", "last")
_numbers = count(1)

fields = st.dictionaries(st.sampled_from("abc"), st.sampled_from("12"), max_size=3)
changes = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["1", "2", None]), max_size=2)
guards = st.sampled_from(GUARDS)
BODIES: dict[str, st.SearchStrategy[Any]] = {
    "apply": fields,
    "try_out": fields,
    "apply_as": fields,
    "create": fields,
    "replace": fields,
    "merge": changes,
    "merge_as": changes,
    "say": changes,
    "label": changes,
    "hold": st.booleans(),
    "remove": st.sampled_from("abc"),
    "delete": st.sampled_from(["", "Background"]),
    "get": st.none(),
    "list": st.sampled_from(["", "a", "a=1", "a!=1", "!b"]),
}


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, of which object.

    Attributes:
        verb: a method of Asker.
        kind: a key of KINDS.
        name: of the object.
        body: depends on the verb.
        guard: which incarnation or version is meant: any, the first or the last that was seen.
    """

    verb: str
    kind: str
    name: str
    body: Any = None
    guard: str = "none"


BEGINNING = [Request("apply", kind, "one", {"a": "1", "b": "1"}) for kind in KINDS]
"""So that most of what follows finds something."""
DYING = [
    *(Request("hold", kind, "one", True) for kind in KINDS),
    *(Request("delete", kind, "one", "") for kind in KINDS),
]
"""What follows finds something that is being deleted, and is held up."""


def _bodies(verb: str, kind: str) -> st.SearchStrategy[Any]:
    """What a request may hold.

    Two things are left out because they are decided by what is not in the fake and not asked for
    by the operator: what the schema of a custom resource makes of a spec that is applied empty,
    and when the garbage collector has orphaned what depends on a deleted object.
    """
    if kind == "Widget" and verb in {"apply", "apply_as", "try_out"}:
        return fields.filter(bool)
    return BODIES[verb]


@st.composite
def _requests(draw: st.DrawFn) -> Request:
    verb, kind = draw(st.sampled_from(sorted(BODIES))), draw(st.sampled_from(sorted(KINDS)))
    name = draw(st.sampled_from(["one", "one", "one", "two"]))
    return Request(verb, kind, name, draw(_bodies(verb, kind)), draw(guards))


@dataclass
class Asker:
    """Asks one subject, and tells the answers without what differs from server to server."""

    subject: Subject
    prefix: str
    seen: dict[ObjectRef, list[Manifest]] = field(default_factory=dict)

    def ask(self, request: Request) -> Any:
        """The answer to a request: what came back, and whether it was written; or the error."""
        ref = ObjectRef(KINDS[request.kind], self.subject.namespace, f"{self.prefix}{request.name}")
        try:
            answer = getattr(self, f"_{request.verb}")(ref, request)
        except ClusterError as error:
            return type(error).__name__
        return self._reported(ref, answer) if isinstance(answer, dict) else answer

    # Requests

    def _apply(self, ref: ObjectRef, request: Request, *, dry_run: bool = False) -> Manifest:
        (answer,) = self.subject.cluster.apply_all([_object(ref, request.body)], dry_run=dry_run)
        if not isinstance(answer, Applied):
            raise answer
        return answer.manifest

    def _try_out(self, ref: ObjectRef, request: Request) -> Any:
        return ["tried", _content(self._apply(ref, request, dry_run=True))]

    def _apply_as(self, ref: ObjectRef, request: Request) -> Manifest:
        return self.subject.apply_as("other", _object(ref, request.body))

    def _create(self, ref: ObjectRef, request: Request) -> Manifest:
        return self.subject.cluster.create(_object(ref, request.body))

    def _replace(self, ref: ObjectRef, request: Request) -> Any:
        base = self._meant(ref, request.guard)
        if base is None:
            return None
        return self.subject.cluster.replace({**base, _place(ref): request.body})

    def _merge(self, ref: ObjectRef, request: Request) -> Manifest:
        return self.subject.cluster.patch(
            ref, {_place(ref): request.body, **self._guarded(ref, request)}
        )

    def _merge_as(self, ref: ObjectRef, request: Request) -> Any:
        if not self._exists(ref):
            return None
        return self.subject.patch_as("other", ref, {_place(ref): request.body})

    def _say(self, ref: ObjectRef, request: Request) -> Any:
        if ref.kind != WIDGET:
            return None
        return self.subject.cluster.patch(ref, {"status": request.body}, subresource="status")

    def _label(self, ref: ObjectRef, request: Request) -> Manifest:
        return self.subject.cluster.patch(ref, {"metadata": {"labels": request.body}})

    def _hold(self, ref: ObjectRef, request: Request) -> Manifest:
        finalizers = ["example.com/hold"] if request.body else None
        return self.subject.cluster.patch(ref, {"metadata": {"finalizers": finalizers}})

    def _remove(self, ref: ObjectRef, request: Request) -> Manifest:
        patch = [{"op": "remove", "path": f"/{_place(ref)}/{request.body}"}]
        return self.subject.cluster.patch(ref, patch, type=PatchType.JSON)

    def _delete(self, ref: ObjectRef, request: Request) -> None:
        meant = self._meant(ref, request.guard)
        uid = meant["metadata"]["uid"] if meant else ""
        self.subject.cluster.delete(ref, uid=uid, propagation=request.body)

    def _get(self, ref: ObjectRef, _request: Request) -> Manifest:
        return self.subject.cluster.get(ref)

    def _list(self, ref: ObjectRef, request: Request) -> list[str]:
        found = self.subject.cluster.list(ref.kind, namespace=ref.namespace, labels=request.body)
        names = (item["metadata"]["name"] for item in found)
        return sorted(
            name.removeprefix(self.prefix) for name in names if name.startswith(self.prefix)
        )

    # What has been seen

    def _exists(self, ref: ObjectRef) -> bool:
        try:
            self.subject.cluster.get(ref)
        except ClusterError:
            return False
        return True

    def _meant(self, ref: ObjectRef, guard: str) -> Manifest | None:
        seen = self.seen.get(ref)
        if not seen or guard == "none":
            return None
        return seen[0] if guard == "first" else seen[-1]

    def _guarded(self, ref: ObjectRef, request: Request) -> Manifest:
        meant = self._meant(ref, request.guard)
        if meant is None:
            return {}
        return {"metadata": {"resourceVersion": meant["metadata"]["resourceVersion"]}}

    def _reported(self, ref: ObjectRef, answer: Manifest) -> dict[str, Any]:
        """The content, and how identity and version relate to those that were seen before."""
        seen = self.seen.setdefault(ref, [])
        earlier = [
            (
                item["metadata"]["uid"] == answer["metadata"]["uid"],
                item["metadata"]["resourceVersion"] == answer["metadata"]["resourceVersion"],
            )
            for item in seen
        ]
        seen.append(answer)
        return {**_content(answer), "earlier": earlier}


def _place(ref: ObjectRef) -> str:
    return "data" if ref.kind.kind == "ConfigMap" else "spec"


def _object(ref: ObjectRef, body: Any) -> Manifest:
    return {
        "apiVersion": ref.kind.api_version,
        "kind": ref.kind.kind,
        "metadata": {"name": ref.name, "namespace": ref.namespace},
        _place(ref): body,
    }


def _content(answer: Manifest) -> dict[str, Any]:
    """An object without times and random identities, and without maps that hold nothing.

    Kinds of Kubernetes itself leave those out, others keep them, or null where all was given up.
    """
    metadata = {key: value for key, value in answer["metadata"].items() if value != {}}
    for key in ("uid", "resourceVersion", "creationTimestamp", "name", "namespace"):
        metadata.pop(key, None)
    if "deletionTimestamp" in metadata:
        metadata["deletionTimestamp"] = "some time"
    records = [
        {**record, "time": "some time", "fieldsV1": fields}
        for record in metadata.pop("managedFields", [])
        if (fields := _fields(record["fieldsV1"]))
    ]
    metadata["managedFields"] = sorted(json.dumps(record, sort_keys=True) for record in records)
    full = {**answer, "metadata": metadata}
    return {key: value for key, value in full.items() if value not in ({}, None)}


def _fields(owned: Any) -> dict[str, Any]:
    """Fields without the maps themselves: the operator asks only who owns what is in them."""
    found = {key: _fields(value) for key, value in owned.items() if key != "."}
    return {key: value for key, value in found.items() if value or key not in MAPS}


@pytest.fixture
def pair(cluster: ControlPlane, namespace: str) -> Iterator[Callable[[], tuple[Asker, Asker]]]:
    """Makes testers of a fake and of a real API server, with names that nobody has used."""
    fake, real = FakeSubject(), RealSubject(cluster, namespace)
    for subject in (fake, real):
        subject.cluster.apply_all([crd(WIDGET.group)])
        subject.eventually(partial(subject.cluster.serves, WIDGET), "Widgets are served")

    def make() -> tuple[Asker, Asker]:
        prefix = f"n{next(_numbers)}-"
        return Asker(fake, prefix), Asker(real, prefix)

    yield make
    real.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fate=st.sampled_from([[], [], DYING]), requests=st.lists(_requests(), max_size=12))
def test_the_fake_answers_as_the_real_api_server(
    pair: Callable[[], tuple[Asker, Asker]], fate: list[Request], requests: list[Request]
) -> None:
    """Same content, same owners, same errors; the same requests write, and the same do not."""
    fake, real = pair()
    for request in [*BEGINNING, *fate, *requests]:
        assert fake.ask(request) == real.ask(request), request
