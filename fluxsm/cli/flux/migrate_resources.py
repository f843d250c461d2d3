# SPDX-License-Identifier: Apache-2.0
"""`fluxsm migrate resources`: bring the managed fields of all objects of a kind to one version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fluxsm.api.objects import CRD, Kind, Manifest, ObjectRef
from fluxsm.cli import talk
from fluxsm.cli import target as cluster_of
from fluxsm.cli.completion.offer import offer
from fluxsm.cli.flux import filters
from fluxsm.cli.target import Target
from fluxsm.errors import ClusterError, UsageError

if TYPE_CHECKING:
    from fluxsm.adapters.kube.cluster import KubeCluster
    from fluxsm.adapters.kube.discovery import Resource


@click.command("resources", short_help="Move managed fields to one API version.")
@click.option("--api-version", metavar="GROUP/VERSION", help="The version to move to.")
@click.option(
    "--kind", metavar="KIND", shell_complete=offer("kinds"), help="The kind, such as HelmRelease."
)
@filters.all_namespaces
@click.option("--dry-run", is_flag=True, help="Say what would be moved, write nothing.")
@cluster_of.options
def command(
    target: Target,
    api_version: str | None,
    kind: str | None,
    all_namespaces: bool,
    dry_run: bool,
) -> None:
    """Rewrite all objects of a kind so that their managed fields name one API version.

    A version that managed fields still name cannot be dropped from a definition: every later apply
    of such an object fails. The operator does this at an upgrade; this is for other kinds.
    """
    if not api_version:
        raise UsageError("--api-version is required, such as helm.toolkit.fluxcd.io/v2")
    if not kind:
        raise UsageError("--kind is required, such as --kind HelmRelease")
    cluster = target.connect()
    found = _kind(cluster, api_version, kind)
    namespace = "" if all_namespaces else target.namespace
    items = list(cluster.list(found, namespace=namespace, metadata_only=True))
    if not items:
        where = f" in namespace {namespace}; -A looks in all" if namespace else ""
        raise UsageError(f"no resources of kind {found.kind} found{where}")
    done, failed = 0, 0
    for item in items:
        try:
            done += _migrate(cluster, item, api_version, dry_run=dry_run)
        except ClusterError as error:
            failed += 1
            talk.failed(f"{ObjectRef.of(item)}: {error}")
    if failed == len(items):
        raise UsageError("no object was migrated, all have failed, see above")
    word = f"{done}/{len(items)} resources"
    talk.done(
        f"{word} need migration to {api_version}"
        if dry_run
        else f"migrated {word} to {api_version}"
    )


def _kind(cluster: KubeCluster, api_version: str, word: str) -> Kind:
    """The kind at the version, which must be one in which objects are stored.

    Raises:
        UsageError: it is not served, or not stored.
        ClusterError: this cannot be looked up.
    """
    group, slash, version = api_version.partition("/")
    if not (group and slash and version) or "/" in version:
        raise UsageError(f"--api-version: {api_version!r} is not of the form GROUP/VERSION")
    same: list[Resource] = [
        item
        for item in cluster.resources()
        if item.kind.group == group and word.lower() in item.names
    ]
    if not same:
        raise UsageError(f"the cluster has no kind {word!r} in {group}")
    definition = cluster.get(ObjectRef(CRD, "", f"{same[0].plural}.{group}"))
    stored = (definition.get("status") or {}).get("storedVersions") or []
    if version not in stored:
        raise UsageError(
            f"{version} is not among the stored versions of {same[0].kind.kind}, which are"
            f" {', '.join(stored) or 'none'}"
        )
    return Kind(group, version, same[0].kind.kind)


def _migrate(cluster: KubeCluster, item: Manifest, api_version: str, *, dry_run: bool) -> bool:
    """Whether an object had, or has, records of another version.

    Raises:
        ClusterError: it cannot be written.
    """
    from fluxsm.core.ports import PatchType
    from fluxsm.objects import manifest
    from fluxsm.objects.migration import rewrite_patch

    ref = ObjectRef.of(item)
    patch = rewrite_patch(item, api_version)
    if not patch:
        talk.note(f"{ref} already at {api_version}")
        return False
    if dry_run:
        managers = [
            manifest.text(record, "manager")
            for record in manifest.managed_fields_of(item)
            if record.get("apiVersion") != api_version
        ]
        listed = ", ".join(dict.fromkeys(managers))
        talk.waiting(f"{ref} needs migration (managers: {listed})")
        return True
    cluster.patch(ref, patch, type=PatchType.JSON)
    talk.done(f"{ref} migrated to {api_version}")
    return True
