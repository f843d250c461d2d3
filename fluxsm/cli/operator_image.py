# SPDX-License-Identifier: Apache-2.0
"""The image of the operator, looked up before anything in a cluster is changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from fluxsm.cli import registry
from fluxsm.cli.failure import say
from fluxsm.errors import AbsentArtifactError, ArtifactError, UsageError

LIMIT: Final = timedelta(seconds=10)
"""How long the registry may take; the image is pulled by the nodes, not from here."""

_HUB: Final = "docker.io"


def check(image: str | None, *, look: bool) -> None:
    """Refuse an image that nobody can pull.

    A registry that cannot be asked from here may well be in reach of the nodes: that is one line
    of advice.

    Args:
        image: as --image names it, None where it is missing.
        look: whether its registry is asked.

    Raises:
        UsageError: there is no image, or its registry does not have it.
    """
    if not image:
        raise UsageError(
            "--image is required, because no image of this version is published: make one with"
            " make image DATA=FOLDER, push it to your registry and name it"
        )
    if not look:
        return
    from fluxsm.adapters.registry import local
    from fluxsm.adapters.registry.source import local_registry

    client = local_registry(registry.settings(), deadline=LIMIT)
    try:
        client.resolve_image_digest(spelled_out(image), local.docker_config())
    except AbsentArtifactError as error:
        raise UsageError(
            f"--image {image} is not in its registry, so nothing was changed: {_plain(error)};"
            " --skip-image-check is for an image that the nodes have already"
        ) from None
    except ArtifactError as error:
        say(f"• the image {image} was not looked up: {_plain(error)}")


def spelled_out(image: str) -> str:
    """The image with its registry, as a container runtime completes it.

    A first part without dot, colon and the name localhost is no registry but a folder of Docker
    Hub (https://github.com/distribution/reference, normalize.go).
    """
    first, slash, _ = image.partition("/")
    if not slash:
        return f"{_HUB}/library/{image}"
    if "." in first or ":" in first or first == "localhost":
        return image
    return f"{_HUB}/{image}"


def _plain(error: ArtifactError) -> str:
    """What went wrong, without the address, which is no artifact's."""
    return str(error).partition(": ")[2]
