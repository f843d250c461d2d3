# SPDX-License-Identifier: Apache-2.0
"""What an API server serves, with the names that people use: two requests for all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fluxsm.adapters.kube.client import KubeClient
from fluxsm.api.objects import Kind

_AGGREGATED: Final = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A kind that is served.

    Attributes:
        kind: at one version.
        plural: as in paths.
        names: what it is called, in lower case: kind, plural, singular and short names.
        namespaced: whether its objects are in namespaces.
    """

    kind: Kind
    plural: str
    names: frozenset[str]
    namespaced: bool


def discover(client: KubeClient) -> tuple[Resource, ...]:
    """All kinds, the core group first; of each group the preferred version comes first.

    Raises:
        ClusterError: the API server cannot be asked.
    """
    found: list[Resource] = []
    for path in ("/api", "/apis"):
        what = f"looking up {path}"
        _, answer = client.request("GET", path, what=what, accept=_AGGREGATED)
        for group in answer.get("items") or ():
            found += _of_group(group)
    return tuple(found)


def _of_group(group: Mapping[str, Any]) -> Iterator[Resource]:
    name = str((group.get("metadata") or {}).get("name") or "")
    for version in group.get("versions") or ():
        for item in version.get("resources") or ():
            kind = str((item.get("responseKind") or {}).get("kind") or "")
            plural = str(item.get("resource") or "")
            singular = str(item.get("singularResource") or "")
            words = {kind.lower(), plural, singular, *(item.get("shortNames") or ())} - {""}
            yield Resource(
                kind=Kind(name, str(version["version"]), kind),
                plural=plural,
                names=frozenset(words),
                namespaced=item.get("scope") == "Namespaced",
            )
