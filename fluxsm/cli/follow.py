# SPDX-License-Identifier: Apache-2.0
"""Follow the objects of a kind for as long as a command runs, over ends and breaks of the watch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fluxsm.api.objects import Kind
from fluxsm.errors import ExpiredError, UnavailableError

if TYPE_CHECKING:
    from fluxsm.core.ports import Cluster, WatchEvent

PAUSE_SECONDS: Final = 1.0
"""Between two attempts to reach an API server that is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What is followed.

    Attributes:
        kind: of the objects.
        namespace: empty for all.
        labels: selector.
        fields: selector, such as `metadata.name=flux`.
    """

    kind: Kind
    namespace: str = ""
    labels: str = ""
    fields: str = ""


def follow(
    cluster: Cluster,
    what: Followed,
    *,
    on_break: Callable[[str], None] = lambda _: None,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[WatchEvent]:
    """The objects that exist, SYNCED, then what happens to them; without end.

    After a break it goes on where it was. When the API server has forgotten that place, everything
    comes again, with another SYNCED.

    Args:
        cluster: the API server.
        what: is followed.
        on_break: called with the reason when the API server is away.
        pause: waits before the next attempt.

    Raises:
        ClusterError: the watch is refused.
    """
    version, synced = "", False
    while True:
        try:
            for event in cluster.watch(
                what.kind,
                namespace=what.namespace,
                labels=what.labels,
                fields=what.fields,
                resource_version=version if synced else "",
            ):
                synced = synced or event.type == "SYNCED"
                version = str(event.manifest["metadata"].get("resourceVersion") or version)
                if event.type != "BOOKMARK":
                    yield event
        except ExpiredError:
            version, synced = "", False
        except UnavailableError as error:
            on_break(str(error))
            pause(PAUSE_SECONDS)
