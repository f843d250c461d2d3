# SPDX-License-Identifier: Apache-2.0
"""What holds for any request to migrate."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fluxsm.api import names
from fluxsm.core import force
from tests.property.strategies import check


@check
@given(
    st.dictionaries(st.sampled_from([names.FORCE_AT, names.REQUESTED_AT]), st.sampled_from("ab")),
    st.dictionaries(
        st.sampled_from(["lastHandledForceAt", "lastHandledReconcileAt"]), st.sampled_from("ab")
    ),
)
def test_a_force_request_that_is_done_is_over(
    annotations: dict[str, str], status: dict[str, str]
) -> None:
    """Writing the token to the status ends it; a run that only looked does not."""
    token = annotations.get(names.FORCE_AT, "")
    looked = {**status, "lastHandledReconcileAt": annotations.get(names.REQUESTED_AT, "")}
    forced = force.is_forced(annotations, status)
    assert force.is_forced(annotations, looked) is forced
    assert not force.is_forced(annotations, {**status, "lastHandledForceAt": token})
