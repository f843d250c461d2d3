# SPDX-License-Identifier: Apache-2.0
"""`fluxsm plan`: what the operator would do, without doing it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from fluxsm.api import names
from fluxsm.cli import distribution
from fluxsm.cli import output as out
from fluxsm.cli import target as cluster_of
from fluxsm.cli.exit_codes import Exit
from fluxsm.cli.target import Target
from fluxsm.errors import BuildError, ClusterError, InvalidError, NotFoundError, UsageError

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster
    from fluxsm.api.objects import Manifest
    from fluxsm.build.distribution import Distribution
    from fluxsm.build.pipeline import BuildResult
    from fluxsm.cli.instance_file import InstanceFile
    from fluxsm.core.instance import Instance
    from fluxsm.core.plan import Plan

_LEFT: Final = (
    "the instance is suspended: its deletion leaves all of Flux in the cluster, and nothing"
    " reconciles it any more"
)


@click.command("plan", short_help="Say what the operator would do, without doing it.")
@click.option(
    "-f",
    "--filename",
    "filenames",
    multiple=True,
    metavar="FILE",
    help="File with a FluxInstance; - is standard input. [default: the one in the cluster]",
)
@click.option("--delete", is_flag=True, help="What the deletion of the instance would remove.")
@distribution.option
@out.option(out.TEXT, out.JSON, out.YAML, default=out.TEXT)
@cluster_of.options
@click.pass_context
def command(
    ctx: click.Context,
    target: Target,
    filenames: Sequence[str],
    delete: bool,
    place: str | None,
    output: str,
) -> None:
    """Say what the operator would do, without doing it.

    With -f as if that file were applied; without, as if the instance in the cluster were reconciled
    now, with the newest release in its range. The objects are built as the operator builds them,
    and the API server is asked what it would make of each: that is a dry run, nothing is written.
    The account needs the rights of the operator for it.

    The exit code is 0 when nothing would change, 2 when something would, and 1 after an error, or
    when the operator would refuse, as it does a downgrade or a patch that does not fit.
    """
    from fluxsm.api.objects import ObjectRef
    from fluxsm.cli import plan_text, table

    filename = _check_flags(filenames, place, delete=delete)
    asked = _ask(target, filename)
    plan = _deletion(asked) if delete else _plan(asked, place)
    name = str(ObjectRef.of(asked.instance.manifest))
    if output == out.TEXT:
        for line in plan_text.lines(name, plan, delete=delete, width=table.terminal_width()):
            click.echo(line)
    else:
        out.values(plan_text.data(name, plan), output)
    ctx.exit(Exit.FAILED if plan.refused else Exit.CHANGES if plan else Exit.DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a plan is made for.

    Attributes:
        cluster: with the field manager of the operator.
        instance: as it would be.
        live: as it is, None when there is none.
        file: where it comes from, None when it is the one in the cluster.
        refused: why the API server would not admit it, empty when it would.
    """

    cluster: KubeCluster
    instance: Instance
    live: Manifest | None
    file: InstanceFile | None
    refused: str = ""


def _check_flags(filenames: Sequence[str], place: str | None, *, delete: bool) -> str | None:
    from fluxsm.cli.instance_file import one_file

    filename = one_file(filenames)
    if delete and (filename or place):
        raise UsageError("--delete is about the instance in the cluster; leave the other flags out")
    return filename


def _ask(target: Target, filename: str | None) -> _Asked:
    """Read the instance, and have the API server judge the one of a file.

    Raises:
        UsageError: there is none, the file has none, or it is of another namespace than -n says.
        ClusterError: the API server cannot be asked.
    """
    from fluxsm.cli import planning
    from fluxsm.cli.instance import subject
    from fluxsm.cli.instance_file import read_instance
    from fluxsm.core.instance import Instance

    cluster = target.connect(names.MANAGER)
    if filename is None:
        live = subject.read(cluster, subject.ref_of(target.namespace, names.SINGLETON))
        return _Asked(cluster=cluster, instance=Instance(live), live=live, file=None)
    file = read_instance(filename)
    namespace = file.manifest["metadata"].get("namespace") or target.namespace
    if target.namespace_flag not in {None, "", namespace}:
        raise UsageError(
            f"{file.file.name} is of the namespace {namespace}, and -n says"
            f" {target.namespace_flag}; leave -n out"
        )
    wanted = {**file.manifest, "metadata": {**file.manifest["metadata"], "namespace": namespace}}
    there: Manifest | None = None
    with suppress(NotFoundError):
        there = cluster.get(subject.ref_of(namespace, names.SINGLETON))
    refused = ""
    try:
        merged = planning.intended(cluster, wanted, there)
    except InvalidError as error:
        merged, refused = {**wanted, "status": (there or {}).get("status") or {}}, str(error)
    instance = Instance(merged)
    return _Asked(cluster=cluster, instance=instance, live=there, file=file, refused=refused)


