# SPDX-License-Identifier: Apache-2.0
"""One tree of errors; each leaf knows how it surfaces.

A handler lets these through and the step turns them into an event of the machine: `reason` is
the Ready reason, and `cure` says whether trying again can help. Messages are for people: what
failed, where, and what to do. They never carry a secret.

```
FluxsmError
├── ArtifactError            ArtifactFailed        the manifests could not be fetched
│   └── AbsentArtifactError                        the registry does not have it
├── BuildError               BuildFailed           the spec cannot be built
├── ClusterError             ReconciliationFailed  the API server refused or is away
│   ├── ConflictError                              the object changed meanwhile
│   ├── NotFoundError                              no such object
│   │   └── KindNotServedError                     no such kind
│   ├── InvalidError                               the server rejected the object (400, 422)
│   ├── ForbiddenError                             401 or 403
│   ├── ExpiredError                               410: list again
│   └── UnavailableError                           no answer, 429 or 5xx
├── HealthError              HealthCheckFailed     applied, but not healthy
├── MigrationError           ReconciliationFailed  custom resources could not be rewritten
├── MalformedError           ReconciliationFailed  an object lacks the shape its kind promises
├── LeadershipError         (the process ends)    another process holds the lease
└── UsageError               (command line)        bad flags or input files
```
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar

from fluxsm.api import names


class Cure(Enum):
    """What can make a failure go away."""

    TIME = "time"
    """Trying again may help, so the failure is retried with back-off."""

    CHANGE = "change"
    """Only another spec, artifact or operator helps: Stalled is set, retries go on slowly."""


class FluxsmError(Exception):
    """The root of everything that fluxsm raises on purpose."""

    reason: ClassVar[str] = names.RECONCILIATION_FAILED
    cure: ClassVar[Cure] = Cure.TIME
    passing: ClassVar[bool] = False
    """Whether the same request may succeed within seconds."""


class ArtifactError(FluxsmError):
    """The distribution could not be fetched, checked or unpacked."""

    reason = names.ARTIFACT_FAILED


class AbsentArtifactError(ArtifactError):
    """The registry was asked and does not have it (404)."""


class BuildError(FluxsmError):
    """The spec and the distribution do not make a set of objects."""

    reason = names.BUILD_FAILED
    cure = Cure.CHANGE


class ClusterError(FluxsmError):
    """The API server refused a request or could not be reached."""

    status: ClassVar[int] = 500


class ConflictError(ClusterError):
    """The object changed since it was read, or another manager owns the field (409)."""

    status = 409
    passing = True


class NotFoundError(ClusterError):
    """The object or its kind does not exist (404)."""

    status = 404


class KindNotServedError(NotFoundError):
    """The API server that was asked does not serve the kind, so nobody knows what there is of it.

    One of several API servers may know a definition later, or longer, than the others.
    """


class InvalidError(ClusterError):
    """The API server rejected the object (400 or 422)."""

    status = 422


class ForbiddenError(ClusterError):
    """The operator's account may not do this (401 or 403)."""

    status = 403


class ExpiredError(ClusterError):
    """A watch or list went on from a resourceVersion that the server has forgotten (410)."""

    status = 410
    passing = True


class UnavailableError(ClusterError):
    """No answer, a time-out, 429 or a 5xx; the same request may succeed later."""

    status = 503
    passing = True


class HealthError(FluxsmError):
    """Everything was applied, but not everything became healthy."""

    reason = names.HEALTH_CHECK_FAILED


class MigrationError(FluxsmError):
    """Stored custom resources could not be rewritten to the new storage version."""


class MalformedError(FluxsmError):
    """Data read from the cluster does not have the shape that its kind promises."""


class LeadershipError(FluxsmError):
    """This process held the lease and holds it no more, so it must not go on."""


class UsageError(FluxsmError):
    """The command line or a file given to it is wrong."""
