# SPDX-License-Identifier: Apache-2.0
"""`fluxsm uninstall`: take the operator out of a cluster, with Flux or without.

It looks first, asks the API server whether each deletion is allowed, and then the person. The
FluxInstance goes first, and nothing else is touched before it is gone: the operator, its roles and
its namespace are what Flux is removed with. Each step may be done again, so a command that was
killed is called again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import click

from fluxsm.api import names
from fluxsm.api.objects import Manifest, ObjectRef
from fluxsm.cli import confirmation, connection
from fluxsm.cli import target as cluster_of
from fluxsm.cli.talk import Mark
from fluxsm.cli.target import Target
from fluxsm.errors import ClusterError, ConflictError, NotFoundError, UsageError

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster
    from fluxsm.cli.removal import Removal

_ATTEMPTS: Final = 5
"""How often the finalizer is taken off an instance that others write at the same time."""

_SUSPENDING: Final = {"metadata": {"annotations": {names.RECONCILE: names.DISABLED}}}
_NOTHING: Final = "nothing was changed"
_RESUME: Final = (
    f"the operator stays and the instance is suspended: set its annotation {names.RECONCILE} to"
    " enabled, or call the command again"
)


@click.command("uninstall", short_help="Take the operator, and Flux, out of a cluster.")
@click.option("--keep-flux", is_flag=True, help="Leave Flux running, without an operator.")
@click.option("--keep-namespace", is_flag=True, help="Leave the namespace, and what is in it.")
@confirmation.option
@click.option("--dry-run", is_flag=True, help="Say what would go, and whether the server lets it.")
@click.option("--export", is_flag=True, help="Print the objects of the operator, ask no cluster.")
@cluster_of.operator_options(timeout="5m")
def command(
    target: Target,
    keep_flux: bool,
    keep_namespace: bool,
    yes: bool,
    dry_run: bool,
    export: bool,
) -> None:
    """Delete the FluxInstance, wait until the operator has removed Flux, then remove the operator.

    What Flux has deployed goes on running. With --keep-flux, Flux does so too; then the namespace
    is left, because Flux runs in it. The command lists what goes and asks; --yes answers. It stops
    at the first refusal: while the FluxInstance is there, nothing else is touched.
    """
    from fluxsm.cli import operator_manifests

    if export and dry_run:
        raise UsageError("--export and --dry-run exclude each other")
    namespace = target.operator_namespace
    objects = operator_manifests.read(namespace)
    if keep_namespace or keep_flux:
        objects = [item for item in objects if item["kind"] != "Namespace"]
    if export:
        from fluxsm.build import yaml

        click.echo(yaml.dump_all(objects), nl=False)
        return
    from fluxsm.cli import removal

    cluster = target.connect(connection.MANAGER)
    refs = [ObjectRef.of(item) for item in reversed(objects)]
    found = removal.look_up(cluster, namespace, refs, keep_flux=keep_flux)
    for ref in found.missing:
        click.echo(f"{Mark.NOTE.colored} {ref} does not exist")
    first = _SUSPENDING if keep_flux else None
    _or_stop(lambda: removal.rehearse(cluster, found, first), _NOTHING)
    if dry_run:
        for line in found.lines():
            click.echo(line)
    elif found:
        confirmation.confirm(found.lines(), _question(cluster, keep_flux=keep_flux), yes=yes)
        _uninstall(cluster, found, target.timeout, keep_flux=keep_flux)


def _question(cluster: KubeCluster, *, keep_flux: bool) -> str:
    """What is asked; it names the cluster, because people have several."""
    what = "the operator, and leave Flux running" if keep_flux else "the operator and Flux"
    return f"Remove {what}, from {cluster.host}?"


def _uninstall(
    cluster: KubeCluster, found: Removal, timeout: timedelta, *, keep_flux: bool
) -> None:
    """Remove the instance, and after it the operator.

    Raises:
        ClusterError: something may not be deleted, or is not gone in time; what comes after it is
            untouched.
    """
    if found.instance is not None and keep_flux:
        _abandon(cluster, found.instance, timeout)
    elif found.instance is not None:
        _remove_flux(cluster, found.instance, timeout)
    _remove_operator(cluster, found.own, timeout)


def _remove_flux(cluster: KubeCluster, instance: Manifest, timeout: timedelta) -> None:
    """Delete the instance, and wait until the operator has removed Flux.

    Raises:
        ClusterError: this was refused, or the instance is not gone in time.
        UsageError: the instance was suspended while the question was open.
    """
    from fluxsm.cli.removal import refuse_suspended

    ref = ObjectRef.of(instance)
    current = connection.finder(cluster)(ref)
    if current is not None:
        refuse_suspended(current)
        _or_stop(lambda: cluster.delete(ref, uid=instance["metadata"]["uid"]), _NOTHING)
    _await_end(
        cluster,
        [ref],
        timeout,
        "the operator and all else are untouched. Is the operator running? The status and"
        " events of the instance say why; --keep-flux removes the operator alone",
    )
    click.echo(f"{Mark.DONE.colored} {ref} deleted")


def _abandon(cluster: KubeCluster, instance: Manifest, timeout: timedelta) -> None:
    """Delete the instance without Flux, whether an operator runs or not.

    An operator lets a suspended instance go without removing anything. Where none runs, its
    finalizer is taken off here.

    Raises:
        ClusterError: this was refused, or the instance is not gone in time.
    """
    from fluxsm.cli.removal import is_suspended

    ref = ObjectRef.of(instance)
    metadata = instance["metadata"]
    uid = metadata["uid"]
    if not is_suspended(instance):
        guarded = {"metadata": {"uid": uid, **_SUSPENDING["metadata"]}}
        _or_stop(lambda: cluster.patch(ref, guarded), _NOTHING)
    if not metadata.get("deletionTimestamp"):
        _or_stop(lambda: cluster.delete(ref, uid=uid), _RESUME)
    _or_stop(lambda: _let_go(cluster, ref), _RESUME)
    _await_end(cluster, [ref], timeout, f"somebody else's finalizer holds it; {_RESUME}")
    click.echo(f"{Mark.DONE.colored} {ref} deleted, Flux goes on without it")


def _let_go(cluster: KubeCluster, ref: ObjectRef) -> None:
    """Take the operator's finalizer off an instance, and no other."""
    for attempt in range(1, _ATTEMPTS + 1):
        found = connection.finder(cluster)(ref)
        finalizers = (found or {}).get("metadata", {}).get("finalizers") or []
        if found is None or names.FINALIZER not in finalizers:
            return
        rest = [name for name in finalizers if name != names.FINALIZER]
        version = found["metadata"]["resourceVersion"]
        try:
            cluster.patch(ref, {"metadata": {"finalizers": rest, "resourceVersion": version}})
        except ConflictError:
            if attempt == _ATTEMPTS:
                raise


