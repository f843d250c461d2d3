# SPDX-License-Identifier: Apache-2.0
"""What counts as running, failing and suspended, and how sizes are written."""

from __future__ import annotations

from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.errors import MalformedError
from fluxsm.report.counts import count, format_size


def flux(*, ready: str = "", reason: str = "Some", suspend: bool = False, size: int = 0) -> Any:
    """A Flux object."""
    conditions = [{"type": "Ready", "status": ready, "reason": reason}] if ready else []
    return {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": "some"},
        "spec": {"suspend": suspend},
        "status": {"conditions": conditions, "artifact": {"size": size}},
    }


def own(**metadata: Any) -> Any:
    """An object of the operator's own kinds."""
    return {"apiVersion": names.API_VERSION, "kind": names.INSTANCE_KIND, "metadata": metadata}


def test_rep_10_what_waits_for_others_has_not_failed() -> None:
    """A failing object counts as running too."""
    found = count(
        [
            flux(ready="True"),
            flux(ready="False", reason="BuildFailed"),
            flux(ready="False", reason="DependencyNotReady"),
        ]
    )
    assert (found.running, found.failing, found.suspended) == (3, 1, 0)


def test_what_is_suspended_neither_runs_nor_fails() -> None:
    """But its artifact takes room."""
    found = count([flux(ready="False", suspend=True, size=1536), flux(), flux(ready="Unknown")])
    assert (found.running, found.failing, found.suspended) == (2, 0, 1)
    assert found.total_size == "1.5 KiB"


def test_own_kinds_are_suspended_by_a_word() -> None:
    """In upper or lower case, as annotation or label; what their spec says does not count."""
    word = {names.RECONCILE: "Disabled"}
    found = count(
        [
            own(annotations=word),
            own(labels=word),
            own(annotations={names.RECONCILE: "enabled"}),
            own() | {"spec": {"suspend": True}},
        ]
    )
    assert (found.running, found.suspended) == (2, 2)
    assert found.total_size is None


def test_a_flux_object_is_not_suspended_by_that_word() -> None:
    """Only its spec suspends it."""
    assert count([flux() | {"metadata": {"annotations": {names.RECONCILE: "disabled"}}}]).running


def test_nothing_is_nothing() -> None:
    """No size is written."""
    assert count([]).model_dump(exclude_none=True) == {"running": 0, "failing": 0, "suspended": 0}


def test_broken_data_is_not_counted() -> None:
    """A size that is no number is an error, not nothing."""
    with pytest.raises(MalformedError, match=r"status\.artifact\.size"):
        count([flux() | {"status": {"artifact": {"size": "large"}}}])


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, ""),
        (512, "512 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (1048576, "1.0 MiB"),
        (5242880, "5.0 MiB"),
        (1073741824, "1.0 GiB"),
        (2**40, "1.0 TiB"),
        (2**50, "1.0 PiB"),
        (2**60, "1.0 EiB"),
        (2**71, "2048.0 EiB"),
    ],
)
def test_rep_11_sizes_have_binary_units(size: int, text: str) -> None:
    """And one digit after the point from 1 KiB on."""
    assert format_size(size) == text
