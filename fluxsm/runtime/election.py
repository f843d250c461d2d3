# SPDX-License-Identifier: Apache-2.0
"""Leader election: of several operators, only the one that holds the lease writes.

The holder trusts its lease for less time than the others respect it, counted from before the
request that renewed it. `check` stands before every write, so a holder that was paused and wakes
too late is refused by its own clock before it can do anything, and then ends. Why this is not the
election of the Kubernetes client: docs/adr/0015-leader-election.md.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.core.ports import Clock, Cluster
from fluxsm.errors import ClusterError, ConflictError, NotFoundError, UnavailableError
from fluxsm.runtime import lease as rules
from fluxsm.runtime.lease import LeaderElectionConfig

log = logging.getLogger("fluxsm.election")

LEASE: Final = Kind("coordination.k8s.io", "v1", "Lease")
_NEVER: Final = float("-inf")
_JOIN_SECONDS: Final = 2.0


class Elector:
    """One candidate. It asks, holds and renews in a thread of its own."""

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        config: LeaderElectionConfig,
        *,
        ref: ObjectRef,
        holder_identity: str,
        on_gained: Callable[[], None],
        on_lost: Callable[[str], None],
    ) -> None:
        """Prepare a candidate; nothing is asked yet.

        Args:
            cluster: the API server; its writes must not depend on `check`.
            clock: monotonic seconds that go on while the process or the machine sleeps.
            config: how leadership is kept.
            ref: the lease.
            holder_identity: of this process, unlike any other's.
            on_gained: called once, when this process becomes the leader.
            on_lost: called once with the reason, when it is the leader no more.
        """
        self._cluster, self._clock, self._config = cluster, clock, config
        self._ref, self._holder_identity = ref, holder_identity
        self._on_gained, self._on_lost = on_gained, on_lost
        self._lease: Manifest | None = None
        self._seen_at = _NEVER
        self._until = _NEVER
        self._gained = False
        self.lost = ""
        self.turned = clock.monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="election", daemon=True)

    def start(self) -> None:
        """Begin to ask for the lease."""
        self._thread.start()

    def stop(self) -> None:
        """Stop leading, and give the lease back if that is wanted and possible.

        Whoever calls this has no write under way any more: the next leader may begin at once.
        """
        held = self.leads
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_JOIN_SECONDS)
        if self._thread.is_alive():
            log.warning("the lease %s is not released: a renewal is under way", self._ref)
        elif held and self._config.release:
            self._release()

    @property
    def leads(self) -> bool:
        """Whether this process may write now."""
        return not self._stopping.is_set() and self._clock.monotonic() < self._until

    def check(self) -> None:
        """Refuse a write that only the leader may do.

        Raises:
            UnavailableError: this process is not the leader.
        """
        if not self.leads:
            raise UnavailableError(f"nothing is written without holding the lease {self._ref}")

    def turn(self) -> float:
        """Ask for the lease or renew it.

        Returns:
            Seconds until the next turn.
        """
        try:
            return self._renew() if self._gained else self._campaign()
        finally:
            self.turned = self._clock.monotonic()

    def _run(self) -> None:
        while not self._stopping.is_set() and not self.lost:
            try:
                pause = self.turn()
            except Exception:
                log.exception("the election failed in an unexpected way; trying again")
                pause = self._config.retry.total_seconds()
            self._stopping.wait(pause)

    def _campaign(self) -> float:
        """Take the lease if nobody holds it, else look again later."""
        try:
            self._look()
            if self._is_free():
                self._write()
                self._gain()
                return self._config.retry.total_seconds()
        except ConflictError:
            log.info("another candidate was faster")
        except ClusterError as error:
            log.warning("the lease cannot be had yet: %s", error)
        return self._config.retry.total_seconds() * (1 + rules.JITTER * self._clock.random())

    def _renew(self) -> float:
        """Renew the lease; lose it when it is another's, or when time is up."""
        if not self.leads:
            return self._lose("it could not be renewed in time")
        try:
            self._write()
        except (ConflictError, NotFoundError):
            return self._look_again()
        except ClusterError as error:
            log.warning("the lease could not be renewed, trying again: %s", error)
        return self._pause()

    def _look_again(self) -> float:
        """Somebody wrote the lease: that may be a label, or another leader."""
        try:
            self._look()
        except ClusterError as error:
            log.warning("the lease could not be read, trying again: %s", error)
            return self._pause()
        if self._lease and rules.holder(self._lease) != self._holder_identity:
            return self._lose(f"{rules.holder(self._lease) or 'nobody'} holds it now")
        return 0.0 if self.leads else self._lose("it could not be renewed in time")

    def _pause(self) -> float:
        """Until the next renewal, but never beyond the time that is left."""
        left = self._until - self._clock.monotonic()
        return max(0.0, min(self._config.retry.total_seconds(), left))

    def _look(self) -> None:
        """Read the lease, and note when it was last seen to change."""
        known = _version(self._lease)
        try:
            self._lease = self._cluster.get(self._ref)
        except NotFoundError:
            self._lease = None
        if self._lease is None or _version(self._lease) != known:
            self._seen_at = self._clock.monotonic()

    def _is_free(self) -> bool:
        if self._lease is None or rules.holder(self._lease) in {"", self._holder_identity}:
            return True  # its own: a request whose answer was lost
        return self._clock.monotonic() >= self._seen_at + rules.lasts(self._lease)

    def _write(self) -> None:
        """Write the lease; it counts from before the request, whenever the answer comes."""
        began = self._clock.monotonic()
        wanted = rules.claim(
            self._lease,
            name=self._ref.name,
            namespace=self._ref.namespace,
            holder_identity=self._holder_identity,
            config=self._config,
            now=self._clock.now(),
        )
        write = self._cluster.replace if self._lease else self._cluster.create
        self._lease = write(wanted)
        self._until = began + self._config.deadline.total_seconds()

    def _gain(self) -> None:
        self._gained = True
        log.info("this process is the leader: %s", self._holder_identity)
        self._on_gained()

    def _lose(self, why: str) -> float:
        self._until = _NEVER
        self.lost = f"leadership is lost: {why}"
        self._on_lost(self.lost)
        return 0.0

    def _release(self) -> None:
        if self._lease is None:
            return
        try:
            self._cluster.replace(rules.released(self._lease, self._clock.now()))
        except ClusterError as error:
            log.warning("the lease could not be released, it runs out by itself: %s", error)
        else:
            log.info("the lease is released")


def _version(lease: Manifest | None) -> str:
    return str(lease["metadata"].get("resourceVersion", "")) if lease else ""
