# SPDX-License-Identifier: Apache-2.0
"""`fluxsm push`: put a distribution folder into a registry, for mirrors and air gaps."""

from __future__ import annotations

from pathlib import Path

import click

from fluxsm.cli import registry


@click.command("push", short_help="Push a distribution folder to a registry as an artifact.")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("reference", metavar="oci://HOST/REPOSITORY:TAG")
@registry.options
def command(folder: Path, reference: str) -> None:
    """Pack flux/ and flux-images/ of FOLDER and push them as an artifact.

    The same files always give the same digest, so pushing twice changes nothing. Standard output
    is the address with the digest, as .spec.distribution.artifact takes it.
    """
    from fluxsm.adapters.folder import Folder, open_folder
    from fluxsm.adapters.registry import local
    from fluxsm.adapters.registry.archive import pack
    from fluxsm.adapters.registry.reference import parse_reference
    from fluxsm.adapters.registry.source import local_registry

    target = parse_reference(reference)
    open_folder(folder).versions()
    layer = pack(Folder(folder))
    client = local_registry(registry.settings())
    digest = client.push(reference, local.docker_config(), layer, {})
    click.echo(f"oci://{target.name}:{target.tag}@{digest}")
