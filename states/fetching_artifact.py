# SPDX-License-Identifier: Apache-2.0
"""FetchingArtifact: get the distribution, from the registry or from the operator's own disk.

When nobody asked for this run and the registry cannot be used, the artifact that is installed is
looked for by its digest: in the cache, where an earlier process has left it, or in the registry.
With it drift is repaired although the registry is away.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.core.failure import Failure
from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Cluster, Fetched, Ports
from fluxsm.core.progress import Refused
from fluxsm.errors import ArtifactError, ClusterError, ForbiddenError, NotFoundError
from fluxsm.machine.events import Event

SECRET = Kind("", "v1", "Secret")
_LOOK_AGAIN = timedelta(seconds=1)


def handle(observed: Observed, ports: Ports) -> Outcome:
    """Answer Fetched with the distribution, or wait for the download that runs beside."""
    reference = observed.instance.spec.distribution.artifact
    if not reference:
        return _fetched(observed, Fetched(distribution=ports.distributions.bundled()))
    progress = observed.stay.progress
    if isinstance(progress, Refused):
        return _fall_back(observed, ports, progress.failure)
    try:
        fetched = ports.distributions.fetch(reference, pull_secret(observed, ports.cluster))
    except ArtifactError as error:
        if not _installed(observed):
            raise
        refused = Refused(failure=Failure.of(error))
        return Outcome(event=Event.WAITING, progress=refused, after=timedelta(0))
    if fetched is None:
        return Outcome(event=Event.WAITING, message=f"Fetching {reference}", after=_LOOK_AGAIN)
    return _fetched(observed, fetched)


def _installed(observed: Observed) -> str:
    """The reference of the artifact that is installed, empty where it is of no use.

    It is of use to a run that nobody asked for in a process that has not seen it yet.
    """
    digest = observed.instance.status.last_artifact_revision
    if not observed.run.unattended or observed.process.last_good is not None or not digest:
        return ""
    reference = observed.instance.spec.distribution.artifact or ""
    return "" if "@" in reference else f"{reference}@{digest}"


def _fall_back(observed: Observed, ports: Ports, refused: Failure) -> Outcome:
    """Answer Blocked, with the installed artifact where it can be had."""
    blocked = Outcome(event=Event.BLOCKED, message=refused.message, failure=refused)
    try:
        secret = pull_secret(observed, ports.cluster)
    except ArtifactError:
        secret = None
    try:
        found = ports.distributions.fetch(_installed(observed), secret)
    except ArtifactError:
        return blocked
    if found is None:
        return Outcome(event=Event.WAITING, message=refused.message, after=_LOOK_AGAIN)
    return replace(blocked, process=replace(observed.process, last_good=found))


def pull_secret(observed: Observed, cluster: Cluster) -> Manifest | None:
    """The Secret with the login for the artifact, None for an anonymous pull.

    Raises:
        ArtifactError: the Secret is missing or may not be read.
    """
    spec = observed.instance.spec.distribution
    use = f"{spec.artifact}: the pull secret of .spec.distribution.artifactPullSecret,"
    return read_secret(observed, cluster, spec.artifact_pull_secret, use)


def read_secret(
    observed: Observed, cluster: Cluster, name: str | None, use: str
) -> Manifest | None:
    """A pull secret; read from the API server each time and never kept.

    Args:
        observed: for the namespace.
        cluster: where it is.
        name: its name; without one there is none.
        use: what names it, for the message.

    Raises:
        ArtifactError: the Secret is missing or may not be read.
    """
    if not name:
        return None
    ref = ObjectRef(SECRET, observed.instance.metadata.namespace, name)
    try:
        return cluster.get(ref)
    except (NotFoundError, ForbiddenError) as error:
        raise ArtifactError(f"{use} {ref} cannot be read: {error}") from error


def secret_version(observed: Observed, cluster: Cluster) -> str | None:
    """The resourceVersion of the pull secret: empty when it is missing, None when not known."""
    try:
        secret = pull_secret(observed, cluster)
    except ArtifactError:
        return ""
    except ClusterError:
        return None
    return str(secret["metadata"]["resourceVersion"]) if secret else None


def _fetched(observed: Observed, fetched: Fetched) -> Outcome:
    """Answer Fetched; an artifact that was not tried before has not failed yet."""
    run, offered = observed.run, observed.process.offered
    is_new = bool(offered) and fetched.digest != offered
    return Outcome(
        event=Event.FETCHED,
        process=replace(observed.process, offered=fetched.digest),
        run=replace(run, fetched=fetched, retries=None if is_new else run.retries),
    )
