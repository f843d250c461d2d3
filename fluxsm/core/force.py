# SPDX-License-Identifier: Apache-2.0
"""When every custom resource is rewritten, whether or not its storage version has changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import semver

from fluxsm.api import names
from fluxsm.objects import manifest


def is_forced(annotations: Mapping[str, str], status: Mapping[str, Any]) -> bool:
    """Whether the user asks for a migration that has not been done yet.

    The request is a pair of equal tokens, `forceAt` and `requestedAt`; one of them alone, or a
    later `requestedAt`, asks for nothing. It stays pending until `lastHandledForceAt` says that
    it is done, however many runs fail before: a request must not get lost because of a failure
    that it has nothing to do with. So `lastHandledForceAt` may be written only by a run that
    succeeds.

    Args:
        annotations: of the instance.
        status: of the instance.
    """
    token = annotations.get(names.FORCE_AT, "")
    return (
        bool(token)
        and token == annotations.get(names.REQUESTED_AT)
        and token != manifest.text(status, "lastHandledForceAt")
    )


def is_minor_upgrade(applied: str, built: str) -> bool:
    """Whether a revision has a higher minor version than another one of the same major.

    That is when Flux may have changed a storage version. A first installation, a patch release
    and a new major do not imply a migration.

    Args:
        applied: the revision in the cluster, `v2.7.5@sha256:...`; empty before the first one.
        built: the revision that replaces it.
    """
    before, after = _version(applied), _version(built)
    if before is None or after is None:
        return False
    return before.major == after.major and before.minor < after.minor


def _version(revision: str) -> semver.Version | None:
    text = revision.partition("@")[0].removeprefix("v")
    return semver.Version.parse(text) if semver.Version.is_valid(text) else None
