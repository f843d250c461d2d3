# SPDX-License-Identifier: Apache-2.0
"""What goes wrong with requests: which, when, how often, and what is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from fluxsm.errors import (
    ArtifactError,
    ClusterError,
    ConflictError,
    ExpiredError,
    FluxsmError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)
from fluxsm.simulation.requests import Request

When: TypeAlias = Literal["before", "after"]
Matches: TypeAlias = Callable[[Request], bool]

FOREVER: Final = None
"""Value of `times` of a fault that stays until it is cleared."""

REASONS: Final[dict[type[FluxsmError], str]] = {
    ConflictError: "Conflict",
    NotFoundError: "NotFound",
    InvalidError: "Invalid",
    ForbiddenError: "Forbidden",
    ExpiredError: "Expired",
    UnavailableError: "ServiceUnavailable",
    ArtifactError: "ArtifactFailed",
}
"""The errors that can be injected, with the word that messages have for each."""


class Crash(BaseException):
    """The process ends here and now. No handler of errors may see it."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """What goes wrong with some requests.

    Attributes:
        error: what is raised, or what makes it for a request.
        matches: which requests.
        when: before they are sent, or after they were committed.
        skip: so many matching requests are let through first.
        times: so many then fail; None means all.
    """

    error: BaseException | Callable[[Request], BaseException]
    matches: Matches = lambda _: True
    when: When = "before"
    skip: int = 0
    times: int | None = 1

    def inject(self, request: Request, when: When) -> None:
        """Fail if it is this request's turn.

        Raises:
            BaseException: a new one each time, for a traceback grows with each raise.
        """
        if when != self.when or self.times == 0 or not self.matches(request):
            return
        if self.skip:
            self.skip -= 1
            return
        if self.times is not None:
            self.times -= 1
        if isinstance(self.error, BaseException):
            raise type(self.error)(*self.error.args)
        raise self.error(request)


def refusal(
    *verbs: str,
    kinds: Iterable[str] = (),
    error: type[FluxsmError] = UnavailableError,
    message: str = "",
    when: When = "before",
    skip: int = 0,
    times: int | None = FOREVER,
) -> Fault:
    """Requests are answered with an error.

    Args:
        verbs: which calls, see `Request.call`; none means all.
        kinds: names of the kinds that are concerned; none means all.
        error: what is answered.
        message: what it says; by default the request and the reason.
        when: whether the request fails, or only its answer is lost.
        skip: so many are let through first.
        times: so many fail; None means all.
    """
    calls, of_kinds = frozenset(verbs), frozenset(kinds)

    def matches(request: Request) -> bool:
        fits = not calls or request.call in calls
        return fits and (not of_kinds or request.kind.kind in of_kinds)

    def answer(request: Request) -> FluxsmError:
        return error(message or f"{request} ({REASONS[error]}): injected")

    return Fault(error=answer, matches=matches, when=when, skip=skip, times=times)


def missing_permission(*verbs: str, kinds: Iterable[str]) -> Fault:
    """The role of the operator does not allow some verbs on some kinds, as RBAC answers it."""
    found = refusal(*verbs, kinds=kinds)

    def answer(request: Request) -> ClusterError:
        who = "system:serviceaccount:flux-system:flux-operator"
        return ForbiddenError(
            f'{request} (Forbidden): User "{who}" cannot {request.call} resource'
            f' {request.kind.kind!r} in API group "{request.kind.group}"'
        )

    found.error = answer
    return found
