# SPDX-License-Identifier: Apache-2.0
"""Who may read a page of this process: the API server knows."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fluxsm.adapters.kube.client import KubeClient
from fluxsm.core.ports import Clock
from fluxsm.errors import ClusterError

log = logging.getLogger("fluxsm.reviews")

ALLOWED_SECONDS: Final = 60.0
"""So long somebody who may read is not asked about again; a right that was taken ends then."""

REFUSED_SECONDS: Final = 10.0
MOST_ANSWERS: Final = 256


class Reviews:
    """Judges bearer tokens by TokenReview and SubjectAccessReview, and remembers for a while."""

    def __init__(self, client: KubeClient, clock: Clock) -> None:
        """Prepare; nothing is asked yet.

        Args:
            client: not the one that only a leader writes with, because every process is read from.
            clock: for the age of answers.
        """
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: dict[tuple[bytes, str], tuple[HTTPStatus, float]] = {}

    def judge(self, authorization: str, path: str) -> HTTPStatus:
        """Whether the holder of a token may read a path: `judge_for` with that as the right."""
        right = {"nonResourceAttributes": {"path": path, "verb": "get"}}
        return self.judge_for(authorization, path, right)

    def judge_for(self, authorization: str, what: str, right: Mapping[str, Any]) -> HTTPStatus:
        """Whether the holder of a token has a right.

        Args:
            authorization: the header of the request.
            what: the right in a word, by which the answer is remembered, such as `/metrics`.
            right: what a SubjectAccessReview asks: `nonResourceAttributes` or `resourceAttributes`.

        Returns:
            OK, UNAUTHORIZED (nobody is known by this token), FORBIDDEN, or SERVICE_UNAVAILABLE when
            the API server does not say.
        """
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            return HTTPStatus.UNAUTHORIZED
        key = hashlib.sha256(token.encode()).digest(), what
        found = self._recall(key)
        if found is None:
            try:
                found = self._ask(token, right)
            except ClusterError as error:
                log.warning("a reader of %s cannot be judged: %s", what, error)
                return HTTPStatus.SERVICE_UNAVAILABLE
            self._remember(key, found)
        return found

    def _ask(self, token: str, right: Mapping[str, Any]) -> HTTPStatus:
        status = self._review("authentication.k8s.io", "TokenReview", {"token": token})
        if not status.get("authenticated"):
            return HTTPStatus.UNAUTHORIZED
        user = status.get("user") or {}
        spec = {
            "user": user.get("username", ""),
            "uid": user.get("uid", ""),
            "groups": user.get("groups") or [],
            "extra": user.get("extra") or {},
            **right,
        }
        status = self._review("authorization.k8s.io", "SubjectAccessReview", spec)
        return HTTPStatus.OK if status.get("allowed") else HTTPStatus.FORBIDDEN

    def _review(self, group: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        _, answer = self._client.request(
            "POST",
            f"/apis/{group}/v1/{kind.lower()}s",
            what=f"asking for a {kind}",
            body={"apiVersion": f"{group}/v1", "kind": kind, "spec": spec},
        )
        return answer.get("status") or {}

    def _recall(self, key: tuple[bytes, str]) -> HTTPStatus | None:
        with self._lock:
            found, until = self._answers.get(key, (None, 0.0))
        return found if self._clock.monotonic() < until else None

    def _remember(self, key: tuple[bytes, str], answer: HTTPStatus) -> None:
        seconds = ALLOWED_SECONDS if answer is HTTPStatus.OK else REFUSED_SECONDS
        with self._lock:
            self._answers.pop(key, None)
            while len(self._answers) >= MOST_ANSWERS:
                del self._answers[next(iter(self._answers))]  # the oldest
            self._answers[key] = answer, self._clock.monotonic() + seconds
