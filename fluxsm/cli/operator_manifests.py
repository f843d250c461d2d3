# SPDX-License-Identifier: Apache-2.0
"""The manifests of the operator, as `fluxsm install` and `fluxsm uninstall` need them."""

from __future__ import annotations

import copy
import re
from typing import Final

from fluxsm.api import names
from fluxsm.api.objects import Manifest
from fluxsm.build import yaml
from fluxsm.build.validation import texts
from fluxsm.build.validation.finding import show
from fluxsm.cli.resources import manifests_folder
from fluxsm.errors import UsageError

_FOLDERS = ("crd", "rbac", "operator")
_FIRST = ("Namespace", "CustomResourceDefinition", "ServiceAccount", "ClusterRole", "Role")
_LAST = "Deployment"
# Registry and path, then a tag, a digest or both; https://github.com/distribution/reference.
_IMAGE: Final = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?"
)


def read(namespace: str, image: str | None = None) -> list[Manifest]:
    """All objects of the operator, in the order in which they are applied.

    Args:
        namespace: where the operator runs.
        image: of the operator; the one of this version when not given.

    Raises:
        UsageError: namespace or image are not of a form that the API server takes.
    """
    if problem := texts.dns_label(namespace):
        raise UsageError(f"--namespace {show(namespace)} {problem}")
    if image is not None and not _IMAGE.fullmatch(image):
        raise UsageError(
            f"--image {show(image)} is not an image such as ghcr.io/example/fluxsm:v1.0.0"
        )
    found = [
        manifest
        for folder in _FOLDERS
        for path in sorted((manifests_folder() / folder).glob("*.yaml"))
        if path.name != "kustomization.yaml"
        for manifest in yaml.load_mappings(path.read_text(), source=str(path))
    ]
    return [_moved(item, namespace, image) for item in sorted(found, key=_rank)]


def _rank(manifest: Manifest) -> tuple[int, str]:
    kind = str(manifest["kind"])
    if kind == _LAST:
        return (len(_FIRST) + 1, "")
    place = _FIRST.index(kind) if kind in _FIRST else len(_FIRST)
    return (place, str(manifest["metadata"]["name"]))


def _moved(manifest: Manifest, namespace: str, image: str | None) -> Manifest:
    """The object for another namespace and image."""
    found = copy.deepcopy(manifest)
    metadata = found["metadata"]
    if "namespace" in metadata:
        metadata["namespace"] = namespace
    if found["kind"] == "Namespace":
        metadata["name"] = namespace
    for subject in found.get("subjects", []):
        subject["namespace"] = namespace
    if found["kind"] == "ClusterRoleBinding" and namespace != names.DEFAULT_NAMESPACE:
        metadata["name"] += f"-{namespace}"  # one operator per namespace may be bound
    if image and found["kind"] == "Deployment":
        found["spec"]["template"]["spec"]["containers"][0]["image"] = image
    return found
