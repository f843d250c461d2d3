# SPDX-License-Identifier: Apache-2.0
"""Which images are chosen, where they are written, and what the status says of them."""

from __future__ import annotations

import json

import pytest

from fluxsm.build.distribution import Distribution
from fluxsm.build.images import parse_image
from fluxsm.errors import BuildError
from tests.unit.build.makers import ONE, STARTER, built, distribution, patched

HEX = "a" * 64
DELETION = (
    "{$patch: delete, apiVersion: apps/v1, kind: Deployment, metadata: {name: helm-controller}}"
)
IMAGE = "/spec/template/spec/containers/0/image"


def images_file(*names: str, digest: str = f"sha256:{HEX}") -> bytes:
    """An image file with these components."""
    entries = [{"name": f"home/{name}", "newTag": "v9", "digest": digest} for name in names]
    return json.dumps({"images": entries}).encode()


def with_images(**variants: bytes) -> Distribution:
    """The stand-in for 2.9 with these image files only."""
    files = {path: content for path, content in distribution("v2.9.4")._files.items()
             if path.startswith("flux/")}  # fmt: skip
    for variant, content in variants.items():
        files[f"flux-images/v2.9.4/{variant.replace('_', '-')}.yaml"] = content
    return Distribution(files, source="here")


@pytest.mark.parametrize(
    ("registry", "variant"),
    [
        ("fluxcd", "upstream_alpine"),
        ("ghcr.io/fluxcd", "upstream_alpine"),
        ("ghcr.io/fluxcd/", "upstream_alpine"),
        ("ghcr.io/controlplaneio-fluxcd/alpine", "enterprise_alpine"),
        ("ghcr.io/controlplaneio-fluxcd/distroless", "enterprise_distroless"),
        ("709825985650.dkr.ecr.us-east-1.amazonaws.com/controlplane/fluxcd",
         "enterprise_distroless"),
        ("ghcr.io/controlplaneio-fluxcd/distroless-fips", "enterprise_distroless_fips"),
    ],
)  # fmt: skip
def test_known_registries_have_a_variant(registry: str, variant: str) -> None:
    """The registry of the entries is of no concern."""
    place = with_images(**{variant: images_file("other", "source-controller")})
    found = built("v2.9.4", of=place, as_applied=True, registry=registry,
                  components=["source-controller"])  # fmt: skip
    wanted = f"{registry.removesuffix('/')}/source-controller:v9@sha256:{HEX}"
    assert found.container("source-controller")["image"] == wanted
    assert found.result.warnings == ()
    (image,) = found.result.components
    assert (image.name, image.tag, image.digest) == ("source-controller", "v9", f"sha256:{HEX}")


def test_a_mirror_with_a_variant() -> None:
    """The variant chooses tag and digest, the registry the address."""
    place = with_images(enterprise_distroless=images_file("helm-controller"))
    found = built("v2.9.4", of=place, as_applied=True, registry="mirror.local:5000/x",
                  variant="enterprise-distroless", components=["helm-controller"])  # fmt: skip
    wanted = f"mirror.local:5000/x/helm-controller:v9@sha256:{HEX}"
    assert found.container("helm-controller")["image"] == wanted


@pytest.mark.parametrize(
    ("registry", "content", "warning"),
    [
        ("docker.io/fluxcd", images_file("helm-controller"), "set .spec.distribution.variant"),
        ("fluxcd", images_file("source-controller"), "does not list each of: helm-controller"),
        ("fluxcd", images_file("helm-controller", "helm-controller"), "does not list each of"),
        ("fluxcd", images_file("helm-controller", digest="sha256:1"), "no good tag and digest"),
        ("fluxcd", b"{}", "has no list of images"),
        ("fluxcd", b"a: [", "is not valid YAML"),
    ],
)
def test_what_cannot_be_pinned_has_the_tag_of_the_manifest(
    registry: str, content: bytes, warning: str
) -> None:
    """That is said, and is no failure."""
    place = with_images(upstream_alpine=content)
    found = built("v2.9.4", of=place, as_applied=True, registry=registry,
                  components=["helm-controller"])  # fmt: skip
    image = found.container("helm-controller")["image"]
    assert image.startswith(f"{registry}/helm-controller:v1.")
    assert "@" not in image
    assert len(found.result.warnings) == 1
    assert warning in found.result.warnings[0]


def test_an_image_file_that_is_missing() -> None:
    """The variant is named, also where images are not to be pinned."""
    for pin in (True, False):
        found = built("v2.9.4", of=with_images(), as_applied=pin)
        assert found.result.warnings == (
            (
                "images are not pinned to digests: the distribution has no list of images for the"
                " variant upstream-alpine of v2.9.4"
            ),
        )


