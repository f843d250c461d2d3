# SPDX-License-Identifier: Apache-2.0
"""`fluxsm vendor`: fill a distribution folder with the manifests of Flux releases."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from fluxsm.cli import registry
from fluxsm.errors import ArtifactError, UsageError

RELEASES: Final = "https://github.com/fluxcd/flux2/releases/download/{version}/manifests.tar.gz"
CHECKSUMS: Final = "flux_{number}_checksums.txt"
"""Name of the file beside the archive that lists the sha256 of each file of a release."""


@click.command("vendor", short_help="Fill a distribution folder with manifests of Flux.")
@click.option(
    "--version",
    "versions",
    multiple=True,
    required=True,
    metavar="vX.Y.Z",
    help="Version to fetch; repeatable.",
)
@click.option(
    "--from",
    "source",
    default=RELEASES,
    show_default=True,
    metavar="URL|DIR|oci://...",
    help="Where from; {version} in a URL is replaced.",
)
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="DIR",
    help="Distribution folder; made where it is missing.",
)
@registry.options
def command(versions: tuple[str, ...], source: str, target: Path) -> None:
    """Copy versions of Flux into a distribution folder, for an image or for `fluxsm push`.

    A release archive is checked against the checksums that are published beside it. A folder and
    an artifact bring the image digests of their versions too.
    """
    from fluxsm.build.version import is_version

    for version in versions:
        if not version.startswith("v") or not is_version(version):
            raise UsageError(f"--version {version!r} is not a version such as v2.8.8")
    for version in versions:
        files, how = _fetch(source, version)
        _write(files, target)
        click.echo(f"✓ {version}: {len(files)} files, {how}", err=True)


def _fetch(source: str, version: str) -> tuple[Mapping[str, bytes], str]:
    """The files of a version by their path in a distribution, and how they were checked."""
    if source.startswith("oci://"):
        return _from_artifact(source, version)
    if source.startswith(("https://", "http://")):
        return _from_release(source, version)
    from fluxsm.adapters.folder import Folder

    return _only(Folder(Path(source)), version, source), f"copied from {source}"


def _from_artifact(reference: str, version: str) -> tuple[Mapping[str, bytes], str]:
    from fluxsm.adapters.registry import local
    from fluxsm.adapters.registry.source import local_registry

    client = local_registry(registry.settings())
    artifact = client.pull(reference, local.docker_config())
    return _only(artifact.files, version, reference), f"digest {artifact.digest} verified"


def _only(files: Mapping[str, bytes], version: str, source: str) -> Mapping[str, bytes]:
    """The manifests and image lists of one version, with the mark of a starter distribution."""
    from fluxsm.build.distribution import STARTER_FILE

    folders = (f"flux/{version}/", f"flux-images/{version}/")
    found = {path: files[path] for path in files if path.startswith(folders)}
    if not any(path.startswith(folders[0]) for path in found):
        raise ArtifactError(f"{source} does not have flux/{version}")
    if STARTER_FILE in files:
        found[STARTER_FILE] = files[STARTER_FILE]
    return found


def _from_release(template: str, version: str) -> tuple[Mapping[str, bytes], str]:
    from fluxsm.adapters.registry.archive import unpack
    from fluxsm.adapters.registry.download import download

    url = template.replace("{version}", version)
    archive = download(url, registry.settings())
    if archive is None:
        raise ArtifactError(f"{url} does not exist: is {version} a release of Flux?")
    beside, _, name = url.rpartition("/")
    listing = f"{beside}/{CHECKSUMS.format(number=version.removeprefix('v'))}"
    checksums = download(listing, registry.settings())
    if checksums is None and template == RELEASES:
        raise ArtifactError(f"{listing} does not exist, so the archive cannot be checked")
    how = "NOT verified, as no checksums are published beside the archive"
    if checksums is not None:
        _check(archive, name, checksums, listing)
        how = "checksum verified"
    manifests = {path: data for path, data in unpack(archive).items() if path.endswith(".yaml")}
    if not manifests:
        raise ArtifactError(f"{url} holds no manifests")
    return {f"flux/{version}/{path}": data for path, data in manifests.items()}, how


def _check(archive: bytes, name: str, checksums: bytes, listing: str) -> None:
    """Compare with a list of lines `sha256  name`."""
    lines = (line.split() for line in checksums.decode(errors="replace").splitlines())
    listed = {parts[1].lstrip("*"): parts[0].lower() for parts in lines if len(parts) == 2}
    if name not in listed:
        raise ArtifactError(f"{listing} does not list {name}")
    found = hashlib.sha256(archive).hexdigest()
    if found != listed[name]:
        raise ArtifactError(f"{name} has the sha256 {found}, but {listing} says {listed[name]}")


def _write(files: Mapping[str, bytes], target: Path) -> None:
    """Write the files below the folder. Their names are clean: unpacking has seen to that."""
    try:
        for path, content in files.items():
            file = target / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}") from None
