# SPDX-License-Identifier: Apache-2.0
"""FetchingArtifact: get the distribution, from the registry or from the operator's own disk."""

from __future__ import annotations

from datetime import timedelta

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.errors import ArtifactError, ForbiddenError, NotFoundError
from fluxsm.machine.alphabet import Event
from fluxsm.ports import Cluster, Fetched, Ports
from fluxsm.step import Observed, Outcome

SECRET = Kind("", "v1", "Secret")
_LOOK_AGAIN = timedelta(seconds=1)


def run(observed: Observed, ports: Ports) -> Outcome:
    """Answer Fetched with the distribution, or wait for the download that runs beside."""
    reference = observed.instance.spec.distribution.artifact
    if not reference:
        return _fetched(Fetched(distribution=ports.distributions.bundled()))
    fetched = ports.distributions.fetch(reference, pull_secret(observed, ports.cluster))
    if fetched is None:
        return Outcome(event=Event.WAITING, message=f"Fetching {reference}", after=_LOOK_AGAIN)
    return _fetched(fetched)


def pull_secret(observed: Observed, cluster: Cluster) -> Manifest | None:
    """The Secret with the registry credentials, None for an anonymous pull.

    It is read by name from the API server each time and never kept.

    Raises:
        ArtifactError: the Secret is missing or may not be read.
    """
    spec = observed.instance.spec.distribution
    if not spec.artifact_pull_secret:
        return None
    ref = ObjectRef(SECRET, observed.instance.metadata.namespace, spec.artifact_pull_secret)
    try:
        return cluster.get(ref)
    except (NotFoundError, ForbiddenError) as error:
        raise ArtifactError(
            f"{spec.artifact}: the pull secret {ref} of .spec.distribution.artifactPullSecret"
            f" cannot be read: {error}"
        ) from error


def _fetched(fetched: Fetched) -> Outcome:
    return Outcome(event=Event.FETCHED, facts={"fetched": fetched})