def _remove_operator(cluster: KubeCluster, refs: Sequence[ObjectRef], timeout: timedelta) -> None:
    """Delete the objects of the operator one after the other: first what runs, kinds last.

    Raises:
        ClusterError: one may not be deleted, or they are not gone in time.
    """
    from fluxsm.cli.removal import NAMESPACE, workloads

    rest = "what comes after it is untouched; call the command again once the cause is gone"
    for ref in refs:
        if ref.kind.kind == NAMESPACE and (left := workloads(cluster, ref.name)):
            raise ClusterError(f"{ref} is left: {left[0]} still runs in it; {rest}")
        _or_stop(lambda ref=ref: cluster.delete(ref, propagation="Foreground"), rest)  # type: ignore[misc]
        if ref.kind.kind == "Deployment":
            _await_end(cluster, [ref], timeout, rest)
        click.echo(f"{Mark.DONE.colored} {ref} deleted")
    _await_end(cluster, refs, timeout, "its status says what holds it; call the command again")


def _or_stop(act: Callable[[], object], state: str) -> None:
    """Do something; what does not exist any more is done.

    Raises:
        ClusterError: it was refused; the message says how things are now.
    """
    try:
        act()
    except NotFoundError:
        return
    except ClusterError as error:
        raise type(error)(f"{error}; {state}") from None


def _await_end(
    cluster: KubeCluster, refs: Sequence[ObjectRef], timeout: timedelta, state: str
) -> None:
    """Wait until objects are gone.

    Raises:
        ClusterError: they are not in time; the message says how things are now.
    """
    find = connection.finder(cluster)

    def left() -> list[ObjectRef]:
        return [ref for ref in refs if find(ref) is not None]

    if not connection.wait_until(lambda: not left(), timeout.total_seconds()):
        listed = ", ".join(map(str, left()))
        raise ClusterError(f"{listed} is not gone after {timeout.total_seconds():.0f}s; {state}")
