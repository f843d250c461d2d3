# SPDX-License-Identifier: Apache-2.0
"""`fluxsm build` reads an instance as the server does and prints the objects of the build."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fluxsm.adapters.folder import starter_folder
from fluxsm.api.objects import Manifest
from fluxsm.build import yaml
from fluxsm.build.distribution import describe_starter
from fluxsm.cli import distribution, root

MINIMAL = """
apiVersion: fluxcd.controlplane.io/v1
kind: FluxInstance
metadata: {name: flux, namespace: flux-system}
spec:
  distribution: {version: 2.8.x, registry: ghcr.io/fluxcd}
"""


STARTER = f"• {describe_starter(str(starter_folder()))}\n"


@pytest.fixture(autouse=True)
def _starter_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same distribution on every machine, also on one with a /data folder."""
    monkeypatch.setattr(distribution, "_IMAGE_DATA", Path("/nowhere"))


def build(*args: str, instance: str = MINIMAL) -> Result:
    """Run `fluxsm build -f -` on an instance."""
    return CliRunner().invoke(root, ["build", "-f", "-", *args], input=instance)


def objects(*args: str, instance: str = MINIMAL) -> list[Manifest]:
    """What is printed, read again."""
    done = build(*args, instance=instance)
    assert done.exit_code == 0, done.stderr
    return yaml.load_mappings(done.stdout, "the output")


def images(found: list[Manifest]) -> list[str]:
    """The images of all Deployments."""
    return [
        item["spec"]["template"]["spec"]["containers"][0]["image"]
        for item in found
        if item["kind"] == "Deployment"
    ]


def test_each_object_follows_three_dashes() -> None:
    """And nothing else is there."""
    done = build()
    assert done.stdout.startswith("---\napiVersion: ")
    assert done.stdout.count("---\n") == len(objects()) == 32
    assert done.stderr == STARTER


def test_a_file_is_read(tmp_path: Path) -> None:
    """The output is that for standard input."""
    path = tmp_path / "flux.yaml"
    path.write_text(MINIMAL)
    done = CliRunner().invoke(root, ["build", "--filename", str(path)])
    assert done.stdout == build().stdout


def test_the_word_instance_changes_nothing() -> None:
    """Command lines of the reference work."""
    done = CliRunner().invoke(root, ["build", "instance", "-f", "-"], input=MINIMAL)
    assert done.stdout == build().stdout


def test_json_is_one_list_object() -> None:
    """It can be given to kubectl."""
    listed = json.loads(build("-o", "json").stdout)
    assert (listed["apiVersion"], listed["kind"]) == ("v1", "List")
    assert listed["items"] == objects()


def test_images_have_tags_unless_digests_are_wanted() -> None:
    """With digests it is what the operator applies."""
    assert all("@" not in image for image in images(objects()))
    pinned = images(objects("--pin-digests"))
    assert all("@sha256:" in image for image in pinned)
    assert [image.partition("@")[0] for image in pinned] == images(objects())


def test_images_that_cannot_be_pinned_differ_in_their_message() -> None:
    """An unknown registry has no digests; that is a message, not a failure."""
    mirror = MINIMAL.replace("ghcr.io/fluxcd", "mirror.example.com/flux")
    done = build("--pin-digests", instance=mirror)
    assert done.exit_code == 0
    assert "set .spec.distribution.variant" in done.stderr


def test_the_defaults_of_the_api_apply() -> None:
    """The cluster block may be empty, and the namespace may be absent."""
    spec = MINIMAL.replace(", namespace: flux-system", "") + "  cluster: {}\n"
    assert objects(instance=spec) == objects()


def test_a_status_is_of_no_concern() -> None:
    """The server drops it too."""
    assert objects(instance=f"{MINIMAL}status: {{conditions: x}}\n") == objects()


def test_a_folder_is_the_distribution(tmp_path: Path) -> None:
    """A folder takes the place of the bundled distribution."""
    (tmp_path / "flux").mkdir()
    (tmp_path / "flux" / "v2.8.0").symlink_to(starter_folder() / "flux" / "v2.8.8")
    found = objects("--distribution", str(tmp_path))
    assert found[0]["metadata"]["labels"]["app.kubernetes.io/version"] == "v2.8.0"


def test_an_artifact_is_asked_for_where_the_instance_or_a_flag_names_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A folder goes before the flag for the artifact, and that before the file."""
    asked: list[str] = []

    def pull(reference: str) -> object:
        asked.append(reference)
        return distribution.open_distribution(None)

    monkeypatch.setattr(distribution, "_pull", pull)
    named = MINIMAL.replace("{version", "{artifact: 'oci://x/file', version")
    objects(instance=named)
    objects("--distribution-artifact", "oci://x/flag", instance=named)
    objects("--distribution", "oci://x/place", "--distribution-artifact", "oci://x/flag")
    objects("--distribution", str(starter_folder()), instance=named)
    assert asked == ["oci://x/file", "oci://x/flag", "oci://x/place"]


def test_a_target_that_selects_nothing_is_a_message() -> None:
    """As for kustomize it is no error; the objects are printed."""
    patch = "  kustomize: {patches: [{target: {name: nobody}, patch: '[]'}]}\n"
    done = build(instance=MINIMAL + patch)
    assert done.exit_code == 0
    assert done.stderr == (
        "• standard input: .spec.kustomize.patches[0].target selects no object: no object has the"
        " name 'nobody'\n" + STARTER
    )
    assert done.stdout == build().stdout
