# SPDX-License-Identifier: Apache-2.0
"""Building: choose the version, build the objects, see what must be migrated before the apply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from fluxsm.api.unknown import unknown_fields
from fluxsm.build import version
from fluxsm.build.distribution import Distribution
from fluxsm.build.pipeline import BuildResult, build
from fluxsm.core.observed import Observed
from fluxsm.core.outcome import Outcome
from fluxsm.core.ports import Ports
from fluxsm.errors import BuildError
from fluxsm.machine.events import Event
from states.fetching_artifact import read_secret
from states.work import evaluation, standing

_LOOK_AGAIN = timedelta(seconds=1)


def handle(observed: Observed, ports: Ports) -> Outcome:
    """Answer Built with the objects, the newest version on offer and the migration plans.

    What the API server would refuse to change is refused here, before anything is applied.
    """
    if observed.run.fetched is None:
        raise BuildError("there is no distribution to build from")
    starting = standing.await_standing(observed, ports)
    if starting is not None:
        return starting
    distribution = observed.run.fetched.distribution
    supported = _supported(observed, ports)
    chosen = version.resolve(
        observed.instance.spec.distribution.version,
        distribution.versions(),
        minors=supported,
        source=distribution.source,
    )
    applied = observed.instance.status.last_applied_revision or ""
    version.refuse_downgrade(applied, chosen)
    result = build(observed.instance.parsed, distribution, chosen)
    unpinned = _unpinned(observed, result)
    if unpinned and observed.settings.resolve_digests:
        digests = _digests(observed, ports, unpinned)
        if digests is None:
            message = "Asking the registry for the digests of images"
            return Outcome(event=Event.WAITING, message=message, after=_LOOK_AGAIN)
        result = build(observed.instance.parsed, distribution, chosen, digests=digests)
    standing.refuse_immutable(observed, result, ports)
    evaluation.refuse_open_schemas(distribution, applied, result, ports.cluster)
    run = replace(
        observed.run,
        build=result,
        warnings=(*result.warnings, *unknown_fields(observed.instance.manifest)),
        latest=version.newest(distribution.versions(), minors=supported),
        refused=_refused(distribution, supported),
        migration_before=tuple(standing.plans(observed, result, ports)),
    )
    return Outcome(event=Event.BUILT, message=f"Built {result.revision}", run=run)


def _unpinned(observed: Observed, result: BuildResult) -> list[str]:
    """Images of the configured registry without digest; what a patch has put there stays."""
    registry = observed.instance.spec.distribution.registry.removesuffix("/")
    return [
        image.reference
        for image in result.components
        if not image.digest and image.repository.endswith(f"{registry}/{image.name}")
    ]


def _digests(observed: Observed, ports: Ports, images: list[str]) -> Mapping[str, str] | None:
    name = observed.instance.spec.distribution.image_pull_secret
    secret = read_secret(observed, ports.cluster, name, ".spec.distribution.imagePullSecret,")
    return ports.distributions.image_digests(images, secret)


def _supported(observed: Observed, ports: Ports) -> frozenset[str]:
    """The minors that this operator installs: those that it knows from its own distribution.

    An artifact brings patches and new digests of known minors, never a minor that the operator
    was not made for.
    """
    if observed.settings.supported_minors:
        return observed.settings.supported_minors
    return version.supported_minors(ports.distributions.bundled().versions())


def _refused(distribution: Distribution, supported: frozenset[str]) -> str:
    """The newest version on offer when its minor is not supported, else empty."""
    newest = version.newest(distribution.versions())
    return newest if newest and not version.newest([newest], minors=supported) else ""
