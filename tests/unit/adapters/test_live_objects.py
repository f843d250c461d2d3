# SPDX-License-Identifier: Apache-2.0
"""Which kinds are watched, for how long, and what is known of kinds that are not served."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fluxsm.adapters.kube.watch import UNUSED_SECONDS, Watch
from fluxsm.adapters.kube.watches import LiveObjects
from fluxsm.api import names
from fluxsm.api.objects import CRD, Kind, Manifest, ObjectRef
from fluxsm.errors import ForbiddenError
from fluxsm.simulation.api_server import ApiServer
from fluxsm.simulation.clock import VirtualClock
from fluxsm.simulation.controllers import Controllers
from fluxsm.simulation.faults import Fault

GROUP = "source.toolkit.fluxcd.io"
OLD, NEW = (Kind(GROUP, version, "OCIRepository") for version in ("v1beta2", "v1"))
CONFIG_MAP = Kind("", "v1", "ConfigMap")
DEFINITION = ObjectRef(CRD, "", f"ocirepositories.{GROUP}")


class Desk:
    """Live objects whose watches deliver when they are called."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.cluster = ApiServer(self.clock)
        self.user = self.cluster.as_manager("kubectl")
        self.watches: list[Watch] = []
        self.live = LiveObjects(self.cluster, self.clock, lambda: None, begin=self.watches.append)
        self.user.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}})

    def define(self, *versions: str) -> None:
        """Serve OCIRepository at these versions, the last one stored."""
        self.user.apply_all([definition(*versions)])
        Controllers(self.user).run()

    def listen(self, seconds: float = 0) -> int:
        """Let time pass and the watches listen; return how many requests they sent."""
        self.clock.advance(timedelta(seconds=seconds))
        before = self.requests
        for watch in list(self.watches):
            watch.listen()
        return self.requests - before

    @property
    def requests(self) -> int:
        """How many watches were opened."""
        return sum(request.verb == "watch" for request in self.cluster.gate.log)


def definition(*versions: str) -> Manifest:
    """The CRD of OCIRepository."""
    found = [
        {
            "name": name,
            "served": True,
            "storage": name == versions[-1],
            "subresources": {"status": {}},
        }
        for name in versions
    ]
    kinds = {"kind": "OCIRepository", "plural": "ocirepositories"}
    return {
        "apiVersion": CRD.api_version,
        "kind": CRD.kind,
        "metadata": {"name": DEFINITION.name},
        "spec": {"group": GROUP, "names": kinds, "scope": "Namespaced", "versions": found},
    }


def repository(kind: Kind) -> Manifest:
    """A managed OCIRepository."""
    labels = {names.OWNER_NAME_LABEL: names.SINGLETON}
    metadata = {"name": "a", "namespace": "x", "labels": labels}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, "spec": {}}


@pytest.fixture
def desk() -> Desk:
    """An API server that serves no OCIRepository yet."""
    return Desk()


def test_the_watch_of_a_retired_kind_ends_with_it(desk: Desk) -> None:
    """When nobody has asked for it for a while; it sends nothing any more."""
    desk.live.expect({OLD, CONFIG_MAP})
    assert desk.listen() == 2
    assert desk.live.expect({OLD})
    assert desk.listen(UNUSED_SECONDS - 1) == 2
    assert desk.listen(1) == 1
    assert desk.listen(3600) == 1
    assert {watch.scope.kind: watch.keep() for watch in desk.watches} == {
        CONFIG_MAP: True,
        OLD: False,
    }


@pytest.mark.parametrize("ask", ["expect", "get", "put"])
def test_a_kind_that_is_asked_for_is_watched_on(desk: Desk, ask: str) -> None:
    """It may be served soon: its CRD is on its way."""
    desk.live.expect({OLD})
    desk.listen()
    for _ in range(5):
        match ask:
            case "expect":
                desk.live.expect({OLD})
            case "get":
                desk.live.get(ObjectRef(OLD, "x", "a"))
            case _:
                desk.live.put(repository(OLD))
        assert desk.listen(UNUSED_SECONDS - 1) == 1


def test_a_kind_that_is_expected_again_is_watched_again(desk: Desk) -> None:
    """From a whole list on, as at first."""
    desk.live.expect({OLD})
    desk.listen()
    assert desk.listen(UNUSED_SECONDS) == 0
    desk.define("v1beta2")
    desk.user.create(repository(OLD))
    assert not desk.live.expect({OLD})
    desk.listen()
    assert desk.live.expect({OLD})
    assert desk.live.get(ObjectRef(OLD, "x", "a"))


def test_a_kind_that_was_away_for_a_moment_is_watched_on(desk: Desk) -> None:
    """However long nobody has asked for it: an API server that starts answers like that."""
    desk.define("v1beta2")
    desk.live.expect({OLD})
    desk.listen()
    desk.user.finish(DEFINITION)
    assert desk.listen(3600) == 1
    desk.define("v1beta2")
    desk.user.create(repository(OLD))
    desk.listen()
    assert desk.live.get(ObjectRef(OLD, "x", "a"))
    assert desk.listen(3600) == 1


def test_a_kind_that_is_served_is_watched_on(desk: Desk) -> None:
    """Whether or not somebody asks for it."""
    desk.live.expect({CONFIG_MAP})
    for _ in range(3):
        assert desk.listen(3600) == 1


def test_an_object_is_found_at_the_version_that_is_served(desk: Desk) -> None:
    """An upgrade retires v1beta2, and the object stays at v1; the old watch ends."""
    desk.define("v1beta2", "v1")
    desk.user.create(repository(NEW))
    refs = [ObjectRef(kind, "x", "a") for kind in (OLD, NEW)]
    desk.live.expect({OLD, NEW})
    desk.listen()
    desk.user.patch(DEFINITION, {"status": {"storedVersions": ["v1"]}}, subresource="status")
    desk.define("v1")
    desk.listen(300)
    for _ in range(2):
        assert [desk.live.get(ref) is not None for ref in refs] == [True, True]
        desk.listen(UNUSED_SECONDS)  # it ends here, and is asked for again above
    desk.user.delete(refs[1])
    desk.listen()
    assert [desk.live.get(ref) for ref in refs] == [None, None]


def test_a_list_that_is_refused_is_named(desk: Desk) -> None:
    """A watch that merely starts is none, nor a kind that is not served or not expected."""
    error = ForbiddenError("watching v1 ConfigMap (Forbidden): configmaps is forbidden")
    desk.cluster.gate.faults.append(
        Fault(error=error, matches=lambda request: request.kind == CONFIG_MAP)
    )
    kinds = {OLD, CONFIG_MAP}
    assert desk.live.problems(kinds) == {}
    assert not desk.live.expect(kinds)
    assert desk.live.problems(kinds) == {}
    desk.listen()
    assert not desk.live.expect(kinds)
    assert desk.live.problems(kinds) == {
        CONFIG_MAP: f"{error}; the operator's role must allow list and watch"
    }
    desk.cluster.gate.clear()
    desk.listen()
    assert desk.live.expect(kinds)
    assert desk.live.problems(kinds) == {}


def test_a_list_that_has_arrived_is_not_missing(desk: Desk) -> None:
    """Although its watch has broken since: what is known is a little old, no more."""
    desk.live.expect({CONFIG_MAP})
    desk.listen()
    desk.cluster.gate.faults.append(Fault(error=ForbiddenError("no"), matches=lambda _: True))
    desk.listen()
    assert desk.live.problems({CONFIG_MAP}) == {}
