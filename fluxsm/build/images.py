# SPDX-License-Identifier: Apache-2.0
"""The images of the controllers: chosen from the distribution, written into objects, read back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from fluxsm.api.objects import Manifest
from fluxsm.build.distribution import Distribution
from fluxsm.build.options import Options
from fluxsm.build.pod import MANAGER, manager
from fluxsm.build.resource import Resource
from fluxsm.build.validation.finding import show
from fluxsm.errors import BuildError

VARIANTS: Final = (
    "upstream-alpine",
    "enterprise-alpine",
    "enterprise-distroless",
    "enterprise-distroless-fips",
)
_VARIANT_OF_REGISTRY: Final = {
    "fluxcd": "upstream-alpine",
    "ghcr.io/fluxcd": "upstream-alpine",
    "ghcr.io/controlplaneio-fluxcd/alpine": "enterprise-alpine",
    "ghcr.io/controlplaneio-fluxcd/distroless": "enterprise-distroless",
    "709825985650.dkr.ecr.us-east-1.amazonaws.com/controlplane/fluxcd": "enterprise-distroless",
    "ghcr.io/controlplaneio-fluxcd/distroless-fips": "enterprise-distroless-fips",
}
_REPOSITORY: Final = re.compile(r"[a-z0-9_./-]{2,255}")
_TAG: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_DOCKER_HUB: Final = "index.docker.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentImage:
    """The image of a controller.

    Attributes:
        name: the controller.
        repository: registry and path.
        tag: the tag.
        digest: `sha256:...`, or empty.
    """

    name: str
    repository: str
    tag: str
    digest: str = ""

    @property
    def reference(self) -> str:
        """The image as a container names it."""
        pinned = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}:{self.tag}{pinned}"

    def to_status(self) -> dict[str, str]:
        """The image as the status lists it."""
        found = {"name": self.name, "repository": self.repository, "tag": self.tag}
        return found | ({"digest": self.digest} if self.digest else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenImages:
    """The images to install, and why some are not pinned.

    Attributes:
        images: one per component.
        warnings: for people.
    """

    images: tuple[ComponentImage, ...]
    warnings: tuple[str, ...] = ()


def choose_images(
    options: Options,
    distribution: Distribution,
    *,
    pin: bool,
    digests: Mapping[str, str] = MappingProxyType({}),
) -> ChosenImages:
    """The images of the requested components.

    With `pin`, tag and digest come from the image file of the variant. Where that is not possible
    (an unknown registry, a component that the file does not list), and without `pin`, the tags of
    the manifests are used, with those of the `digests` (by image reference) that are known. Why
    the operator could not pin them is said in either case.

    Raises:
        BuildError: a component's manifest is missing or names no image.
    """
    registry = options.spec.distribution.registry.removesuffix("/")
    pinned: tuple[ComponentImage, ...] = ()
    warnings: tuple[str, ...] = ()
    try:
        pinned = _pinned(options, distribution, registry)
    except BuildError as error:
        warnings = (f"images are not pinned to digests: {error}",)
    if pin and pinned:
        return ChosenImages(images=pinned)
    images = _tagged(options, distribution, registry)
    if pin and digests:
        images = tuple(
            replace(image, digest=digests.get(_spelled_out(image), "")) for image in images
        )
        if all(image.digest for image in images):
            return ChosenImages(images=images)
    return ChosenImages(images=images, warnings=warnings)


def _spelled_out(image: ComponentImage) -> str:
    """The reference as the built objects show it, with the registry of Docker Hub in it."""
    return parse_image(image.name, image.reference).reference


def _variant(options: Options, registry: str) -> str:
    wanted = options.spec.distribution.variant or _VARIANT_OF_REGISTRY.get(registry)
    if wanted is None:
        raise BuildError(
            f"the registry {registry} is not known; set .spec.distribution.variant to one of"
            f" {', '.join(VARIANTS)}"
        )
    if wanted not in VARIANTS:
        raise BuildError(f".spec.distribution.variant '{wanted}' is unknown")
    return wanted


def _pinned(
    options: Options, distribution: Distribution, registry: str
) -> tuple[ComponentImage, ...]:
    variant = _variant(options, registry)
    if not distribution.has_images(options.version_name, variant):
        raise BuildError(
            f"the distribution has no list of images for the variant {variant} of"
            f" {options.version_name}"
        )
    found = []
    for entry in distribution.images(options.version_name, variant):
        name = str(entry.get("name", "")).rpartition("/")[2]
        if name in options.components:
            tag, digest = str(entry.get("newTag") or ""), str(entry.get("digest") or "")
            if not _TAG.fullmatch(tag) or not _DIGEST.fullmatch(digest):
                raise BuildError(
                    f"{variant} of {options.version_name} has no good tag and digest for {name}"
                )
            found.append(
                ComponentImage(name=name, repository=f"{registry}/{name}", tag=tag, digest=digest)
            )
    missing = set(options.components) - {image.name for image in found}
    if missing or len(found) != len(options.components):
        listed = ", ".join(sorted(missing) or options.components)
        raise BuildError(f"{variant} of {options.version_name} does not list each of: {listed}")
    return tuple(found)


def _tagged(
    options: Options, distribution: Distribution, registry: str
) -> tuple[ComponentImage, ...]:
    return tuple(
        _tagged_image(options, distribution, registry, component)
        for component in options.components
    )


def _tagged_image(
    options: Options, distribution: Distribution, registry: str, component: str
) -> ComponentImage:
    where = f"flux/{options.version_name}/{component}.yaml"
    try:
        for item in distribution.component(options.version_name, component):
            if item["kind"] == "Deployment":
                parsed = parse_image(component, str(manager(item).get("image", "")))
                return replace(parsed, repository=f"{registry}/{component}", digest="")
    except BuildError as error:
        raise BuildError(f"images could not be read from the manifests, {where}: {error}") from None
    raise BuildError(f"images could not be read from the manifests: {where} has no Deployment")


def parse_image(component: str, reference: str) -> ComponentImage:
    """Read an image reference; the registry of Docker Hub is spelled out.

    Raises:
        BuildError: the reference is malformed.
    """
    rest, _, digest = reference.partition("@")
    front, slash, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    path = f"{front}{slash}{name}"
    host, slash, remainder = path.partition("/")
    if not slash or not (set(host) & {".", ":"} or host == "localhost"):
        host, remainder = _DOCKER_HUB, path if slash else f"library/{path}"
    elif host == "docker.io":
        host = _DOCKER_HUB
    tag_is_fine = _TAG.fullmatch(tag) if ":" in last else True
    digest_is_fine = _DIGEST.fullmatch(digest) if "@" in reference else True
    if not (_REPOSITORY.fullmatch(remainder) and name and tag_is_fine and digest_is_fine):
        raise BuildError(f"{show(reference)} is not an image reference")
    return ComponentImage(
        name=component, repository=f"{host}/{remainder}", tag=tag or "latest", digest=digest
    )


def set_images(
    images: Sequence[ComponentImage], options: Options, resources: list[Resource]
) -> None:
    """Write the images where the manifests have the upstream names.

    This comes after the user's patches: an image of another repository that a patch has put there
    stays, one with the upstream name is replaced by the chosen one.
    """
    if not options.spec.distribution.registry:
        return
    wanted = {image.name: image.reference for image in images}
    pattern = re.compile(
        r"fluxcd/(?P<name>" + "|".join(map(re.escape, wanted)) + r")"
        r"(?::[\w.-]+)?(?:@sha256:[\w.-]+)?",
        re.ASCII,
    )
    for item in resources:
        if item.kind == "CustomResourceDefinition":
            continue
        for container in _containers(item.manifest):
            match = pattern.fullmatch(str(container.get("image", "")))
            if match:
                container["image"] = wanted[match["name"]]


def _containers(value: Any) -> Iterator[dict[str, Any]]:
    """Every container of an object, wherever its list stands."""
    if isinstance(value, list):
        for item in value:
            yield from _containers(item)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key in {"containers", "initContainers"} and isinstance(item, list):
            yield from (entry for entry in item if isinstance(entry, dict))
        yield from _containers(item)


def read_images(options: Options, objects: Sequence[Manifest]) -> tuple[ComponentImage, ...]:
    """The images that the built Deployments really have, in request order.

    A component whose Deployment a patch removed or renamed is left out.

    Raises:
        BuildError: a Deployment has no containers, or an image is malformed.
    """
    found = {item["metadata"]["name"]: item for item in objects if item.get("kind") == "Deployment"}
    images = (
        _read_image(component, found[component])
        for component in options.components
        if component in found
    )
    return tuple(image for image in images if image is not None)


def _read_image(component: str, deployment: Manifest) -> ComponentImage | None:
    where = f"Deployment/{deployment['metadata'].get('namespace')}/{component}"
    spec = deployment.get("spec", {}).get("template", {}).get("spec", {})
    containers = spec.get("containers")
    if not containers:
        raise BuildError(f"component image extraction failed: {where} has no containers")
    for container in containers:
        if container.get("name") != MANAGER:
            continue
        if not container.get("image"):
            raise BuildError(f"component image extraction failed: {where} has no image")
        try:
            return parse_image(component, str(container["image"]))
        except BuildError as error:
            raise BuildError(f"component image extraction failed: {where}: {error}") from None
    return None
