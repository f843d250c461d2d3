# SPDX-License-Identifier: Apache-2.0
"""What the world looks like in the end, so that two ends can be compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from fluxsm.api import names
from fluxsm.api.objects import CRD, ObjectRef
from fluxsm.objects import inventory, ownership
from fluxsm.simulation.kinds import custom
from fluxsm.simulation.world import NAMESPACE, World

_INCIDENTAL: Final = frozenset(
    {
        "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields",
        "lastTransitionTime", "observedGeneration", "stateSince", "history", "nextTransition",
        "lastTransition", "time",
    }
)  # fmt: skip
_TOOK: Final = re.compile(r"in [0-9a-zµ.]+$")


def picture(world: World) -> Mapping[str, Any]:
    """Every object as it is, without what no two runs have in common."""
    return {
        str(ObjectRef.of(item)): plain(item)
        for item in world.cluster.store.everything()
        if item["kind"] != "Event"
    }


def plain(value: Any) -> Any:
    """Data without times, versions and identities."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in _INCIDENTAL}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return _TOOK.sub("in a moment", value) if isinstance(value, str) else value


def orphans(world: World) -> list[str]:
    """Objects that carry our label, but that nothing would ever remove."""
    found = world.read()
    listed = inventory.ids(inventory.of_status(found)) if found else frozenset()
    return sorted(
        str(ObjectRef.of(item))
        for item in world.cluster.store.everything()
        if ownership.is_owned(item, names.SINGLETON, NAMESPACE)
        and not ownership.is_prune_disabled(item)
        and inventory.Entry.of(ObjectRef.of(item)).id not in listed
        and not item["metadata"].get("deletionTimestamp")
    )


def unreadable(world: World) -> list[str]:
    """Custom resources that are stored in a version that their CRD does not list any more."""
    store = world.cluster.store
    lost = []
    for crd in store.peek(CRD.group, CRD.kind):
        served = custom(crd)
        known = {item["name"] for item in crd["spec"]["versions"]}
        for item in store.peek(served.group, served.kind):
            ref = ObjectRef.of(item)
            if store.stored_at[ref.identity] not in known:
                lost.append(f"{ref} at {store.stored_at[ref.identity]}")
    return lost
