# SPDX-License-Identifier: Apache-2.0
"""`fluxsm build`: the objects of a FluxInstance, without a cluster."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

from fluxsm.api.objects import Kind, Manifest
from fluxsm.cli import distribution
from fluxsm.cli.completion.offer import offer
from fluxsm.cli.failure import say
from fluxsm.errors import UsageError
from fluxsm.objects.redaction import redact

if TYPE_CHECKING:
    from fluxsm.api.instance import FluxInstance
    from fluxsm.build.distribution import Distribution
    from fluxsm.build.pipeline import BuildResult
    from fluxsm.cli.instance_file import InstanceFile

_SOURCES: Final = "source.toolkit.fluxcd.io"
HIDDEN: Final = (
    "logins are printed as ***, so do not apply what is printed; with the login in a Secret it is"
    " what the operator applies"
)
"""What is said where a login was taken out of objects."""

_ADDRESSES: Final = ("url", "endpoint")


@click.command("build", short_help="Print the objects of a FluxInstance, without a cluster.")
@click.argument("kind", required=False, type=click.Choice(["instance"]), metavar="[instance]")
@click.option(
    "-f",
    "--filename",
    "filenames",
    multiple=True,
    metavar="FILE",
    shell_complete=offer("files"),
    help="File with the FluxInstance; - is standard input.",
)
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
    filenames: Sequence[str],
    place: str | None,
    artifact: str | None,
    output: str,
    pin_digests: bool,
) -> None:
    """Print the objects that the operator applies for a FluxInstance.

    Defaults and rules of the API apply to the file as they do on the server, and unknown fields
    are refused, as kubectl apply --validate=strict does. Other objects in the file are named and
    left alone. The distribution is the one of --distribution, else the artifact of
    --distribution-artifact or of the file, else the bundled one, and every version in it may be
    chosen.

    Images are printed with their tags, as in the manifests of Flux. The operator pins them to
    digests where the distribution lists these; --pin-digests prints exactly what it applies.
    """
    from fluxsm.cli.instance_file import one_file, read_instance

    filename = one_file(filenames)
    if not filename:
        raise UsageError("--filename is required")
    found = read_instance(filename)
    source = distribution.open_distribution(choose_place(found.instance, place, artifact))
    result = build_file(found, source, pin=pin_digests)
    click.echo(_write(result, output), nl=False)


def build_file(found: InstanceFile, source: Distribution, *, pin: bool) -> BuildResult:
    """Build the instance of a file, for printing: without logins, and that is said.

    Args:
        found: what to build.
        source: the distribution.
        pin: whether the result is exactly what the operator applies.

    Raises:
        FileError: the instance cannot be built.
    """
    result = build_checked(found, source, pin=pin)
    shown = tuple(map(_without_login, result.objects))
    if shown != result.objects:
        say(f"• {found.file.name}: {HIDDEN}")
    return replace(result, objects=shown)


def build_checked(found: InstanceFile, source: Distribution, *, pin: bool) -> BuildResult:
    """Build the instance of a file as it is; warnings, also of the source, go to standard error.

    Args:
        found: what to build.
        source: the distribution.
        pin: whether the result is exactly what the operator applies.

    Raises:
        FileError: the instance cannot be built.
    """
    from fluxsm.build import version
    from fluxsm.build.pipeline import build

    instance = found.instance
    with found.named():
        chosen = version.resolve(
            instance.spec.distribution.version, source.versions(), source=source.source
        )
        result = build(instance, source, chosen, as_applied=pin)
    for warning in result.warnings:
        say(f"• {found.file.name}: {warning}")
    distribution.say_starter(source)
    return result


def _without_login(item: Manifest) -> Manifest:
    """A source whose URL has no login, for what is printed; advice says so."""
    spec = item.get("spec")
    if Kind.of(item).group != _SOURCES or not isinstance(spec, dict):
        return item
    hidden = {key: redact(spec[key]) for key in _ADDRESSES if isinstance(spec.get(key), str)}
    return {**item, "spec": {**spec, **hidden}}


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
        raise UsageError(f"--distribution-artifact '{artifact}' does not start with oci://")
    return artifact or instance.spec.distribution.artifact


def _write(result: BuildResult, output: str) -> str:
    from fluxsm.build import yaml

    if output == "json":
        listed = {"apiVersion": "v1", "kind": "List", "items": list(result.objects)}
        return json.dumps(listed, indent=2, sort_keys=True) + "\n"
    return yaml.dump_all(result.objects)
