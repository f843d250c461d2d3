# SPDX-License-Identifier: Apache-2.0
"""When the report is made, what it costs, and that its failure affects nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from fluxsm.adapters.kube.watches import SingletonWatch
from fluxsm.api import names
from fluxsm.api.objects import CRD, Kind, Manifest, ObjectRef
from fluxsm.api.report import ReportOperator
from fluxsm.core.settings import Settings
from fluxsm.core.step import Step
from fluxsm.errors import ForbiddenError, NotFoundError, UnavailableError
from fluxsm.machine.states import State
from fluxsm.report.collector import ENTITLEMENT, EVIDENCE, NODE, PARTS, SECRET
from fluxsm.report.reporter import REPORT, Reporter
from fluxsm.simulation.api_server import ApiServer
from fluxsm.simulation.clock import VirtualClock
from fluxsm.simulation.controllers import Controllers
from fluxsm.simulation.faults import Fault
from fluxsm.simulation.requests import Request
from fluxsm.simulation.world import INSTANCE, NAMESPACE, World, empty_cluster

MINUTE = timedelta(minutes=1)
REF = ObjectRef(REPORT, NAMESPACE, names.SINGLETON)
OPERATOR = ReportOperator(api_version=names.API_VERSION, version="v1.2.3", platform="linux/amd64")
SOURCE, KUSTOMIZE = "source.toolkit.fluxcd.io", "kustomize.toolkit.fluxcd.io"


class FakeGauges:
    """Implements `fluxsm.report.reporter.ReportMetrics`."""

    def __init__(self) -> None:
        self.series: list[Mapping[str, str]] = []
        self.identity: Mapping[str, str] = {}
        self.results: list[bool] = []

    def resources(self, series: Iterable[Mapping[str, str]]) -> None:
        """Replace the series."""
        self.series = list(series)

    def operator(self, labels: Mapping[str, str]) -> None:
        """Keep who reports."""
        self.identity = labels

    def reported(self, *, well: bool) -> None:
        """Keep the result."""
        self.results.append(well)


class Slow(ApiServer):
    """An API server that takes its time for each list."""

    seconds = 0.0

    def list(self, *args: Any, **options: Any) -> Any:
        """Take time, then answer."""
        clock = self.clock
        assert isinstance(clock, VirtualClock)
        clock.advance(timedelta(seconds=self.seconds))
        return super().list(*args, **options)


class Desk:
    """A reporter, and the cluster that it reports on."""

    def __init__(self, **settings: Any) -> None:
        self.clock = VirtualClock()
        self.cluster = Slow(self.clock)
        self.cluster.store = empty_cluster().fork()
        self.user = self.cluster.as_manager("kubectl-edit")
        self.gauges = FakeGauges()
        self.settings = Settings(**settings)
        self.boot()

    def boot(self) -> None:
        """A new process."""
        self.reports = self._watch(names.REPORT_KIND)
        self.instances = self._watch(names.INSTANCE_KIND)
        self.reporter = Reporter(
            self.cluster, self.reports, self.instances, self.gauges, self.clock, self.settings,
            OPERATOR,
        )  # fmt: skip

    def _watch(self, kind: str) -> SingletonWatch:
        return SingletonWatch(self.cluster, self.clock, NAMESPACE, lambda: None, kind=kind)

    def turn(self) -> timedelta | None:
        """Receive the news, then look whether a report is due."""
        self.reports.listen()
        self.instances.listen()
        return self.reporter.turn()

    def read(self) -> Manifest:
        """The report."""
        return self.user.get(REF)

    @property
    def spec(self) -> Manifest:
        """What it says."""
        found: Manifest = self.read()["spec"]
        return found

    @property
    def ready(self) -> Manifest:
        """Its only condition."""
        (found,) = self.read()["status"]["conditions"]
        return dict(found)

    def annotate(self, **annotations: str | None) -> None:
        """Annotate the report."""
        keys = {"asked": names.REQUESTED_AT, "every": names.RECONCILE_EVERY, "on": names.RECONCILE}
        found = {keys[key]: value for key, value in annotations.items()}
        self.user.patch(REF, {"metadata": {"annotations": found}})

    def writes(self, act: Callable[[], object]) -> list[str]:
        """The writes that something leads to."""
        before = len(self.cluster.gate.mutations())
        act()
        return [str(request) for request in self.cluster.gate.mutations()[before:]]

    def install(self, *kinds: tuple[str, str], **labels: str) -> None:
        """Install CRDs as Flux does."""
        for group, kind in kinds:
            self.user.create(crd(group, kind, labels))
        Controllers(self.user).run()


def crd(group: str, kind: str, labels: Mapping[str, str]) -> Manifest:
    """A CRD of Flux that admits anything."""
    plural = f"{kind.lower()}s".replace("rys", "ries")
    version = {"name": "v1", "served": True, "storage": True, "subresources": {"status": {}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            "labels": {names.PART_OF_LABEL: "flux", **labels},
        },
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural},
            "scope": "Namespaced",
            "versions": [version],
        },
    }


def flux(group: str, kind: str, name: str, **fields: Any) -> Manifest:
    """A Flux object."""
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": f"{group}/v1", "kind": kind, "metadata": metadata, **fields}


@pytest.fixture
def desk() -> Desk:
    """A reporter in a cluster without Flux."""
    return Desk()


@pytest.fixture
def installed(desk: Desk) -> Desk:
    """A reporter in a cluster with a small Flux."""
    labels = {names.VERSION_LABEL: "v2.8.8", names.MANAGED_BY_LABEL: "flux-operator"}
    desk.install((SOURCE, "GitRepository"), (KUSTOMIZE, "Kustomization"))
    desk.user.patch(
        ObjectRef(Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition"), "", EVIDENCE),
        {"metadata": {"labels": labels}},
    )
    return desk


def test_the_start_makes_a_report(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Without Flux it tells of the operator and the cluster, and nothing is wrong with that."""
    assert desk.turn() == timedelta(minutes=5)
    assert caplog.text == ""
    assert desk.spec == {
        "distribution": {"status": "Not Installed", "entitlement": "Unknown"},
        "operator": {
            "apiVersion": names.API_VERSION,
            "version": "v1.2.3",
            "platform": "linux/amd64",
        },
        "cluster": {"serverVersion": "v1.33.0", "platform": "linux/amd64"},
    }
    assert (desk.ready["status"], desk.ready["reason"]) == ("True", "Succeeded")
    assert desk.ready["message"] == "Reporting finished in 0s"
    assert desk.gauges.identity["version"] == "v1.2.3"
    assert desk.gauges.results == [True]


