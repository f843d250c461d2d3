# SPDX-License-Identifier: Apache-2.0
"""Keep the starter distribution, which is for evaluation, out of a cluster with a real Flux.

Its definitions have open schemas. Over those of a release, nothing would be lost at once; but the
API server would no longer check or default a field of what people apply from then on.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from fluxsm.api.objects import CRD, ObjectRef
from fluxsm.build.distribution import Distribution
from fluxsm.build.pipeline import BuildResult
from fluxsm.core.ports import Cluster
from fluxsm.errors import BuildError, NotFoundError
from fluxsm.objects.definition import describes_spec

_SOURCE: Final = "gitrepositories.source.toolkit.fluxcd.io"


def refuse_open_schemas(
    distribution: Distribution, applied: str, result: BuildResult, cluster: Cluster
) -> None:
    """Refuse a build from the starter distribution that would open a schema in the cluster.

    Nothing is asked for while the revision is the one that was applied last.

    Args:
        distribution: what was built from.
        applied: the revision that was applied last, empty before the first one.
        result: the build.
        cluster: where it would be applied.

    Raises:
        BuildError: naming a definition, and what to do.
        ClusterError: a definition cannot be read.
    """
    if not distribution.is_starter or applied == result.revision:
        return
    found = _described(result, cluster)
    if found is not None:
        raise BuildError(
            f"{distribution.source} is the starter distribution, for evaluation only, and"
            f" would open the schemas of a real Flux, such as that of {found}: name the"
            " official manifests, with spec.distribution.artifact or with an operator that has them"
        )


def _described(result: BuildResult, cluster: Cluster) -> ObjectRef | None:
    """A definition whose schema describes the spec in the cluster, and not in the build.

    One is looked at, for one request: those of a release all do, and no Flux is without sources.
    """
    open_ones = [
        ref
        for item in result.objects
        if (ref := ObjectRef.of(item)).kind == CRD and not describes_spec(item)
    ]
    for found in sorted(open_ones, key=lambda ref: ref.name != _SOURCE)[:1]:
        with suppress(NotFoundError):
            return found if describes_spec(cluster.get(found)) else None
    return None
