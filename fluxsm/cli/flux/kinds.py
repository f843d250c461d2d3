# SPDX-License-Identifier: Apache-2.0
"""The kinds and objects that people name on the command line, and how the cluster serves them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fluxsm.api.flux_kinds import BY_WORD, FLUX_KINDS, FluxKind
from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.cli.completion.offer import offer
from fluxsm.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster

F = TypeVar("F", bound=Callable[..., Any])


def argument(command: F) -> F:
    """Give a command `KIND/NAME`, which may also be two words; it gets them as `words`."""
    return click.argument(
        "words", nargs=-1, required=True, metavar="KIND/NAME", shell_complete=offer("objects")
    )(command)


def parse(words: Iterable[str]) -> tuple[FluxKind, str]:
    """The kind of Flux and the name that an argument means.

    Raises:
        UsageError: it is not of the form, or there is no such kind.
    """
    kind, name = split(words)
    return of_word(kind), name


def split(words: Iterable[str]) -> tuple[str, str]:
    """Kind and name of `KIND/NAME` or `KIND NAME`.

    Raises:
        UsageError: it is neither.
    """
    given = list(words)
    # A shell that completes `ks/` puts a blank behind it.
    parts = given[0].split("/") if len(given) == 1 else [given[0].removesuffix("/"), *given[1:]]
    if len(parts) != 2 or not all(parts) or any("/" in part for part in parts):
        raise UsageError(f"{' '.join(given)!r} is not of the form KIND/NAME, such as ks/apps")
    return parts[0], parts[1]


def of_word(word: str) -> FluxKind:
    """The kind of Flux that a word means: kind, plural or short name, in upper or lower case.

    Raises:
        UsageError: it means none; the message names the nearest one.
    """
    found = BY_WORD.get(word.lower())
    if found is None:
        near = get_close_matches(word.lower(), BY_WORD, n=1)
        hint = f"did you mean {BY_WORD[near[0]].kind}?" if near else _known()
        raise UsageError(f"{word!r} is no kind of Flux; {hint}")
    return found


def _known() -> str:
    return f"there are {', '.join(kind.short for kind in FLUX_KINDS)}"


class Served:
    """How the cluster serves the kinds of Flux: looked up once."""

    def __init__(self, cluster: KubeCluster) -> None:
        """Ask the API server.

        Raises:
            ClusterError: it cannot be asked.
        """
        self._cluster = cluster
        kinds: dict[tuple[str, str], Kind] = {}
        for item in cluster.resources():
            kinds.setdefault((item.kind.group, item.kind.kind), item.kind)
        self._kinds: Mapping[tuple[str, str], Kind] = kinds

    def find(self, kind: FluxKind) -> Kind | None:
        """The kind at the version that the cluster prefers, None where it is not served."""
        return self._kinds.get((kind.group, kind.kind))

    def ref(self, kind: FluxKind, namespace: str, name: str) -> ObjectRef:
        """The reference of an object.

        Raises:
            UsageError: the kind is not served.
        """
        found = self.find(kind)
        if found is None:
            raise UsageError(
                f"the cluster has no {kind.kind}: its definition {kind.plural}.{kind.group} is not"
                " installed; spec.components of the FluxInstance says which controllers there are"
            )
        return ObjectRef(found, namespace, name)

    def read(self, ref: ObjectRef) -> Manifest:
        """An object.

        Raises:
            UsageError: it does not exist; the message names the nearest one.
            ClusterError: it cannot be read.
        """
        try:
            return self._cluster.get(ref)
        except NotFoundError:
            raise self.missing(ref) from None

    def missing(self, ref: ObjectRef) -> UsageError:
        """The error about an object that does not exist."""
        there = [ObjectRef.of(item) for item in self._list(ref.kind)]
        step = f"fluxsm get {ref.kind.kind.lower()} -A lists all"
        elsewhere = next((item for item in there if item.name == ref.name), None)
        near = get_close_matches(ref.name, [item.name for item in there], n=1)
        if elsewhere is not None:
            step = f"there is {elsewhere}, try -n {elsewhere.namespace}"
        elif near:
            found = next(item for item in there if item.name == near[0])
            step = f"did you mean {found}?"
        return UsageError(f"{ref} not found; {step}")

    def _list(self, kind: Kind) -> Iterator[Manifest]:
        yield from self._cluster.list_page(kind, metadata_only=True).items