def test_nothing_is_written_where_nothing_is_new(installed: Desk) -> None:
    """However often the report is made, and by however many processes."""
    assert installed.writes(installed.turn) == [f"create {REF}", f"patch {REF}/status"]
    for _ in range(3):
        installed.clock.advance(5 * MINUTE)
        assert installed.writes(installed.turn) == []
    installed.boot()
    assert installed.writes(installed.turn) == []
    assert installed.gauges.results == [True] * 5


def test_news_are_written_in_two_requests(installed: Desk) -> None:
    """The spec as a whole, then the status; a block that is gone is not there any more."""
    installed.user.create(
        flux(KUSTOMIZE, "Kustomization", NAMESPACE, spec={"path": "./a"}, status={})
    )
    installed.turn()
    assert installed.spec["sync"]["path"] == "./a"
    installed.user.delete(ObjectRef(Kind(KUSTOMIZE, "v1", "Kustomization"), NAMESPACE, NAMESPACE))
    installed.clock.advance(5 * MINUTE)
    assert installed.writes(installed.turn) == [f"update {REF}", f"patch {REF}/status"]
    assert "sync" not in installed.spec


def test_rep_8_the_annotation_sets_the_interval(installed: Desk) -> None:
    """The sync has the name that the instance gives it."""
    installed.user.create(
        {
            "apiVersion": names.API_VERSION,
            "kind": names.INSTANCE_KIND,
            "metadata": {"name": INSTANCE.name, "namespace": NAMESPACE},
            "spec": {
                "distribution": {"version": "2.x", "registry": "ghcr.io/fluxcd"},
                "sync": {
                    "kind": "GitRepository", "url": "https://example.com/fleet", "ref": "main",
                    "path": "./a", "name": "custom-sync",
                },
            },
        }
    )  # fmt: skip
    source = {"kind": "GitRepository", "name": "custom-sync"}
    for kind, group, spec in (
        ("Kustomization", KUSTOMIZE, {"sourceRef": source}),
        ("GitRepository", SOURCE, {"url": "https://example.com/fleet"}),
    ):
        installed.user.create(flux(group, kind, "custom-sync", spec=spec))
    installed.turn()
    installed.annotate(every="1m")
    assert installed.turn() == MINUTE
    assert installed.spec["sync"]["id"] == "kustomization/custom-sync"
    assert installed.spec["sync"]["source"] == "https://example.com/fleet"
    assert {series["name"] for series in installed.gauges.series} == {"custom-sync"}
    assert installed.spec["reconcilers"][0]["kind"] == names.INSTANCE_KIND
    assert installed.spec["reconcilers"][0]["stats"]["running"] == 1


