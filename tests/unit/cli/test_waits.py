# SPDX-License-Identifier: Apache-2.0
"""Waits: when they are over, and what is shown meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click
import pytest

from fluxsm.api import names
from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.cli.talk import Mark
from fluxsm.cli.waits import row
from fluxsm.cli.waits.progress import Lines, Live
from fluxsm.cli.waits.readiness import gone, ready
from fluxsm.errors import HealthError, UsageError

REF = ObjectRef(Kind(names.GROUP, "v1", names.INSTANCE_KIND), "flux-system", "flux")
NOW = datetime(2026, 11, 29, tzinfo=UTC)


def instance(
    status: str = "True", reason: str = "Succeeded", *, observed: int = 2, handled: str = ""
) -> Manifest:
    """An instance of generation 2."""
    ready_condition = {
        "type": "Ready", "status": status, "reason": reason, "message": "words",
        "observedGeneration": observed,
    }  # fmt: skip
    return {
        "apiVersion": "fluxcd.controlplane.io/v1",
        "kind": "FluxInstance",
        "metadata": {"name": "flux", "namespace": "flux-system", "generation": 2},
        "status": {"conditions": [ready_condition], "lastHandledReconcileAt": handled},
    }


def test_ready_ends_the_wait() -> None:
    """With the message; not before the newest spec, nor the request, was handled."""
    assert ready(REF)(instance()) == "words"
    assert ready(REF)(instance(observed=1)) is None
    assert ready(REF)(instance(status="Unknown")) is None
    assert ready(REF)(None) is None
    assert ready(REF)({"metadata": {"generation": 1}}) is None
    assert ready(REF, "now")(instance(handled="before")) is None
    assert ready(REF, "now")(instance(handled="now")) == "words"


def test_a_failure_ends_it_unless_it_was_canceled() -> None:
    """A failure of before the request is none."""
    with pytest.raises(HealthError, match="BuildFailed: words"):
        ready(REF)(instance("False", "BuildFailed"))
    assert ready(REF)(instance("False", names.HEALTH_CHECK_CANCELED)) is None
    assert ready(REF, "now")(instance("False", "BuildFailed", handled="before")) is None


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"annotations": {names.RECONCILE: "disabled"}, "generation": 2}},
        {"spec": {"suspend": True}},
    ],
)
def test_what_is_suspended_is_not_waited_for(change: dict[str, Any]) -> None:
    """Whichever way it was done; the step is a command."""
    with pytest.raises(UsageError, match=r"Reconciliation is disabled for .*/flux; fluxsm resume"):
        ready(REF, "now")(instance() | change)


def test_what_is_deleted_meanwhile_is_an_error_for_a_request() -> None:
    """It will never be answered. A deletion that is waited for is over then."""
    with pytest.raises(UsageError, match="deleted meanwhile"):
        ready(REF, "now")(None)
    assert gone(None) == "Deletion completed"
    assert gone(instance()) is None


def test_rows() -> None:
    """State or reason of what is waited for; that it is still Ready is about what was before."""
    found = row.of_main(REF, instance("Unknown", "Progressing"))
    assert (found.mark, found.status, found.message) == (Mark.WAITING, "Progressing", "words")
    assert row.of_main(REF, instance()).status == "Asked"
    assert row.of_main(REF, instance("False", "BuildFailed")).mark is Mark.FAILED
    assert row.of_main(REF, None).status == "Missing"
    assert row.of_main(REF, {"status": {"conditions": 1}}).status == "Unknown"
    workload = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}}
    assert row.of_other(workload, NOW).status == "InProgress"


def deployment(name: str, status: str = "InProgress", message: str = "0/1 ready") -> row.Row:
    """A row; one that is done with the status Current."""
    mark = Mark.DONE if status == "Current" else Mark.WAITING
    return row.Row(name=name, mark=mark, status=status, message=message)


def shown(*rows: row.Row) -> dict[str, row.Row]:
    """Rows by name."""
    return {item.name: item for item in rows}


def test_lines_say_what_is_new(capsys: pytest.CaptureFixture[str]) -> None:
    """What is done from the start is no news; a long pause is broken by a reminder."""
    lines = Lines()
    lines.show(shown(deployment("a"), deployment("b", "Current", "fine")), "1s of 1m0s", 1)
    lines.show(shown(deployment("a"), deployment("b", "Current", "fine")), "2s of 1m0s", 2)
    lines.show(shown(deployment("a", "Current", "fine")), "3s of 1m0s", 3)
    lines.show(shown(deployment("a", "Current", "fine")), "32s of 1m0s", 32)
    lines.show(shown(deployment("a", "Current", "fine")), "33s of 1m0s", 33)
    assert click.unstyle(capsys.readouterr().err).splitlines() == [
        "◎ a InProgress: 0/1 ready (1s of 1m0s)",
        "✔ a Current: fine (3s of 1m0s)",
        "◎ still waiting (33s of 1m0s)",
    ]


def test_a_table_is_drawn_over_itself_and_fits() -> None:
    """Each line is shorter than the terminal is wide, or going up would miss lines."""
    written: list[str] = []
    live = Live(lambda: (50, 24), written.append)
    rows = shown(
        deployment("Deployment/flux-system/a", message="word " * 30), deployment("Deployment/long")
    )
    live.show(rows, "1s of 1m0s", 1)
    live.show(rows, "2s of 1m0s", 2)
    live.end()
    first, second, last = map(click.unstyle, written)
    assert first.splitlines() == [
        "◎ Deployment/a     InProgress  word word word wo…",
        "◎ Deployment/long  InProgress  0/1 ready",
        "◎ 1s of 1m0s",
    ]
    assert max(map(len, first.splitlines())) < 50
    assert written[1].startswith("\x1b[3A\r\x1b[J")
    assert second.splitlines()[-1] == "◎ 2s of 1m0s"
    assert last.splitlines()[-1] == "◎ Deployment/long  InProgress  0/1 ready"


def test_a_low_terminal_shows_what_is_not_done() -> None:
    """A table that is longer than the screen could not be drawn over."""
    written: list[str] = []
    done = [deployment(f"D/done-{number}", "Current") for number in range(10)]
    Live(lambda: (80, 6), written.append).show(shown(*done, deployment("D/late")), "1s of 1m", 1)
    lines = click.unstyle(written[0]).splitlines()
    assert len(lines) == 4
    assert any("late" in line for line in lines)


def test_a_message_cannot_control_the_terminal() -> None:
    """It comes from the cluster."""
    written: list[str] = []
    live = Live(lambda: (80, 24), written.append)
    live.show(shown(deployment("D/a", message="x\x1b[2Jy\nz")), "1s of 1m", 1)
    assert "x [2Jy z" in click.unstyle(written[0])
