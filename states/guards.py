# SPDX-License-Identifier: Apache-2.0
"""Named predicates over what was observed. The first line of each docstring says it in words."""

from __future__ import annotations

from fluxsm.core.observed import Observed

PASSING_TRIES = 5
"""How often what may pass is tried again before it is a failure: some six seconds."""
RETRY_TRIES = 1
"""The same in a run that retries a failure: it is shown already, and the next run comes later."""


def blocks_new_crds(observed: Observed) -> bool:
    """A version that the new CRDs drop is still stored."""
    return bool(observed.run.migration_before)


def wants_migration(observed: Observed) -> bool:
    """A storage version changed, or migration was forced."""
    return bool(observed.run.migration_after)


def is_applied(observed: Observed) -> bool:
    """The wanted revision was applied in this run."""
    return observed.run.applied


def has_last_good(observed: Observed) -> bool:
    """The distribution of the running revision is at hand, and was not tried yet."""
    return observed.process.last_good is not None and not observed.run.fell_back


def may_pass(observed: Observed) -> bool:
    """The same request may succeed within seconds, and was not tried often yet."""
    failure = observed.failure
    tries = PASSING_TRIES if observed.run.retries is None else RETRY_TRIES
    return failure is not None and failure.passing and observed.stay.faults < tries
