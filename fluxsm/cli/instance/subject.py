# SPDX-License-Identifier: Apache-2.0
"""The FluxInstance that a command is about: its reference, and what to say when it is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from fluxsm.api import names
from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.cli.completion.offer import offer
from fluxsm.errors import ClusterError, NotFoundError, UsageError

if TYPE_CHECKING:
    from fluxsm.core.ports import Cluster

F = TypeVar("F", bound=Callable[..., Any])

KIND: Final = Kind(names.GROUP, names.VERSION, names.INSTANCE_KIND)


def argument(command: F) -> F:
    """Give a command the name of an instance, of which there is mostly one: `flux`."""
    return click.argument(
        "name", default=names.SINGLETON, metavar="[NAME]", shell_complete=offer("instances")
    )(command)


def ref_of(namespace: str, name: str) -> ObjectRef:
    """The reference of an instance."""
    return ObjectRef(KIND, namespace, name)


def read(cluster: Cluster, ref: ObjectRef) -> Manifest:
    """An instance as it is now.

    Raises:
        UsageError: it does not exist; the message names the nearest one that does.
        ClusterError: it cannot be read.
    """
    try:
        return cluster.get(ref)
    except NotFoundError as error:
        raise missing(cluster, ref) or error from None


@contextmanager
def found(cluster: Cluster, ref: ObjectRef) -> Iterator[None]:
    """Whatever is done to an instance inside: when it does not exist, the nearest one is named.

    Raises:
        UsageError: it does not exist.
    """
    try:
        yield
    except NotFoundError as error:
        raise missing(cluster, ref) or error from None


def missing(cluster: Cluster, ref: ObjectRef) -> UsageError | None:
    """The error about an instance that does not exist, None where its kind does not."""
    try:
        there = [ObjectRef.of(item) for item in cluster.list_page(KIND, metadata_only=True).items]
    except NotFoundError:
        return None
    except ClusterError:
        there = []  # who may not list all namespaces learns that it is not in this one
    return UsageError(f"{ref} not found; {_advise(ref, there)}")


def _advise(ref: ObjectRef, there: list[ObjectRef]) -> str:
    """What was meant, or how to make one."""
    if not there:
        return "fluxsm install -f FILE makes one, fluxsm get instance lists all"
    elsewhere = next((item for item in there if item.name == ref.name), None)
    if elsewhere is not None:
        return f"there is {elsewhere}, try -n {elsewhere.namespace}"
    near = get_close_matches(ref.name, [item.name for item in there], n=1, cutoff=0)
    found = next(item for item in there if item.name == near[0])
    return f"did you mean {found}?"
