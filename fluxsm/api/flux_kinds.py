# SPDX-License-Identifier: Apache-2.0
"""The kinds that commands call Flux: those of the operator, then those of the controllers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from fluxsm.api import names


class FluxKind(NamedTuple):
    """A kind.

    Attributes:
        kind: such as `Kustomization`.
        group: its API group.
        plural: as in paths.
        short: one word for the command line.
        answers: whether its controller handles `reconcile.fluxcd.io/requestedAt`.
        suspends: whether its objects can be switched off.
    """

    kind: str
    group: str
    plural: str
    short: str
    answers: bool = True
    suspends: bool = True

    @property
    def words(self) -> tuple[str, ...]:
        """What it is called on the command line, in lower case."""
        return (self.kind.lower(), self.plural, self.short)


_SOURCE: Final = "source.toolkit.fluxcd.io"
_NOTIFICATION: Final = "notification.toolkit.fluxcd.io"
_IMAGE: Final = "image.toolkit.fluxcd.io"

FLUX_KINDS: Final = (
    FluxKind(names.INSTANCE_KIND, names.GROUP, names.INSTANCE_PLURAL, "instance"),
    FluxKind(names.REPORT_KIND, names.GROUP, names.REPORT_PLURAL, "report"),
    FluxKind("ResourceSet", names.GROUP, "resourcesets", "rset"),
    FluxKind("ResourceSetInputProvider", names.GROUP, "resourcesetinputproviders", "rsip"),
    FluxKind("Kustomization", "kustomize.toolkit.fluxcd.io", "kustomizations", "ks"),
    FluxKind("HelmRelease", "helm.toolkit.fluxcd.io", "helmreleases", "hr"),
    FluxKind("GitRepository", _SOURCE, "gitrepositories", "gitrepo"),
    FluxKind("OCIRepository", _SOURCE, "ocirepositories", "ocirepo"),
    FluxKind("Bucket", _SOURCE, "buckets", "bucket"),
    FluxKind("HelmRepository", _SOURCE, "helmrepositories", "helmrepo"),
    FluxKind("HelmChart", _SOURCE, "helmcharts", "hc"),
    FluxKind("ArtifactGenerator", "source.extensions.fluxcd.io", "artifactgenerators", "ag"),
    FluxKind("ExternalArtifact", _SOURCE, "externalartifacts", "ea", answers=False, suspends=False),
    FluxKind("Alert", _NOTIFICATION, "alerts", "alert", answers=False),
    FluxKind("Provider", _NOTIFICATION, "providers", "provider", answers=False),
    FluxKind("Receiver", _NOTIFICATION, "receivers", "receiver"),
    FluxKind("ImageRepository", _IMAGE, "imagerepositories", "imgrepo"),
    FluxKind("ImagePolicy", _IMAGE, "imagepolicies", "imgpol"),
    FluxKind("ImageUpdateAutomation", _IMAGE, "imageupdateautomations", "imgauto"),
)
"""All of them."""

BY_WORD: Final[Mapping[str, FluxKind]] = {word: kind for kind in FLUX_KINDS for word in kind.words}
"""Kinds by kind, plural and short name, in lower case."""
