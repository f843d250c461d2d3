# SPDX-License-Identifier: Apache-2.0
"""`fluxsm trace`: what manages an object, and where that comes from."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

import click

from fluxsm.api.objects import Kind, Manifest, ObjectRef
from fluxsm.cli import output as out
from fluxsm.cli import target as cluster_of
from fluxsm.cli.flux import kinds
from fluxsm.cli.flux.row import NOT_INITIALIZED, UNKNOWN, revision
from fluxsm.cli.target import Target
from fluxsm.errors import ClusterError, NotFoundError, UsageError

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster
    from fluxsm.adapters.kube.discovery import Resource

_LABEL: Final = 17
_DEEPEST: Final = 8
"""How far owner references are followed: Pod, ReplicaSet, Deployment, and some more."""


@click.command("trace", short_help="Say what manages an object, and where that comes from.")
@kinds.argument
@out.option(out.TEXT, out.JSON, out.YAML, default=out.TEXT)
@cluster_of.options
def command(target: Target, words: tuple[str, ...], output: str) -> None:
    """Say which object of Flux manages KIND/NAME, and from which source.

    KIND is what kubectl takes: deploy, pod, ns, and so on. An object without labels of Flux, such
    as a pod, is traced through its owners.
    """
    word, name = kinds.split(words)
    cluster = target.connect()
    resources = cluster.resources()
    found = _read(cluster, resources, word, name, target)
    owner = _owner(cluster, _managed(cluster, found))
    said = [("Object", str(ObjectRef.of(found))), *_about(cluster, owner)]
    if output == out.TEXT:
        for label, text in said:
            click.echo(f"{f'{label}:':<{_LABEL}}{text}")
    else:
        out.values({_key(label): text for label, text in said}, output)


def _read(
    cluster: KubeCluster, resources: Sequence[Resource], word: str, name: str, target: Target
) -> Manifest:
    """The object that is meant.

    Raises:
        UsageError: there is no such kind, or no such object.
        ClusterError: it cannot be read.
    """
    plain, _, group = word.lower().partition(".")
    same = (item for item in resources if plain in item.names and item.kind.group.startswith(group))
    kind = next(same, None)
    if kind is None:
        known = {name: item for item in resources for name in item.names}
        near = get_close_matches(plain, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else "; kubectl api-resources lists all"
        raise UsageError(f"the cluster has no kind {word!r}{hint}")
    ref = ObjectRef(kind.kind, target.namespace if kind.namespaced else "", name)
    try:
        return cluster.get(ref)
    except NotFoundError:
        where = f"kubectl get {kind.plural}{' -A' if kind.namespaced else ''}"
        raise UsageError(f"{ref} not found; {where} lists all") from None


def _managed(cluster: KubeCluster, obj: Manifest) -> Manifest:
    """The object itself, or the nearest of its owners, that has the labels of Flux.

    Raises:
        UsageError: there is none.
        ClusterError: an owner cannot be read.
    """
    from fluxsm.objects import applier, manifest

    item = obj
    for _ in range(_DEEPEST):
        if applier.owner_of(item) is not None:
            return item
        owners = manifest.entries(item, "metadata", "ownerReferences")
        if not owners:
            break
        first = min(owners, key=lambda owner: not owner.get("controller"))
        kind = Kind.parse(str(first.get("apiVersion")), str(first.get("kind")))
        item = cluster.get(ObjectRef(kind, ObjectRef.of(item).namespace, str(first.get("name"))))
    ref = ObjectRef.of(obj)
    raise UsageError(f"object not managed by Flux: {ref} and its owners have none of its labels")


def _owner(cluster: KubeCluster, obj: Manifest) -> Manifest:
    """The object of Flux that the labels name.

    Raises:
        UsageError: it is gone, or its kind is.
        ClusterError: it cannot be read.
    """
    from fluxsm.objects import applier

    found = applier.owner_of(obj)
    if found is None:
        raise AssertionError(obj)  # chosen because it has one
    kind, namespace, name = found
    served = kinds.Served(cluster)
    return served.read(served.ref(kinds.of_word(kind), namespace, name))


def _about(cluster: KubeCluster, owner: Manifest) -> list[tuple[str, str]]:
    """What there is to say about an owner and its source, label by label."""
    from fluxsm.objects import manifest
    from fluxsm.report.counts import ready_of

    ready = ready_of(owner)
    since = manifest.text(ready, "lastTransitionTime") or UNKNOWN
    failed = manifest.text(ready, "status") == "False"
    word = "Last reconciliation failed at" if failed else "Last reconciled at"
    return [
        ("Status", f"{word} {since}"),
        ("Revision", revision(owner) or UNKNOWN),
        ("Reconciler", str(ObjectRef.of(owner))),
        *_about_source(_source(cluster, owner)),
        ("Message", manifest.text(ready, "message") or NOT_INITIALIZED),
    ]


def _source(cluster: KubeCluster, owner: Manifest) -> Manifest | None:
    """The source of an object; None where it has none or it cannot be read."""
    from fluxsm.objects import manifest

    paths = (("spec", "sourceRef"), ("spec", "chartRef"), ("spec", "chart", "spec", "sourceRef"))
    given = next((found for path in paths if (found := manifest.mapping(owner, *path))), None)
    if given is None:
        return None
    namespace = manifest.text(given, "namespace") or ObjectRef.of(owner).namespace
    try:
        kind = kinds.of_word(manifest.text(given, "kind"))
        ref = kinds.Served(cluster).ref(kind, namespace, manifest.text(given, "name"))
        found = cluster.get(ref)
    except (ClusterError, UsageError):
        return None
    if found["kind"] != "HelmChart":
        return found
    return _source(cluster, found) or found


def _about_source(source: Manifest | None) -> list[tuple[str, str]]:
    from fluxsm.objects import manifest
    from fluxsm.objects.redaction import redact

    if source is None:
        return []
    path = {
        "Bucket": ("spec", "endpoint"),
        "ExternalArtifact": ("status", "artifact", "url"),
    }.get(str(source["kind"]), ("spec", "url"))
    origin = manifest.mapping(source, "status", "artifact", "metadata")
    found = [
        ("Source", str(ObjectRef.of(source))),
        ("Source URL", redact(manifest.text(source, *path))),
        ("Origin URL", redact(manifest.text(origin, "org.opencontainers.image.source"))),
        ("Origin Revision", manifest.text(origin, "org.opencontainers.image.revision")),
    ]
    return [(label, text) for label, text in found if text]


def _key(label: str) -> str:
    """A label as the key of an object: `Source URL` becomes `sourceURL`."""
    first, *rest = label.split()
    return first.lower() + "".join(rest)
