# SPDX-License-Identifier: Apache-2.0
"""How an explanation reads."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from fluxsm.cli.explanation import data, lines
from fluxsm.core.explanation import explain
from states.table import TABLE
from tests.unit.core.test_explanation import SINCE, WAITING, condition, instance

NOW = datetime(2026, 1, 1, 12, 1, 10, tzinfo=UTC)
NAME = "FluxInstance/flux-system/flux"
CHECKING = instance(
    condition(names.RECONCILING, "True", names.PROGRESSING, WAITING),
    condition(names.READY, "Unknown", names.PROGRESSING, WAITING),
    state="HealthChecking",
    stateSince=SINCE,
    lastTransition={"from": "Applying", "event": "Applied"},
)


def shown(manifest: Manifest, *, now: datetime = NOW, columns: int = 100) -> str:
    """The text of an instance."""
    return "\n".join(lines(NAME, explain(manifest, TABLE), now, columns))


def test_a_wait_reads_like_this() -> None:
    """State, event, object, limit and ways, in this order."""
    text = shown(CHECKING)
    assert text.startswith(
        f"{NAME} is HealthChecking since 2026-01-01T12:00:00Z (1m10s ago)\n"
        "Everything was applied and is watched until all of it is healthy.\n"
        "\n"
        "Because     Applied in Applying: everything is applied, and what is stale removed\n"
        "Waits for   ◎ Deployment/flux-system/source-controller: 0/1 ready\n"
        "Limit       1m10s of 5m0s; at 2026-01-01T12:05:00Z Expired (HealthCheckFailed)\n"
    )
    assert text.index("Healthy → Ready ") < text.index("Changed → Pending ")
    assert text.count("0/1 ready") == 2
    assert "• Ready=Unknown Progressing since 2026-01-01T12:00:30Z (40s ago)" in text
    assert "✗" not in text


def test_a_limit_that_passed_long_ago_means_that_nobody_works() -> None:
    """It says so, and where to look."""
    text = shown(CHECKING, now=NOW + timedelta(minutes=9))
    assert "✗ What was due has not happened: the operator is not running" in text


def test_failed_names_the_retry_and_the_remedy() -> None:
    """The moment, and the runbook entry of the reason."""
    text = shown(
        instance(
            condition(names.READY, "False", names.BUILD_FAILED, "build failed: no version"),
            state="Failed",
            stateSince=SINCE,
            nextTransition={"event": "Due", "at": "2026-01-01T12:02:10Z"},
        )
    )
    assert "Next        Due at 2026-01-01T12:02:10Z (in 1m0s)\n" in text
    assert "✗ Ready=False BuildFailed" in text
    assert "  Remedy    Correct the field that the message names" in text


def test_ready_and_suspended_say_what_comes() -> None:
    """A rhythm, or nothing at all."""
    ready = shown(
        instance(state="Ready", stateSince=SINCE, nextTransition={"event": "Due", "every": "1h"})
    )
    assert "Next        Due about every 1h0m0s\n" in ready
    metadata = {"annotations": {names.RECONCILE: "disabled"}}
    suspended = shown(instance(state="Suspended", stateSince=SINCE, metadata=metadata))
    assert "Next        nothing happens by itself" in suspended


def test_the_fields_of_the_reference_are_called_that() -> None:
    """So that nobody takes a guess for a fact."""
    text = shown(instance(condition(names.READY, "True", names.RECONCILIATION_SUCCEEDED)))
    assert "is Ready since" in text
    assert "• The status has only the fields of the reference operator" in text


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_no_line_is_wider_than_asked_for(columns: int) -> None:
    """Words are not cut, and none here is that long."""
    assert max(map(len, shown(CHECKING, columns=columns).splitlines())) <= columns


def test_programs_get_the_same() -> None:
    """Every fact of the text, with null for what is not known."""
    found = data(NAME, explain(CHECKING, TABLE), NOW)
    assert json.loads(json.dumps(found)) == found
    assert found["state"] == "HealthChecking"
    assert found["because"]["event"] == "Applied"
    assert found["waits"] == [
        {"object": "Deployment/flux-system/source-controller", "why": "0/1 ready"}
    ]
    assert found["limit"]["at"] == "2026-01-01T12:05:00Z"
    assert found["next"] is None
