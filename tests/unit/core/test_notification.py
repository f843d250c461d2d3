# SPDX-License-Identifier: Apache-2.0
"""What is sent to notification-controller, and where."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from fluxsm.api import names
from fluxsm.core.notification import address, is_retried, metadata, payload, wait_before

ALL = names.DEFAULT_COMPONENTS


@pytest.mark.parametrize(
    ("components", "override", "disabled", "url"),
    [
        pytest.param(
            ALL,
            "",
            False,
            "http://notification-controller.flux-system.svc.cluster.local./",
            id="the controller of the instance",
        ),
        pytest.param(("source-controller",), "", False, "", id="there is none"),
        pytest.param(ALL, "", True, "", id="switched off"),
        pytest.param(ALL, "http://x", False, "http://x", id="another address"),
        pytest.param(
            (), "http://x", True, "http://x", id="another address whether or not it is there"
        ),
    ],
)
def test_the_address(components: tuple[str, ...], override: str, disabled: bool, url: str) -> None:
    """The first rule that applies: VAL-12."""
    assert (
        address(
            components,
            namespace="flux-system",
            domain="cluster.local",
            override=override,
            disabled=disabled,
        )
        == url
    )


def test_the_address_follows_namespace_and_domain() -> None:
    """Both can be chosen: VAL-11."""
    url = address(ALL, namespace="gitops", domain="corp.example")
    assert url == "http://notification-controller.gitops.svc.corp.example./"


def test_metadata_is_passed_on() -> None:
    """Annotations for events and the revision, and nothing else."""
    annotations = {"event.toolkit.fluxcd.io/team": "a", "other": "b"}
    assert metadata(annotations, "v2.8.8@sha256:x") == {
        "event.toolkit.fluxcd.io/team": "a",
        "fluxcd.controlplane.io/revision": "v2.8.8@sha256:x",
    }
    assert metadata({}, "") == {}


INSTANCE = {
    "apiVersion": "fluxcd.controlplane.io/v1",
    "kind": "FluxInstance",
    "metadata": {"name": "flux", "namespace": "flux-system", "uid": "u", "resourceVersion": "5"},
}


@pytest.mark.parametrize(("type_", "severity"), [("Warning", "error"), ("Normal", "info")])
def test_the_body(type_: str, severity: str) -> None:
    """Every field that notification-controller knows; the time is in UTC."""
    now = datetime(2026, 1, 1, 13, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=1)))
    body = payload(
        INSTANCE,
        type_=type_,
        reason="Why",
        message="text",
        metadata={"a": "b"},
        now=now,
        host="flux-operator-0",
    )
    assert body == {
        "involvedObject": {
            "apiVersion": "fluxcd.controlplane.io/v1",
            "kind": "FluxInstance",
            "name": "flux",
            "namespace": "flux-system",
            "uid": "u",
            "resourceVersion": "5",
        },
        "severity": severity,
        "timestamp": "2026-01-01T12:00:00.250000Z",
        "message": "text",
        "reason": "Why",
        "metadata": {"a": "b"},
        "reportingController": "flux-operator",
        "reportingInstance": "flux-operator-0",
    }


def test_the_time_of_a_whole_second() -> None:
    """Is written without a fraction."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    body = payload(INSTANCE, type_="", reason="", message="", metadata={}, now=now, host="")
    assert body["timestamp"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("status", "retried"),
    [
        (None, True),
        (500, True),
        (503, True),
        (501, False),
        (429, False),
        (400, False),
        (202, False),
    ],
)
def test_what_is_sent_again(status: int | None, retried: bool) -> None:
    """No answer, and what the server has to answer for."""
    assert is_retried(status) is retried


@pytest.mark.parametrize(
    ("retry", "seconds"), [(0, 1), (1, 1), (2, 2), (3, 4), (4, 8), (6, 30), (10**6, 30)]
)
def test_waits_double_up_to_a_limit(retry: int, seconds: int) -> None:
    """From one second to thirty."""
    assert wait_before(retry) == timedelta(seconds=seconds)
