# SPDX-License-Identifier: Apache-2.0
"""`fluxsm install`: put the operator into a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from fluxsm.api import names
from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.cli import confirmation, connection, distribution
from fluxsm.cli import target as cluster_of
from fluxsm.cli.completion.offer import offer
from fluxsm.cli.talk import Mark
from fluxsm.cli.target import Target
from fluxsm.errors import ClusterError, HealthError, NotFoundError, UsageError

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster
    from fluxsm.cli.instance_file import InstanceFile
    from fluxsm.cli.replacement import Replacement


@click.command("install", short_help="Put the operator into a cluster.")
@click.option("--image", help="Image of the operator. No image is published yet, so it is needed.")
@click.option(
    "--skip-image-check",
    is_flag=True,
    help="Do not look the image up in its registry, as the nodes have it already.",
)
@click.option(
    "-f",
    "--filename",
    "filenames",
    multiple=True,
    metavar="FILE",
    shell_complete=offer("files"),
    help="File with the FluxInstance to apply afterwards; - is standard input.",
)
@confirmation.option
@click.option("--no-wait", is_flag=True, help="Do not wait for the operator to be ready.")
@click.option("--dry-run", is_flag=True, help="Have the API server check it all, write nothing.")
@click.option("--export", is_flag=True, help="Print the objects, ask no cluster.")
@distribution.option
@cluster_of.operator_options(timeout="5m")
def command(
    target: Target,
    image: str | None,
    skip_image_check: bool,
    filenames: Sequence[str],
    yes: bool,
    no_wait: bool,
    dry_run: bool,
    export: bool,
    place: str | None,
) -> None:
    """Apply the CRDs, the roles and the Deployment of the operator, and wait until it is ready.

    The same command upgrades it. With --filename it also applies a FluxInstance, from which the
    operator installs Flux. That is built here first, so that nothing is applied when the operator
    would refuse it: with the distribution of --distribution, else the artifact of the file, else
    the bundled one. Where that cannot be read from here, only the file itself is checked.

    An image that its registry does not have is refused before anything is changed. The Deployment
    of another operator, such as the reference one, is replaced after a question, which --yes
    answers; Flux and its custom resources stay as they are.
    """
    from fluxsm.cli import operator_image, operator_manifests, replacement
    from fluxsm.cli.instance_file import one_file

    filename, namespace, timeout = one_file(filenames), target.operator_namespace, target.timeout
    if export and dry_run:
        raise UsageError("--export and --dry-run exclude each other")
    objects = operator_manifests.read(namespace, image)
    instance = _instance(filename, namespace, place) if filename else []
    if export:
        from fluxsm.build import yaml
        from fluxsm.cli.build import HIDDEN
        from fluxsm.cli.failure import say

        shown = [_without_logins(item) for item in instance]
        if shown != instance:
            say(f"• {HIDDEN}")
        click.echo(yaml.dump_all([*objects, *shown]), nl=False)
        return
    operator_image.check(image, look=not skip_image_check)
    cluster = target.connect(connection.MANAGER)
    found = replacement.look_up(cluster, objects)
    if found:
        replacement.rehearse(cluster, objects, found)
        if not dry_run:
            question = f"Replace the operator in {namespace}, on {cluster.host}?"
            confirmation.confirm(found.lines(), question, yes=yes)
    _apply(cluster, objects, found, timeout, dry_run=dry_run)
    if dry_run:
        return
    if instance:
        _await(
            cluster,
            [item for item in objects if item["kind"] == "CustomResourceDefinition"],
            timeout,
        )
        _apply(cluster, instance, replacement.Replacement(), timeout, dry_run=False)
    if not no_wait:
        _await(cluster, objects, timeout)
        click.echo(f"{Mark.DONE.colored} the operator is ready")
        for item in instance:
            _await_instance(cluster, ObjectRef.of(item), timeout)


def _instance(filename: str, namespace: str, place: str | None) -> list[Manifest]:
    """The instance of a file, built for a check, for the namespace of the operator."""
    from fluxsm.cli.instance_file import read_instance

    found = read_instance(filename)
    metadata = {**found.manifest["metadata"], "namespace": namespace}
    inside = found.instance.metadata.model_copy(update={"namespace": namespace})
    instance = found.instance.model_copy(update={"metadata": inside})
    _check(replace(found, instance=instance), place)
    return [found.manifest | {"metadata": metadata}]


def _check(found: InstanceFile, place: str | None) -> None:
    """Build what the operator will build; where that cannot be done here, check what can be.

    Raises:
        FileError: the operator would refuse the instance.
    """
    from fluxsm.build import version
    from fluxsm.build.advice import advise
    from fluxsm.build.patches import parse_all
    from fluxsm.build.spec_rules import check_spec
    from fluxsm.build.validation.finding import refuse
    from fluxsm.cli.build import build_checked, choose_place
    from fluxsm.cli.failure import say
    from fluxsm.errors import ArtifactError

    spec = found.instance.spec
    with found.named():
        version.parse_range(spec.distribution.version)
        refuse(check_spec(found.instance))
        parse_all(spec.patches)
    chosen = choose_place(found.instance, place)
    try:
        source = distribution.open_distribution(chosen)
    except ArtifactError as error:
        reason = str(error)
    else:
        # The image of the operator may hold other versions than the folder that is at hand here.
        if (
            place
            or chosen
            or version.matching(version.parse_range(spec.distribution.version), source.versions())
        ):
            build_checked(found, source, pin=True)
            return
        reason = f"{source.source} has no version in {spec.distribution.version}"
    for line in advise(found.instance):
        say(f"• {found.file.name}: {line}")
    say(
        f"• {found.file.name}: what is built from it was not checked, because the distribution is"
        f" not at hand: {reason}; name it with --distribution"
    )


def _without_logins(instance: Manifest) -> Manifest:
    """An instance whose URLs have no login, for what is printed."""
    from fluxsm.objects.redaction import redact

    spec = dict(instance["spec"])
    for block, field in (("distribution", "artifact"), ("sync", "url")):
        if isinstance(spec.get(block), dict) and spec[block].get(field):
            spec[block] = {**spec[block], field: redact(spec[block][field])}
    return instance | {"spec": spec}


def _apply(
    cluster: KubeCluster,
    objects: Sequence[Manifest],
    replaced: Replacement,
    timeout: timedelta,
    *,
    dry_run: bool,
) -> None:
    """Apply one object after the other, and say of each what was done.

    Raises:
        ClusterError: the API server refused an object, or one that is replaced does not go.
    """
    from fluxsm.cli import replacement

    for item in objects:
        ref = ObjectRef.of(item)
        old = replaced.of(ref)
        if old is not None and dry_run:
            click.echo(f"✔ {ref} replaced (dry run)")
            continue
        if old is not None:
            replacement.remove(cluster, old, timeout)
            click.echo(f"✔ {ref} of the other operator deleted")
        answer = cluster.apply_all([item], dry_run=dry_run)[0]
        if isinstance(answer, NotFoundError) and dry_run:
            # In a dry run the namespace that comes before it does not exist yet.
            click.echo(f"{Mark.NOTE.colored} {ref} cannot be checked before its namespace exists")
        elif isinstance(answer, ClusterError):
            raise answer
        else:
            word = "created" if answer.created else "configured"
            click.echo(f"{Mark.DONE.colored} {ref} {word}{' (dry run)' if dry_run else ''}")


def _await(cluster: KubeCluster, objects: Sequence[Manifest], timeout: timedelta) -> None:
    """Wait until all objects are current.

    Raises:
        HealthError: they are not, in time; the message says which and why.
    """
    from fluxsm.cli.connection import finder
    from fluxsm.objects import health

    def look() -> list[health.Found]:
        statuses = health.statuses(objects, finder(cluster), datetime.now(UTC))
        return [(ref, status) for ref, status in statuses if not status.is_current]

    if not connection.wait_until(lambda: not look(), timeout.total_seconds()):
        raise HealthError(health.timed_out(look(), timeout))


def _await_instance(cluster: KubeCluster, ref: ObjectRef, timeout: timedelta) -> None:
    """Wait until an instance is Ready at its newest spec.

    Raises:
        HealthError: it is not, in time; the message is what the operator says about it.
    """
    from fluxsm.core import conditions

    def ready() -> Mapping[str, Any]:
        manifest = cluster.get(ref)
        found = conditions.find((manifest.get("status") or {}).get("conditions") or [], names.READY)
        current = found and found.get("observedGeneration") == manifest["metadata"]["generation"]
        return found if found and current else {}

    if not connection.wait_until(lambda: ready().get("status") == "True", timeout.total_seconds()):
        raise HealthError(
            f"{ref} is not ready: {ready().get('message') or 'no operator looks at it'}"
        )
    click.echo(f"{Mark.DONE.colored} {ref} is ready")
