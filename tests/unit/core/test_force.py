# SPDX-License-Identifier: Apache-2.0
"""When all custom resources are rewritten."""

from __future__ import annotations

from typing import Any

import pytest

from fluxsm.api import names
from fluxsm.core.force import is_forced, is_minor_upgrade


def tokens(force: str | None, requested: str | None) -> dict[str, str]:
    """Make the annotations of a request."""
    given = {names.FORCE_AT: force, names.REQUESTED_AT: requested}
    return {key: value for key, value in given.items() if value is not None}


@pytest.mark.parametrize(
    ("force", "requested", "status", "forced"),
    [
        pytest.param("t1", "t1", {}, True, id="a pair of equal tokens"),
        pytest.param("t1", "t2", {}, False, id="different tokens"),
        pytest.param("t1", None, {}, False, id="force alone"),
        pytest.param(None, "t1", {}, False, id="a request alone"),
        pytest.param(None, None, {}, False, id="nothing"),
        pytest.param("", "", {}, False, id="empty tokens"),
        pytest.param("t1", "t1", {"lastHandledForceAt": "t1"}, False, id="done already"),
        pytest.param("t2", "t2", {"lastHandledForceAt": "t1"}, True, id="asked again"),
        pytest.param(
            "t1", "t1", {"lastHandledReconcileAt": "t1"}, True, id="pending since a failed run"
        ),
    ],
)
def test_a_forced_migration(
    force: str | None, requested: str | None, status: dict[str, Any], forced: bool
) -> None:
    """Asked for once, and pending until it is done."""
    assert is_forced(tokens(force, requested), status) is forced


@pytest.mark.parametrize(
    ("applied", "built", "implied"),
    [
        pytest.param("v2.7.5@sha256:a", "v2.8.0@sha256:b", True, id="a higher minor"),
        pytest.param("2.7.5", "2.8.0", True, id="without prefix and digest"),
        pytest.param("v2.7.5@sha256:a", "v2.7.6@sha256:b", False, id="a patch"),
        pytest.param("v2.8.0@sha256:a", "v2.7.5@sha256:b", False, id="a lower minor"),
        pytest.param("v1.9.0@sha256:a", "v2.10.0@sha256:b", False, id="another major"),
        pytest.param("", "v2.8.0@sha256:b", False, id="a first installation"),
        pytest.param("v2.8.0@sha256:b", "main", False, id="no version at all"),
    ],
)
def test_an_upgrade_that_implies_a_migration(applied: str, built: str, implied: bool) -> None:
    """Only a higher minor of the same major does."""
    assert is_minor_upgrade(applied, built) is implied
