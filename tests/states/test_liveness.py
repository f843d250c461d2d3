# SPDX-License-Identifier: Apache-2.0
"""With a fault that never stops, a deletion ends, a suspension rests, and nothing floods."""

from __future__ import annotations

import pytest

from fluxsm.simulation.liveness import CASES, Case, broken_laws, prepare
from states.table import TABLE


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_single_fault_breaks_liveness(case: Case) -> None:
    """Each port call, refused for good: the laws of `fluxsm check-machine` hold."""
    assert [broken.text for broken in broken_laws(case, prepare(TABLE))] == []
