# SPDX-License-Identifier: Apache-2.0
"""What completion offers for values: names in the cluster, kinds, files.

Somebody waits at a prompt: a cluster that does not answer within two seconds has no names, and no
error is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from click import Context, Parameter
from click.shell_completion import CompletionItem

from fluxsm.api import names
from fluxsm.api.flux_kinds import BY_WORD, FLUX_KINDS
from fluxsm.api.objects import Kind
from fluxsm.errors import FluxsmError

if TYPE_CHECKING:
    from fluxsm.cli.target import Target

LIMIT: Final = timedelta(seconds=2)
_NAMESPACE: Final = Kind("", "v1", "Namespace")
_INSTANCE: Final = Kind(names.GROUP, names.VERSION, names.INSTANCE_KIND)


def files(_ctx: Context, _param: Parameter, incomplete: str) -> list[CompletionItem]:
    """The shell completes files."""
    return [CompletionItem(incomplete, type="file")]


def namespaces(ctx: Context, _param: Parameter, incomplete: str) -> list[CompletionItem]:
    """The namespaces of the cluster."""
    return _offer(incomplete, lambda: _names(_target(ctx), _NAMESPACE, ""))


def contexts(ctx: Context, _param: Parameter, incomplete: str) -> list[CompletionItem]:
    """The contexts of the kubeconfig."""
    from fluxsm.adapters.kube.configuration import read_contexts

    return _offer(incomplete, lambda: read_contexts(_target(ctx).kubeconfig))


def instances(ctx: Context, _param: Parameter, incomplete: str) -> list[CompletionItem]:
    """The instances of the namespace."""

    def found() -> Iterator[str]:
        target = _target(ctx)
        return _names(target, _INSTANCE, target.namespace)

    return _offer(incomplete, found)


def kinds(_ctx: Context, _param: Parameter, incomplete: str) -> list[CompletionItem]:
    """The kinds of Flux, by their short names."""
    return _offer(incomplete, lambda: [kind.short for kind in FLUX_KINDS])


def objects(ctx: Context, _param: Parameter, incomplete: str) -> list[CompletionItem]:
    """`KIND/NAME`: kinds first, then the names of a kind; also as two words."""
    given = ctx.params.get("words") or ()
    if given:
        return _offer(incomplete, lambda: _of_kind(ctx, given[0].removesuffix("/")))
    kind, slash, _ = incomplete.partition("/")
    if slash:
        return _offer(incomplete, lambda: (f"{kind}/{name}" for name in _of_kind(ctx, kind)))
    return _offer(incomplete, lambda: [f"{kind.short}/" for kind in FLUX_KINDS])


def _of_kind(ctx: Context, word: str) -> Iterator[str]:
    """The names of a kind in the namespace."""
    from fluxsm.cli.flux.kinds import Served

    known = BY_WORD.get(word.lower())
    target = _target(ctx)
    found = Served(target.connect()).find(known) if known else None
    if found is not None:
        yield from _names(target, found, target.namespace)


def _names(target: Target, kind: Kind, namespace: str) -> Iterator[str]:
    for item in target.connect().list_page(kind, namespace=namespace, metadata_only=True).items:
        yield str(item["metadata"]["name"])


def _offer(incomplete: str, found: Callable[[], Any]) -> list[CompletionItem]:
    """What begins as the word does; nothing when the cluster cannot be asked."""
    try:
        return [CompletionItem(word) for word in found() if word.startswith(incomplete)]
    except FluxsmError:
        return []


def _target(ctx: Context) -> Target:
    """The cluster that the flags before the word name."""
    from fluxsm.cli.target import Target

    given = {item.name: ctx.params.get(item.name) for item in fields(Target)}
    given |= {
        "timeout": LIMIT,
        "groups": given["groups"] or (),
        "insecure": bool(given["insecure"]),
    }
    return Target(**given)  # type: ignore[arg-type] # what click has made of the flags
