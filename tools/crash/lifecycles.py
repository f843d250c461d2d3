# SPDX-License-Identifier: Apache-2.0
"""The lifecycles of an installation that are run with a fault in each phase.

A lifecycle has phases: install, upgrade, remove, uninstall. Each starts where the one before ended,
so one lifecycle can have a fault in each of its phases; how a phase must end is known from runs
without any.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fluxsm.api import names
from tests.integration.instance import MERGE, RECONCILE, Instance
from tests.integration.operator import until
from tests.integration.resources import store_in_all_versions

ROOT: Final = Path(__file__).resolve().parents[2]
UPSTREAM: Final = ROOT.parent / "shared"
NAMESPACE: Final = names.DEFAULT_NAMESPACE
APPS: Final = "apps"
FAULTS: Final = ("relentless", "kills", "answers", "lines")
LASTING: Final = "lasting"
MODES: Final = (*FAULTS, LASTING)
UNINSTALL_SECONDS: Final = 15
"""The limit of an uninstallation in which a call is refused for good: longer than its patience with
watches that do not begin."""
_APPLY: Final = ("apply", "--server-side", "--field-manager=users", "-f", "-")
_FINALIZERS: Final = ["finalizers.fluxcd.io"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A part of a lifecycle that the user begins and the operator ends.

    Attributes:
        name: for the report.
        begin: what the user does.
        goal: the state whose arrival ends it; `Gone` when nothing is left.
        before: what else happens before it is counted, such as objects that users create.
    """

    name: str
    begin: Callable[[Instance], None]
    goal: str = "Ready"
    before: Callable[[Instance], None] = lambda _instance: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """A sequence of phases that begins and ends without an installation.

    Attributes:
        name: for the report.
        phases: in their order.
        storage: folder of the distribution; the starter one when None.
        flags: further flags of the operator.
        modes: which faults are tried, of MODES.
    """

    name: str
    phases: Sequence[Phase]
    storage: Path | None = None
    flags: Sequence[str] = ()
    modes: Sequence[str] = FAULTS


def lifecycles() -> list[Lifecycle]:
    """Return those that can be run here: some need manifests of real, older releases."""
    if (UPSTREAM / "flux").is_dir():
        return [MINOR, SYNC, BRIDGE, *STORED, CALLS]
    return [MINOR, SYNC, CALLS]


def _install(version: str, components: Sequence[str], **more: Any) -> Callable[[Instance], None]:
    def begin(instance: Instance) -> None:
        instance.create(
            {
                "distribution": {"version": version, "registry": "ghcr.io/fluxcd"},
                "components": list(components),
                **more,
            },
            {names.RECONCILE_EVERY: "1h"},
        )

    return begin


def _edit(**spec: Any) -> Callable[[Instance], None]:
    def begin(instance: Instance) -> None:
        instance.patch(spec=spec)

    return begin


def _populate(*manifests: dict[str, Any]) -> Callable[[Instance], None]:
    """Users' objects, and what a Flux would have deployed for them."""

    def create(instance: Instance) -> None:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
        instance.cluster.kubectl(*_APPLY, stdin=text)

    return create


def _custom(
    api_version: str, kind: str, name: str, *, held: bool = True, **spec: Any
) -> dict[str, Any]:
    """A custom resource; while it is held, only its controller lets it go."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": APPS,
            **({"finalizers": _FINALIZERS} if held else {}),
        },
        "spec": spec,
    }


_DEPLOYED: Final = (
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": APPS}},
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "deployed-by-flux",
            "namespace": APPS,
            "labels": {"kustomize.toolkit.fluxcd.io/name": "app"},
        },
        "data": {"survives": "yes"},
    },
    {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "registry", "namespace": NAMESPACE},
        "stringData": {"survives": "yes"},
    },
)
_SOURCE: Final = {"kind": "GitRepository", "name": "app"}


def _git_repository(name: str) -> dict[str, Any]:
    return _custom(
        "source.toolkit.fluxcd.io/v1",
        "GitRepository",
        name,
        interval="1h",
        url="https://example.com/app.git",
    )


def _helm_release() -> dict[str, Any]:
    return _custom(
        "helm.toolkit.fluxcd.io/v2",
        "HelmRelease",
        "app",
        interval="1h",
        chart={"spec": {"chart": "app", "sourceRef": _SOURCE}},
    )


MINOR: Final = Lifecycle(
    name="minor",
    phases=(
        Phase(
            name="install",
            begin=_install(
                "2.6.4", ["source-controller", "kustomize-controller", "image-reflector-controller"]
            ),
        ),
        Phase(
            name="upgrade",
            before=_populate(
                *_DEPLOYED,
                _git_repository("app"),
                _custom(
                    "kustomize.toolkit.fluxcd.io/v1",
                    "Kustomization",
                    "app",
                    interval="1h",
                    prune=True,
                    sourceRef=_SOURCE,
                ),
                *(
                    _custom(
                        "image.toolkit.fluxcd.io/v1beta2",
                        "ImageRepository",
                        name,
                        held=False,
                        interval="1h",
                        image=f"ghcr.io/example/{name}",
                    )
                    for name in ("one", "two")
                ),
            ),
            begin=_edit(distribution={"version": "2.8.8"}),
        ),
        Phase(
            name="remove",
            begin=_edit(components=["source-controller", "kustomize-controller"]),
        ),
        Phase(name="uninstall", begin=Instance.delete, goal="Gone"),
    ),
)
"""From 2.6.4 to 2.8.8, a component less, then uninstalled: the operator's own distribution."""