def test_an_empty_registry_leaves_the_names_of_the_manifests() -> None:
    """The API admits it, and the images then come from Docker Hub."""
    found = built(registry="", components=["helm-controller"])
    assert found.container("helm-controller")["image"].startswith("fluxcd/helm-controller:v")
    (image,) = found.result.components
    assert image.repository == "index.docker.io/fluxcd/helm-controller"


def replaced(image: str, path: str = IMAGE) -> str:
    """What becomes of an image that a patch writes."""
    text = json.dumps([{"op": "replace", "path": path, "value": image}])
    return str(patched((text, ONE)).container("source-controller")["image"])


@pytest.mark.parametrize(
    "image",
    [
        "fluxcd/source-controller",
        "fluxcd/source-controller:any_Thing-1.0",
        f"fluxcd/source-controller@sha256:{HEX}",
        "fluxcd/source-controller:v1@sha256:ab",
    ],
)
def test_upstream_names_become_the_chosen_image(image: str) -> None:
    """Patches come first, so this holds for what they write too."""
    assert replaced(image).startswith("ghcr.io/fluxcd/source-controller:v1.")


@pytest.mark.parametrize(
    "image",
    [
        "docker.io/fluxcd/source-controller:v1",
        "fluxcd/source-controller-x:v1",
        "xfluxcd/source-controller:v1",
        "fluxcd/image-reflector-controller:v1",
        f"example.com/xy@sha256:{HEX}",
    ],
)
def test_other_names_stay(image: str) -> None:
    """Also those of components that were not asked for."""
    assert replaced(image) == image


def test_images_are_found_wherever_containers_are() -> None:
    """Sidecars and init containers, but not ephemeral ones."""
    more = (
        "kind: Deployment\nmetadata: {name: x}\nspec: {template: {spec: {"
        "initContainers: [{name: i, image: fluxcd/helm-controller:x}],"
        "ephemeralContainers: [{name: e, image: fluxcd/helm-controller:x}],"
        "containers: [{name: side, image: fluxcd/helm-controller:x}]}}}"
    )
    pod = patched((more, ONE)).pod("source-controller")
    assert pod["initContainers"][0]["image"].startswith("ghcr.io/fluxcd/helm-controller:v")
    assert pod["containers"][0]["image"].startswith("ghcr.io/fluxcd/helm-controller:v")
    assert pod["ephemeralContainers"][0]["image"] == "fluxcd/helm-controller:x"


def test_the_status_shows_what_a_patch_did() -> None:
    """And nothing of a controller that a patch removed or renamed."""
    found = patched(
        (json.dumps([{"op": "replace", "path": IMAGE, "value": "me/x"}]), ONE),
        (DELETION, None),
        ('[{"op": "replace", "path": "/metadata/name", "value": "kc"}]',
         {"name": "kustomize-controller", "kind": "Deployment"}),
    )  # fmt: skip
    shown = [image.to_status() for image in found.result.components]
    assert [item["name"] for item in shown] == ["source-controller", "notification-controller"]
    assert shown[0] == {"name": "source-controller", "repository": "index.docker.io/me/x",
                        "tag": "latest"}  # fmt: skip


@pytest.mark.parametrize(
    ("reference", "repository", "tag", "digest"),
    [
        ("fluxcd/x:v1.3.0", "index.docker.io/fluxcd/x", "v1.3.0", ""),
        ("docker.io/fluxcd/x:v1", "index.docker.io/fluxcd/x", "v1", ""),
        ("busybox:1", "index.docker.io/library/busybox", "1", ""),
        ("localhost:5000/a/b:v0", "localhost:5000/a/b", "v0", ""),
        ("localhost/ab", "localhost/ab", "latest", ""),
        (f"my.registry/ab@sha256:{HEX}", "my.registry/ab", "latest", f"sha256:{HEX}"),
        (f"my.registry/ab:v1@sha256:{HEX}", "my.registry/ab", "v1", f"sha256:{HEX}"),
    ],
)
def test_references(reference: str, repository: str, tag: str, digest: str) -> None:
    """Read as the status shows them: VER-5."""
    image = parse_image("x", reference)
    assert (image.repository, image.tag, image.digest) == (repository, tag, digest)


@pytest.mark.parametrize(
    "reference",
    ["", "ghcr.io/Fluxcd/x", "a/b:", "a/b:v 1", "a/b@sha256:1", "a/b@", f"x/{'y' * 256}", "r.io/x",
     f"a/b:{'t' * 129}", "a/b:c:d", f"a/b@sha256:{HEX}@sha256:{HEX}"],
)  # fmt: skip
def test_references_that_are_none(reference: str) -> None:
    """They are quoted in the message."""
    with pytest.raises(BuildError, match="is not an image reference"):
        parse_image("x", reference)


def test_image_files_do_not_decide_which_versions_there_are() -> None:
    """Only folders of manifests do."""
    assert STARTER.versions() == ("v2.6.4", "v2.7.5", "v2.8.8")
