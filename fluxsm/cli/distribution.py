# SPDX-License-Identifier: Apache-2.0
"""Open the distribution that a command works with: a folder, an artifact, or the bundled one."""

from __future__ import annotations

from pathlib import Path

import click

from fluxsm.build.distribution import Distribution, describe_starter
from fluxsm.cli import registry
from fluxsm.cli.failure import say
from fluxsm.errors import UsageError

OCI = "oci://"
_IMAGE_DATA = Path("/data")

_PLACE = click.option(
    "--distribution",
    "place",
    metavar="DIR|oci://...",
    help="Folder with flux/ and flux-images/ in it, or an OCI artifact.",
)


def option(command: registry.Command) -> registry.Command:
    """Add the flag that names a distribution, and those that say how registries are reached."""
    return _PLACE(registry.options(command))


def own_folder() -> Path:
    """The folder of the bundled distribution: that of the image, else the starter one."""
    from fluxsm.adapters.folder import starter_folder

    return _IMAGE_DATA if (_IMAGE_DATA / "flux").is_dir() else starter_folder()


def open_distribution(place: str | None) -> Distribution:
    """The distribution at a place.

    Args:
        place: a folder, an `oci://` reference, or None for the bundled distribution.

    Raises:
        ArtifactError: the artifact cannot be pulled.
        BuildError: the folder does not exist or has no `flux` folder in it.
        UsageError: the place is another URL.
    """
    if place is not None and place.startswith(OCI):
        return _pull(place)
    if place is not None and "://" in place:
        raise UsageError(f"the distribution {place} is neither a folder nor oci://HOST/REPOSITORY")
    from fluxsm.adapters.folder import open_folder

    return open_folder(Path(place) if place else own_folder())


def say_starter(found: Distribution) -> None:
    """Say on standard error what the starter distribution is not good for, if it is that one."""
    if found.is_starter:
        say(f"• {describe_starter(found.source)}")


def _pull(reference: str) -> Distribution:
    from fluxsm.adapters.registry.source import open_artifact

    return open_artifact(reference, registry.settings()).distribution
