# SPDX-License-Identifier: Apache-2.0
"""What the contract is checked on: the fake, and a real API server through the real adapter."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from fluxsm.adapters.clock import SystemClock
from fluxsm.adapters.kube.client import KubeClient
from fluxsm.adapters.kube.cluster import KubeCluster
from fluxsm.adapters.kube.paths import Paths
from fluxsm.adapters.kube.watch import Watch
from fluxsm.adapters.kube.watches import LiveObjects
from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.core.ports import Cluster, PatchType
from fluxsm.simulation.api_server import ApiServer
from fluxsm.simulation.clock import VirtualClock
from fluxsm.simulation.controllers import Controllers
from tests.controlplane.cluster import Cluster as ControlPlane

T = TypeVar("T")
PATIENCE = 10.0
"""How long the real thing may take, in seconds."""


class Subject(Protocol):
    """An API server in the hands of this operator, and of others."""

    cluster: Cluster
    namespace: str

    def apply_as(self, manager: str, manifest: Manifest) -> Manifest:
        """Another field manager applies an object by force."""

    def patch_as(self, manager: str, ref: ObjectRef, patch: Any) -> Manifest:
        """Another field manager merges a patch into an object."""

    def compact(self) -> None:
        """Forget the history of all objects."""

    def live(self) -> LiveObjects:
        """What watches tell of the objects of an instance that is named like the namespace."""

    def eventually(self, look: Callable[[], T], what: str) -> T:
        """Look until it is true."""


class FakeSubject:
    """The API server in memory."""

    def __init__(self) -> None:
        self._clock = VirtualClock()
        self._fake = ApiServer(self._clock)
        self._controllers = Controllers(self._fake)
        self._watches: list[Watch] = []
        self.cluster: Cluster = self._fake
        self.namespace = "contract"
        self._fake.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "contract"}}
        )

    def apply_as(self, manager: str, manifest: Manifest) -> Manifest:
        """Another field manager applies an object by force."""
        answer = self._fake.as_manager(manager).apply_all([manifest])[0]
        if isinstance(answer, Exception):
            raise answer
        return answer.manifest

    def patch_as(self, manager: str, ref: ObjectRef, patch: Any) -> Manifest:
        """Another field manager merges a patch into an object."""
        return self._fake.as_manager(manager).patch(ref, patch)

    def compact(self) -> None:
        """Forget the history of all objects."""
        self._fake.store.compact()

    def live(self) -> LiveObjects:
        """Watches that listen whenever something is waited for."""
        return LiveObjects(
            self.cluster,
            self._clock,
            lambda: None,
            instance=self.namespace,
            begin=self._watches.append,
        )

    def eventually(self, look: Callable[[], T], what: str) -> T:
        """Let controllers and watches do what is due, then look."""
        for _ in range(3):
            if found := look():
                return found
            self._controllers.run()
            for watch in self._watches:
                watch.listen()
        found = look()
        assert found, what
        return found


class RealSubject:
    """A kube-apiserver."""

    def __init__(self, control_plane: ControlPlane, namespace: str) -> None:
        self._control_plane = control_plane
        config = str(control_plane.kubeconfig("fluxsm"))
        self._adapter = KubeCluster(KubeClient.from_kubeconfig(config))
        self._paths = Paths(lambda path: dict(control_plane.request("GET", path)))
        self._live_objects: list[LiveObjects] = []
        self.cluster: Cluster = self._adapter
        self.namespace = namespace

    def close(self) -> None:
        """End the watches and close the connections."""
        for live in self._live_objects:
            live.forget()
        self._adapter.close()

    def apply_as(self, manager: str, manifest: Manifest) -> Manifest:
        """Another field manager applies an object by force."""
        path = f"{self._paths.object(ObjectRef.of(manifest))}?fieldManager={manager}&force=true"
        return self._send(path, manifest, PatchType.APPLY)

    def patch_as(self, manager: str, ref: ObjectRef, patch: Any) -> Manifest:
        """Another field manager merges a patch into an object."""
        return self._send(
            f"{self._paths.object(ref)}?fieldManager={manager}", patch, PatchType.MERGE
        )

    def compact(self) -> None:
        """Forget the history of all objects."""
        self._control_plane.compact()

    def live(self) -> LiveObjects:
        """Watches in threads of their own."""
        found = LiveObjects(self.cluster, SystemClock(), lambda: None, instance=self.namespace)
        self._live_objects.append(found)
        return found

    def eventually(self, look: Callable[[], T], what: str) -> T:
        """Look until it is true, for some seconds."""
        limit = time.monotonic() + PATIENCE
        while not (found := look()):
            assert time.monotonic() < limit, what
            time.sleep(0.05)
        return found

    def _send(self, path: str, body: Any, type_: PatchType) -> Manifest:
        answer: Manifest = self._control_plane.request(
            "PATCH", path, body, content_type=type_.value
        )
        return answer
