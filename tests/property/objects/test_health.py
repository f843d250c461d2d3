# SPDX-License-Identifier: Apache-2.0
"""What holds for any object."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fluxsm.objects import health, kstatus, pods
from tests.property.strategies import JSON, NOW, WORDS, check

STATUS_KEYS = st.sampled_from(
    ["replicas", "readyReplicas", "conditions", "phase", "observedGeneration", "startTime"]
)
LIVE_OBJECTS = st.fixed_dictionaries(
    {
        "apiVersion": st.sampled_from(["v1", "apps/v1", "batch/v1", "apiextensions.k8s.io/v1"]),
        "kind": st.sampled_from([*sorted({kind for _, kind in kstatus.RULES}), "Bucket"]),
        "metadata": st.fixed_dictionaries({"name": WORDS}, optional={"generation": JSON}),
    },
    optional={
        "spec": st.dictionaries(st.sampled_from(["replicas", "suspend", "type"]), JSON) | JSON,
        "status": st.dictionaries(STATUS_KEYS, JSON) | JSON,
    },
)


@check
@given(LIVE_OBJECTS)
def test_any_object_has_a_health(obj: dict[str, Any]) -> None:
    """Whatever shape it has, there is an answer in words, and the object is left as it is."""
    before = copy.deepcopy(obj)
    found = health.assess(obj, NOW)
    assert isinstance(found.status, kstatus.Status)
    assert found.message
    for lasts in (lambda _: True, lambda _: False):
        failure = pods.pod_failure(obj, lasts)
        assert failure is None or isinstance(failure, str)
    assert all(isinstance(key, str) for key in pods.troubles(obj))
    assert pods.pod_trouble(obj) is None or isinstance(pods.pod_trouble(obj), str)
    assert obj == before


COUNTS = st.integers(0, 3)


@check
@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_a_deployment_is_current_only_when_all_its_pods_are(
    want: int, replicas: int, updated: int, available: int, ready: int
) -> None:
    """No mixture of numbers passes but the one where every pod is new, ready and available."""
    obj = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "spec": {"replicas": want},
        "status": {
            "replicas": replicas,
            "updatedReplicas": updated,
            "availableReplicas": available,
            "readyReplicas": ready,
            "conditions": [{"type": "Available", "status": "True"}],
        },
    }
    done = replicas == want and updated >= want and available >= updated and ready >= want
    assert kstatus.status_of(obj, NOW).is_current is done
