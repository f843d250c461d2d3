# SPDX-License-Identifier: Apache-2.0
"""`fluxsm build`: the objects of a FluxInstance, without a cluster."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from fluxsm.cli import distribution
from fluxsm.errors import UsageError

if TYPE_CHECKING:
    from fluxsm.api.instance import FluxInstance
    from fluxsm.build.pipeline import BuildResult


@click.command("build", short_help="Print the objects of a FluxInstance, without a cluster.")
@click.argument("kind", required=False, type=click.Choice(["instance"]), metavar="[instance]")
@click.option("-f", "--filename", metavar="FILE", help="FluxInstance; - is standard input.")
@distribution.option
@click.option(
    "--distribution-artifact",
    "artifact",
    metavar="oci://...",
    help="Replaces .spec.distribution.artifact of the file.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    show_default=True,
    help="YAML documents, or one JSON object of kind List.",
)
@click.option(
    "--pin-digests",
    is_flag=True,
    help="Pin images to the digests of the distribution: exactly what the operator applies.",
)
def command(
    kind: str | None,  # noqa: ARG001 `fluxsm build instance` and `fluxsm build` are the same
    filename: str | None,
    place: str | None,
    artifact: str | None,
    output: str,
    pin_digests: bool,
) -> None:
    """Print the objects that the operator applies for a FluxInstance.

    Defaults and rules of the API apply to the file as they do on the server. The distribution is
    the one of --distribution, else the artifact of --distribution-artifact or of the file, else
    the bundled one, and every version in it may be chosen.

    Images are printed with their tags, as in the manifests of Flux. The operator pins them to
    digests where the distribution lists these; --pin-digests prints exactly what it applies.
    """
    from fluxsm.cli.instance_file import read_instance

    if not filename:
        raise UsageError("--filename is required")
    instance = read_instance(filename)
    result = build_instance(instance, choose_place(instance, place, artifact), pin=pin_digests)
    click.echo(_write(result, output), nl=False)


def build_instance(instance: FluxInstance, place: str | None, *, pin: bool) -> BuildResult:
    """Build an instance; warnings go to standard error.

    Args:
        instance: what to build.
        place: as in `open_distribution`.
        pin: whether the result is exactly what the operator applies.

    Raises:
        ArtifactError: the distribution cannot be pulled.
        BuildError: the instance cannot be built.
    """
    from fluxsm.build import version
    from fluxsm.build.pipeline import build

    found = distribution.open_distribution(place)
    chosen = version.resolve(
        instance.spec.distribution.version, found.versions(), source=found.source
    )
    result = build(instance, found, chosen, as_applied=pin)
    for warning in result.warnings:
        click.echo(f"• {warning}", err=True)
    return result


def choose_place(
    instance: FluxInstance, place: str | None, artifact: str | None = None
) -> str | None:
    """Where the distribution is: what the flags say, else what the instance says.

    Raises:
        UsageError: the artifact is not an `oci://` reference.
    """
    if place is not None:
        return place
    if artifact is not None and not artifact.startswith(distribution.OCI):
        raise UsageError(f"--distribution-artifact {artifact!r} does not start with oci://")
    return artifact or instance.spec.distribution.artifact


def _write(result: BuildResult, output: str) -> str:
    from fluxsm.build import yaml

    if output == "json":
        listed = {"apiVersion": "v1", "kind": "List", "items": list(result.objects)}
        return json.dumps(listed, indent=2, sort_keys=True) + "\n"
    return yaml.dump_all(result.objects)