def test_a_request_of_a_user_is_answered(desk: Desk) -> None:
    """At once, and the answer can be seen."""
    desk.turn()
    desk.annotate(asked="now")
    assert desk.writes(desk.turn) == [f"patch {REF}/status"]
    assert desk.read()["status"]["lastHandledReconcileAt"] == "now"
    assert desk.turn() == timedelta(minutes=5)
    assert desk.gauges.results == [True, True]


def test_a_deleted_report_comes_back(desk: Desk) -> None:
    """At once."""
    desk.turn()
    desk.user.delete(REF)
    assert desk.writes(desk.turn) == [f"create {REF}", f"patch {REF}/status"]


def test_a_change_of_anything_else_is_no_reason(desk: Desk) -> None:
    """Labels are not looked at; a spec that somebody has edited is set right in time."""
    desk.turn()
    before = desk.spec
    desk.user.patch(REF, {"metadata": {"labels": {"a": "b"}}, "spec": {"operator": None}})
    assert desk.writes(desk.turn) == []
    desk.clock.advance(5 * MINUTE)
    desk.turn()
    assert desk.spec == before
    assert desk.read()["metadata"]["labels"] == {"a": "b"}


def test_a_disabled_report_is_left_alone(desk: Desk) -> None:
    """Until it is enabled again."""
    desk.turn()
    desk.annotate(on="Disabled")
    desk.clock.advance(60 * MINUTE)
    before = len(desk.cluster.gate.asked())
    assert desk.turn() is None
    assert len(desk.cluster.gate.asked()) == before
    desk.annotate(on="enabled")
    desk.turn()
    assert desk.gauges.results == [True, True]


def lived() -> list[Step]:
    """The steps of an instance that is installed, runs twice without news, and is deleted."""
    world = World()
    world.create(annotations={names.RECONCILE_EVERY: "1m"})
    world.reach(State.READY, within=MINUTE)
    world.settle(within=timedelta(minutes=2.5))
    world.delete()
    world.settle(within=MINUTE)
    return world.steps


def test_the_instance_asks_when_it_comes_to_rest_with_news(desk: Desk) -> None:
    """After the installation and the uninstallation; quiet runs ask for nothing."""
    asking = [step.row.dest for step in lived() if desk.reporter.ask(step)]
    assert asking == [State.READY, None]


def test_rep_1_a_request_of_the_instance_can_be_seen(desk: Desk) -> None:
    """As the annotation that the reference sets, in whole seconds, written with the report."""
    desk.turn()
    desk.clock.advance(timedelta(seconds=1.5))
    assert desk.reporter.ask(lived()[-1])
    assert desk.writes(desk.turn) == [f"update {REF}", f"patch {REF}/status"]
    found = desk.read()
    second = str(int(desk.clock.now().timestamp()))
    assert found["metadata"]["annotations"][names.REQUESTED_AT] == second
    assert found["status"]["lastHandledReconcileAt"] == second
    assert desk.writes(desk.turn) == []


def test_half_of_the_time_at_most_goes_into_reports(installed: Desk) -> None:
    """However often they are asked for, and however long they take."""
    installed.cluster.seconds = 1
    began = installed.clock.now()
    installed.turn()
    took = installed.clock.now() - began
    assert took > timedelta(seconds=5)
    installed.reporter.ask(lived()[-1])
    assert installed.turn() == took
    assert installed.gauges.results == [True]
    installed.clock.advance(took)
    installed.turn()
    assert installed.gauges.results == [True, True]


def test_rep_7_the_series_go_with_flux(installed: Desk) -> None:
    """They are not left over, and the entitlement is still reported."""
    installed.user.create(flux(SOURCE, "GitRepository", "some", spec={}))
    installed.turn()
    assert len(installed.gauges.series) == 1
    installed.user.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "flux-operator-entitlement", "namespace": NAMESPACE},
            "data": {"token": "eA==", "vendor": "Y29udHJvbHBsYW5l"},
        }
    )
    for item in list(
        installed.cluster.store.all("apiextensions.k8s.io", "CustomResourceDefinition")
    ):
        if item["spec"]["group"].endswith(".toolkit.fluxcd.io"):
            installed.user.finish(ObjectRef.of(item))
    installed.clock.advance(5 * MINUTE)
    installed.turn()
    assert installed.gauges.series == []
    assert installed.spec["distribution"] == {
        "status": "Not Installed",
        "entitlement": "Issued by controlplane",
    }
    assert "reconcilers" not in installed.spec