def _deletion(asked: _Asked) -> Plan:
    from fluxsm.cli.planning import Planner
    from fluxsm.core.plan import Plan

    if asked.instance.metadata.suspended:
        return Plan(
            installed=asked.instance.status.last_applied_revision or "",
            notes=(_LEFT,),
        )
    return Planner(asked.cluster, asked.instance).deletion()


def _plan(asked: _Asked, place: str | None) -> Plan:
    """The plan of an application, or of what stands in its way."""
    from dataclasses import replace

    from fluxsm.cli.documents import FileError
    from fluxsm.cli.planning import Planner
    from fluxsm.core.plan import Plan, Rehearsal, object_change
    from states.work import evaluation

    notes = _standing(asked)
    installed = asked.instance.status.last_applied_revision or ""
    if asked.refused:
        return Plan(installed=installed, refused=(asked.refused,), notes=notes)
    try:
        source, latest = _source(asked, place)
        result = _build(asked, source, latest)
        evaluation.refuse_open_schemas(source, installed, result, asked.cluster)
    except (BuildError, FileError) as error:
        refused = tuple(getattr(error, "lines", None) or (str(error),))
        return Plan(installed=installed, refused=refused, notes=notes)
    plan = Planner(asked.cluster, asked.instance).plan(result)
    if asked.file is not None:
        wanted = asked.instance.manifest
        own = object_change(Rehearsal(wanted=wanted, live=asked.live, after=wanted))
        plan = replace(plan, changes=(*((own,) if own else ()), *plan.changes))
    return replace(plan, notes=(*notes, *plan.notes))


def _standing(asked: _Asked) -> tuple[str, ...]:
    """What keeps the operator from doing it now."""
    if asked.instance.is_deleted:
        return ("the instance is being deleted: nothing of this happens",)
    if asked.instance.metadata.suspended:
        return ("the instance is suspended: nothing of this happens until it is resumed",)
    return ()


def _source(asked: _Asked, place: str | None) -> tuple[Distribution, frozenset[str]]:
    """The distribution, and the minors that the operator supports: those of its own folder."""
    from fluxsm.build import version

    own = place if place is not None and not place.startswith(distribution.OCI) else None
    supported = version.supported_minors(distribution.open_distribution(own).versions())
    if place is not None:
        return distribution.open_distribution(place), supported
    reference = asked.instance.spec.distribution.artifact
    if not reference:
        return distribution.open_distribution(None), supported
    secret = _pull_secret(asked)
    if secret is None:
        return distribution.open_distribution(reference), supported
    from fluxsm.adapters.registry.source import ArtifactSource
    from fluxsm.cli import registry

    return ArtifactSource(registry.settings()).pull(reference, secret).distribution, supported


def _pull_secret(asked: _Asked) -> Manifest | None:
    """The login that the operator has; None where there is none, or this account may not read it.

    Without it the login of the local Docker configuration is used.
    """
    from fluxsm.api.objects import Kind, ObjectRef
    from fluxsm.cli import talk

    name = asked.instance.spec.distribution.artifact_pull_secret
    if not name:
        return None
    ref = ObjectRef(Kind("", "v1", "Secret"), asked.instance.metadata.namespace, name)
    try:
        return asked.cluster.get(ref)
    except ClusterError as error:
        talk.note(f"{error}; the local login is used")
        return None


def _build(asked: _Asked, source: Distribution, supported: frozenset[str]) -> BuildResult:
    """Build as the operator does.

    Raises:
        BuildError: there is no such version, it is a downgrade, or it cannot be built.
    """
    from fluxsm.build import version
    from fluxsm.build.pipeline import build

    parsed = asked.instance.parsed
    with asked.file.named() if asked.file else nullcontext():
        chosen = version.resolve(
            parsed.spec.distribution.version,
            source.versions(),
            minors=supported,
            source=source.source,
        )
        version.refuse_downgrade(asked.instance.status.last_applied_revision or "", chosen)
        result = build(parsed, source, chosen)
        known = _known_digests(asked, result)
        return build(parsed, source, chosen, digests=known) if known else result


def _known_digests(asked: _Asked, result: BuildResult) -> dict[str, str]:
    """Digests of images that the distribution does not pin, where the same tag is installed."""
    installed = {
        f"{item.get('repository')}:{item.get('tag')}": str(item["digest"])
        for item in asked.instance.saved.get("components") or ()
        if isinstance(item, dict) and item.get("digest")
    }
    return {
        image.reference: installed[image.reference]
        for image in result.components
        if not image.digest and image.reference in installed
    }
