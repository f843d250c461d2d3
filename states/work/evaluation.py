# SPDX-License-Identifier: Apache-2.0
"""Keep the starter distribution, which is for evaluation, out of a cluster with a real Flux.

Its definitions have open schemas. Over those of a release, nothing would be lost at once; but the
API server would no longer check or default a field of what people apply from then on.
"""

from __future__ import annotations

from collections.abc import Iterator

from fluxsm.api.objects import CRD, ObjectRef
from fluxsm.build.pipeline import BuildResult
from fluxsm.core.observed import Observed
from fluxsm.core.ports import Cluster
from fluxsm.errors import BuildError, NotFoundError
from fluxsm.objects.definition import describes_spec


def refuse_open_schemas(observed: Observed, result: BuildResult, cluster: Cluster) -> None:
    """Refuse a build from the starter distribution that would open a schema in the cluster.

    Nothing is asked for while the revision is the one that was applied last.

    Raises:
        BuildError: naming the definitions, and what to do.
        ClusterError: a definition cannot be read.
    """
    fetched = observed.run.fetched
    if fetched is None or not fetched.distribution.is_starter:
        return
    if observed.instance.status.last_applied_revision == result.revision:
        return
    found = list(_described(result, cluster))
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise BuildError(
            f"{fetched.distribution.source} is the starter distribution, for evaluation only, and"
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