CALLS: Final = Lifecycle(
    name="calls",
    flags=(f"--uninstall-timeout={UNINSTALL_SECONDS}s",),
    modes=(LASTING,),
    phases=(
        Phase(
            name="install",
            begin=_install("2.8.8", ["source-controller", "kustomize-controller"]),
        ),
        Phase(
            name="change",
            before=_populate(
                *_DEPLOYED,
                *map(_git_repository, ("one", "two")),
            ),
            begin=_edit(components=["source-controller"]),
        ),
        Phase(name="uninstall", begin=Instance.delete, goal="Gone"),
    ),
)
"""One after the other, each call of an installation, a change and a removal is refused for good."""

_SYNC: Final = {
    "kind": "GitRepository",
    "url": "https://example.com/fleet.git",
    "ref": "refs/heads/main",
    "path": "clusters/one",
}
_CONTROLLERS: Final = ("source-controller", "kustomize-controller", "helm-controller")


def _hold(name: str) -> Callable[[Instance], None]:
    """What kustomize-controller does to the sync: its finalizer, and a list of what it deployed."""

    def hold(instance: Instance) -> None:
        path = f"/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{NAMESPACE}/kustomizations/{name}"
        entries = [{"id": f"{APPS}_deployed-by-flux__ConfigMap", "v": "v1"}]
        for target, body in (
            (path, {"metadata": {"finalizers": _FINALIZERS}}),
            (f"{path}/status", {"status": {"inventory": {"entries": entries}}}),
        ):
            query = "?fieldManager=kustomize-controller"
            instance.cluster.request("PATCH", f"{target}{query}", body, content_type=MERGE)

    return hold


def _in_order(*steps: Callable[[Instance], None]) -> Callable[[Instance], None]:
    def run(instance: Instance) -> None:
        for step in steps:
            step(instance)

    return run


SYNC: Final = Lifecycle(
    name="sync",
    modes=("relentless", "kills", "answers"),
    phases=(
        Phase(name="install", begin=_install("2.8.8", _CONTROLLERS, sync=_SYNC, wait=False)),
        Phase(
            name="rename",
            before=_in_order(_populate(*_DEPLOYED), _hold(NAMESPACE)),
            begin=_edit(sync={**_SYNC, "name": "other"}),
        ),
        Phase(name="drop", before=_hold("other"), begin=_edit(sync=None)),
        Phase(
            name="remove",
            before=_populate(_helm_release()),
            begin=_edit(components=list(_CONTROLLERS[:2])),
        ),
        Phase(name="uninstall", begin=Instance.delete, goal="Gone"),
    ),
)
"""A sync that is renamed and dropped, and a component that leaves with a release of it around."""

BRIDGE: Final = Lifecycle(
    name="bridge",
    storage=UPSTREAM,
    flags=("--supported-minors=2.3,2.8",),
    phases=(
        Phase(
            name="install",
            begin=_install("2.3.0", ["source-controller", "helm-controller"]),
        ),
        Phase(
            name="upgrade",
            before=_populate(
                *_DEPLOYED,
                *(
                    _custom(
                        "source.toolkit.fluxcd.io/v1beta2",
                        "OCIRepository",
                        name,
                        interval="1h",
                        url=f"oci://ghcr.io/example/{name}",
                    )
                    for name in ("one", "two")
                ),
                _custom(
                    "source.toolkit.fluxcd.io/v1beta2",
                    "Bucket",
                    "one",
                    interval="1h",
                    bucketName="one",
                    endpoint="example.com",
                ),
                _helm_release(),
            ),
            begin=_edit(distribution={"version": "2.8.8"}),
        ),
        Phase(name="uninstall", begin=Instance.delete, goal="Gone"),
    ),
)
"""From 2.3.0 to 2.8.8 in one step: versions that are still stored are gone from the new CRDs."""


def _store(instance: Instance) -> None:
    """Create a resource in every version that any CRD of Flux has, during a suspension."""
    instance.annotate({RECONCILE: "disabled"})
    until(lambda: instance.status.get("state") == "Suspended", "suspension")
    store_in_all_versions(instance.cluster, NAMESPACE)


def _resume(version: str) -> Callable[[Instance], None]:
    def begin(instance: Instance) -> None:
        instance.patch(
            metadata={"annotations": {RECONCILE: None}}, spec={"distribution": {"version": version}}
        )

    return begin


def _stored(older: str) -> Lifecycle:
    return Lifecycle(
        name=f"stored-{older}",
        storage=UPSTREAM,
        flags=("--supported-minors=2.3,2.6,2.8",),
        modes=("relentless",),
        phases=(
            Phase(
                name="install",
                begin=_install(
                    older,
                    [
                        *names.DEFAULT_COMPONENTS,
                        "image-reflector-controller",
                        "image-automation-controller",
                    ],
                ),
            ),
            Phase(name="upgrade", before=_store, begin=_resume("2.8.8")),
            Phase(name="uninstall", begin=Instance.delete, goal="Gone"),
        ),
    )


STORED: Final = (_stored("2.3.0"), _stored("2.6.4"))
"""All kinds with a resource in every version that they have, to 2.8.8 in one step.

There are so many writes that there is one run only, in which each is the last of a process.
"""
