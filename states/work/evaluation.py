# SPDX-License-Identifier: Apache-2.0
"""Keep the starter distribution, which is for evaluation, out of a cluster with a real Flux.

Its definitions have open schemas. Over those of a release, nothing would be lost at once; but the
API server would no longer check or default a field of what people apply from then on.
"""

from __future__ import annotations

from collections.abc import Iterator

from fluxsm.api.objects import CRD, ObjectRef
from fluxsm.build.distribution import Distribution
from fluxsm.build.pipeline import BuildResult
from fluxsm.core.ports import Cluster
from fluxsm.errors import BuildError, NotFoundError
from fluxsm.objects.definition import describes_spec


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
        BuildError: naming the definitions, and what to do.
        ClusterError: a definition cannot be read.
    """
    if not distribution.is_starter or applied == result.revision:
        return
    found = list(_described(result, cluster))
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise BuildError(
            f"{distribution.source} is the starter distribution, for evaluation only, and"
            f" would open the schema of {found[0]}{more}, which came with a real Flux: name the"
            " official manifests, with spec.distribution.artifact or with an operator that has them"
        )


def _described(result: BuildResult, cluster: Cluster) -> Iterator[ObjectRef]:
    """Definitions whose schema describes the spec in the cluster, and not in the build."""
    for wanted in result.objects:
        ref = ObjectRef.of(wanted)
        if ref.kind != CRD or describes_spec(wanted):
            continue
        try:
            live = cluster.get(ref)
        except NotFoundError:
            continue
        if describes_spec(live):
            yield ref