def refuse(kind: Kind, verb: str = "list") -> Callable[[Request], bool]:
    """Which requests a fault hits."""
    return lambda request: request.kind == kind and request.verb == verb


@pytest.mark.parametrize(
    ("kind", "blocks"),
    [
        (NODE, set()),
        (Kind("apps", "v1", "Deployment"), {"cluster"}),
        (Kind(SOURCE, "v1", "GitRepository"), {"cluster", "components"}),
        (Kind(names.GROUP, "v1", names.INSTANCE_KIND), {"cluster", "components"}),
    ],
    ids=lambda item: getattr(item, "kind", ""),
)
def test_what_cannot_be_read_ends_the_report(
    installed: Desk, kind: Kind, blocks: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    """What was found before is written; log and condition say what is not known, and why."""
    fault = Fault(error=ForbiddenError(f"listing {kind} (Forbidden)"), matches=refuse(kind))
    installed.cluster.gate.faults.append(fault)
    installed.turn()
    assert installed.spec.keys() == {"distribution", "operator", *blocks}
    assert installed.ready["status"] == "True"
    missing = [part for part in PARTS if part not in blocks]
    text = f"{', '.join(missing)} not known: listing {kind} (Forbidden)"
    assert installed.ready["message"] == f"Reporting finished in 0s; {text}"
    assert text in caplog.text


def refused(desk: Desk, ref: ObjectRef) -> str:
    """Refuse to read an object; return what the API server says to that."""
    text = f"reading {ref} (Forbidden): it is forbidden"
    desk.cluster.gate.faults.append(
        Fault(
            error=ForbiddenError(text),
            matches=lambda request: request.verb == "get" and request.ref == ref,
            times=None,
        )
    )
    return text


def test_a_distribution_that_may_not_be_read_is_unknown(installed: Desk) -> None:
    """Not `Not Installed`: nobody knows; all else is reported, and the reason is not repeated."""
    text = refused(installed, ObjectRef(CRD, "", EVIDENCE))
    installed.turn()
    assert installed.spec["distribution"] == {"status": "Unknown", "entitlement": "Unknown"}
    assert installed.spec.keys() >= {"cluster", "components", "reconcilers"}
    assert installed.ready["message"] == f"Reporting finished in 0s; distribution not known: {text}"
    installed.clock.advance(5 * MINUTE)
    assert installed.writes(installed.turn) == []
    installed.cluster.gate.clear()
    installed.clock.advance(5 * MINUTE)
    installed.turn()
    assert installed.spec["distribution"]["status"] == "Installed"
    assert installed.ready["message"] == "Reporting finished in 0s"


def test_what_is_not_known_is_news(installed: Desk) -> None:
    """Although the report itself says the same as before."""
    installed.turn()
    text = refused(installed, ObjectRef(SECRET, NAMESPACE, ENTITLEMENT))
    installed.clock.advance(5 * MINUTE)
    assert installed.writes(installed.turn) == [f"patch {REF}/status"]
    assert installed.ready["message"] == f"Reporting finished in 0s; entitlement not known: {text}"
    installed.cluster.gate.clear()
    installed.clock.advance(5 * MINUTE)
    assert installed.writes(installed.turn) == [f"patch {REF}/status"]
    assert installed.ready["message"] == "Reporting finished in 0s"


def test_the_sync_of_an_instance_that_cannot_be_read_is_found(installed: Desk) -> None:
    """Another CRD may have admitted the instance; the name of its sync is there all the same."""
    broken = {
        "apiVersion": names.API_VERSION,
        "kind": names.INSTANCE_KIND,
        "metadata": {"name": INSTANCE.name, "namespace": NAMESPACE, "uid": "1"},
        "spec": {"distribution": "2.x", "sync": {"name": "custom-sync"}},
    }
    installed.user.create(flux(KUSTOMIZE, "Kustomization", "custom-sync", spec={"path": "./a"}))
    installed.reports.listen()
    installed.instances.listen()
    installed.instances.put(broken)
    installed.reporter.turn()
    assert installed.spec["sync"]["path"] == "./a"


def test_old_series_stay_where_new_ones_cannot_be_read(installed: Desk) -> None:
    """Half of them would be a lie."""
    installed.user.create(flux(SOURCE, "GitRepository", "some", spec={}))
    installed.turn()
    kind = Kind(KUSTOMIZE, "v1", "Kustomization")
    installed.user.create(flux(SOURCE, "GitRepository", "other", spec={}))
    fault = Fault(error=UnavailableError("away"), matches=refuse(kind))
    installed.cluster.gate.faults.append(fault)
    installed.clock.advance(5 * MINUTE)
    installed.turn()
    assert [series["name"] for series in installed.gauges.series] == ["some"]


def test_a_secret_that_may_not_be_read_is_unknown(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """Log and condition say why."""
    desk.cluster.gate.faults.append(
        Fault(error=ForbiddenError("reading it (Forbidden)"), matches=refuse(SECRET, "get"))
    )
    desk.turn()
    assert desk.spec["distribution"]["entitlement"] == "Unknown"
    assert "reading it (Forbidden)" in caplog.text


def test_a_report_that_cannot_be_saved_is_tried_again(desk: Desk) -> None:
    """Ever later, up to the interval; the metrics are there nevertheless."""
    fault = Fault(
        error=NotFoundError("no such kind"), matches=lambda item: item.mutates, times=None
    )
    desk.cluster.gate.faults.append(fault)
    delays = []
    for _ in range(12):
        delay = desk.turn()
        assert delay is not None
        delays.append(delay.total_seconds())
        desk.clock.advance(delay)
    assert delays[:3] == [0.75, 1.5, 3]
    assert delays[-1] == 300
    assert desk.gauges.identity
    desk.cluster.gate.clear()
    assert desk.turn() == timedelta(minutes=5)
    assert desk.gauges.results == [False] * 12 + [True]


def test_a_report_that_somebody_else_has_changed_is_not_overwritten(desk: Desk) -> None:
    """The annotation that was set meanwhile stays, and is answered."""
    desk.turn()
    desk.reporter.ask(lived()[-1])
    desk.reports.listen()
    desk.instances.listen()
    desk.annotate(asked="meanwhile", every="1m")
    delay = desk.reporter.turn()
    assert delay == timedelta(seconds=0.75)
    desk.clock.advance(delay)
    assert desk.turn() == MINUTE
    found = desk.read()
    assert found["metadata"]["annotations"] == {
        names.RECONCILE_EVERY: "1m",
        names.REQUESTED_AT: "meanwhile",
    }
    assert found["status"]["lastHandledReconcileAt"] == "meanwhile"


def test_a_defect_does_not_make_the_report_hurry(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is made again as late as after any other failure."""
    monkeypatch.setattr(desk.reporter, "_operator", None)
    with pytest.raises(AttributeError):
        desk.turn()
    assert desk.turn() == timedelta(seconds=0.75)
    assert desk.gauges.results == [False]


def test_the_answer_to_a_write_may_get_lost(desk: Desk) -> None:
    """The report is there all the same, and the next try finds it."""
    fault = Fault(
        error=UnavailableError("no answer"),
        matches=lambda item: item.verb == "create",
        when="after",
    )
    desk.cluster.gate.faults.append(fault)
    assert desk.turn() == timedelta(seconds=0.75)
    desk.clock.advance(timedelta(seconds=0.75))
    assert desk.writes(desk.turn) == [f"patch {REF}/status"]


def test_an_instance_that_cannot_be_read_is_no_obstacle(desk: Desk) -> None:
    """Another CRD may have admitted it; the sync then has the name of the namespace."""
    broken = {
        "apiVersion": names.API_VERSION,
        "kind": names.INSTANCE_KIND,
        "metadata": {"name": INSTANCE.name, "namespace": NAMESPACE, "uid": "1"},
        "spec": {"distribution": "2.x", "sync": "none"},
    }
    desk.instances.put(broken)
    desk.reports.listen()
    assert desk.reporter.turn() == timedelta(minutes=5)


def test_nothing_is_done_before_it_is_known_whether_there_is_a_report(desk: Desk) -> None:
    """Or a second one would be made."""
    assert desk.reporter.turn() is None
    assert desk.cluster.gate.log == []


def test_a_race_for_the_first_report_is_lost_without_an_error(desk: Desk) -> None:
    """Somebody has just made one."""
    desk.reports.listen()
    desk.user.create(
        {"apiVersion": REPORT.api_version, "kind": REPORT.kind,
         "metadata": {"name": REF.name, "namespace": NAMESPACE}, "spec": {}}
    )  # fmt: skip
    assert desk.reporter.turn() == timedelta(seconds=0.75)
    desk.clock.advance(timedelta(seconds=0.75))
    desk.turn()
    assert desk.ready["reason"] == "Succeeded"
