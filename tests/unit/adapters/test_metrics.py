# SPDX-License-Identifier: Apache-2.0
"""The page of metrics shows what was counted, by the names that are documented."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from fluxsm.adapters.metrics import METRICS, RESOURCE, PrometheusMetrics

INSTANCE = {
    "uid": "1", "kind": "FluxInstance", "name": "flux", "exported_namespace": "flux-system",
    "ready": "True", "reason": "ReconciliationSucceeded", "suspended": "False",
    "registry": "ghcr.io/fluxcd", "revision": "v2.8.8",
}  # fmt: skip
RESOURCES = [{**dict.fromkeys(RESOURCE.labels, ""), "name": name} for name in ("a", "b")]


def samples(metrics: PrometheusMetrics) -> dict[str, float]:
    """The samples on the page, labels in the name."""
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(metrics.page().decode())
        for sample in family.samples
    }


def busy() -> PrometheusMetrics:
    """Metrics of an operator to which everything has happened once."""
    metrics = PrometheusMetrics()
    metrics.instance(INSTANCE)
    metrics.transition("Applying", "Applied", "HealthChecking", 0.7)
    metrics.transition("HealthChecking", "Healthy", "Ready", 2, result="success")
    metrics.drift(3)
    metrics.blocked("ArtifactFailed")
    metrics.request("PATCH", 200)
    metrics.watch_restarted("Deployment")
    metrics.woken(0.05)
    metrics.resources(RESOURCES)
    metrics.operator({"version": "v1", "api_version": "a/v1", "platform": "linux/amd64"})
    metrics.reported(well=False)
    return metrics


def test_everything_that_is_documented_is_on_the_page() -> None:
    """And nothing else but what the process itself tells."""
    families = text_string_to_metric_families(busy().page().decode())
    found = {(family.name, family.documentation) for family in families}
    ours = {item for item in found if not item[0].startswith("process_")}
    assert ours == {(metric.name.removesuffix("_total"), metric.help) for metric in METRICS}


def test_what_was_counted_is_shown() -> None:
    """Each number with its labels."""
    found = samples(busy())
    row = [("dest", "Ready"), ("event", "Healthy"), ("source", "HealthChecking")]
    assert found[f"fluxsm_transitions_total{row}"] == 1
    assert found[f"fluxsm_state_seconds_sum{[('state', 'HealthChecking')]}"] == 2
    assert found[f"fluxsm_state{[('state', 'Ready')]}"] == 1
    assert found[f"fluxsm_state{[('state', 'HealthChecking')]}"] == 0
    assert found["fluxsm_drift_repairs_total[]"] == 3
    assert found[f"fluxsm_upgrades_blocked_total{[('reason', 'ArtifactFailed')]}"] == 1
    assert found[f"rest_client_requests_total{[('code', '200'), ('method', 'PATCH')]}"] == 1
    assert found[f"fluxsm_watch_restarts_total{[('kind', 'Deployment')]}"] == 1
    name = ("name", "fluxinstance")
    assert found[f"workqueue_queue_duration_seconds_count{[name]}"] == 1
    assert found[f"workqueue_queue_duration_seconds_bucket{[('le', '0.01'), name]}"] == 0
    assert found[f"workqueue_queue_duration_seconds_bucket{[('le', '0.1'), name]}"] == 1
    success = [("controller", "fluxinstance"), ("result", "success")]
    assert found[f"controller_runtime_reconcile_total{success}"] == 1
    error = [("controller", "fluxreport"), ("result", "error")]
    assert found[f"controller_runtime_reconcile_total{error}"] == 1


def test_an_instance_has_one_series_that_goes_with_it() -> None:
    """A change of a label replaces it."""
    metrics = busy()
    metrics.instance({**INSTANCE, "suspended": "True"})
    (series,) = (name for name in samples(metrics) if name.startswith("flux_instance_info"))
    assert "('suspended', 'True')" in series
    metrics.instance(None)
    assert not [name for name in samples(metrics) if name.startswith("flux_instance_info")]


def resources(metrics: PrometheusMetrics) -> list[dict[str, str]]:
    """The labels of all series of `flux_resource_info`, as a scraper reads them."""
    return [
        sample.labels
        for family in text_string_to_metric_families(metrics.page().decode())
        for sample in family.samples
        if sample.name == "flux_resource_info" and sample.value == 1
    ]


def test_met_5_the_series_of_resources_are_replaced_as_a_whole() -> None:
    """Those of objects that are gone go."""
    metrics = busy()
    assert resources(metrics) == RESOURCES
    metrics.resources(iter(RESOURCES[1:]))
    assert resources(metrics) == RESOURCES[1:]
    metrics.resources(())
    assert resources(metrics) == []


def test_a_scrape_never_sees_half_of_the_resources() -> None:
    """While they are read the old ones are shown, and when that fails too."""
    metrics = busy()

    def half() -> Iterator[dict[str, str]]:
        yield RESOURCES[0]
        assert resources(metrics) == RESOURCES
        raise ConnectionError

    with pytest.raises(ConnectionError):
        metrics.resources(half())
    assert resources(metrics) == RESOURCES


@given(st.lists(st.text()))
def test_any_label_is_read_back_as_it_was(texts: list[str]) -> None:
    """Quotes, backslashes and ends of lines too."""
    metrics = PrometheusMetrics()
    series = [{**RESOURCES[0], "path": text, "uid": text} for text in texts]
    metrics.resources(series)
    assert resources(metrics) == series
