# SPDX-License-Identifier: Apache-2.0
"""`fluxsm vendor` brings versions of Flux into a folder, checked as far as they can be."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fluxsm.adapters.folder import Folder, open_folder, starter_folder
from fluxsm.adapters.registry.archive import pack
from fluxsm.build.distribution import STARTER_FILE
from fluxsm.cli import root
from fluxsm.cli import vendor as vendor_command
from fluxsm.cli.vendor import command
from fluxsm.errors import ArtifactError, UsageError
from fluxsm.simulation.registry import NEW
from tests.registry.faulty import Answer, FaultyRegistry

ARCHIVE = pack({"rbac.yaml": b"kind: ClusterRole\n", "README.md": b"no manifest"})
SAMPLE = Path(__file__).resolve().parents[3] / "manifests" / "samples" / "flux.yaml"
SUM = hashlib.sha256(ARCHIVE).hexdigest()


def vendor(*arguments: str) -> Result:
    """Call the command; errors are raised."""
    return CliRunner().invoke(command, arguments, catch_exceptions=False, standalone_mode=False)


def release(server: FaultyRegistry, checksums: bytes | None) -> str:
    """Publish a release; returns the template of its address."""
    server.on("GET", "/dl/v2.8.8/manifests.tar.gz", Answer(body=ARCHIVE))
    if checksums is not None:
        server.on("GET", "/dl/v2.8.8/flux_2.8.8_checksums.txt", Answer(body=checksums))
    return f"http://{server.host}/dl/{{version}}/manifests.tar.gz"


def test_a_release_is_checked_and_unpacked(faulty: FaultyRegistry, tmp_path: Path) -> None:
    """Only manifests are kept."""
    template = release(faulty, f"{'0' * 64}  other.tar.gz\n{SUM}  manifests.tar.gz\n".encode())
    done = vendor("--version", "v2.8.8", "--from", template, "--to", str(tmp_path / "data"))
    assert dict(Folder(tmp_path / "data")) == {"flux/v2.8.8/rbac.yaml": b"kind: ClusterRole\n"}
    assert open_folder(tmp_path / "data").versions() == ("v2.8.8",)
    assert "checksum verified" in done.stderr


def test_a_release_of_the_flux_project_can_be_built(faulty: FaultyRegistry, tmp_path: Path) -> None:
    """Laid out as theirs are: the manifests at the top of the archive, checksums of all files."""
    folder = f"flux/{NEW}/"
    starter = Folder(starter_folder())
    archive = pack(
        {path.removeprefix(folder): starter[path] for path in starter if path.startswith(folder)}
    )
    number = NEW.removeprefix("v")
    listed = f"{'0' * 64}  flux_{number}_linux_amd64.tar.gz\n"
    listed += f"{hashlib.sha256(archive).hexdigest()}  manifests.tar.gz\n"
    faulty.on("GET", f"/dl/{NEW}/manifests.tar.gz", Answer(body=archive))
    faulty.on("GET", f"/dl/{NEW}/flux_{number}_checksums.txt", Answer(body=listed.encode()))
    template = f"http://{faulty.host}/dl/{{version}}/manifests.tar.gz"
    done = vendor("--version", NEW, "--from", template, "--to", str(tmp_path))
    assert f"{NEW}: 9 files, checksum verified" in done.stderr
    arguments = ["build", "-f", str(SAMPLE), "--distribution"]
    built, wanted = (
        CliRunner().invoke(root, [*arguments, str(place)], catch_exceptions=False).stdout
        for place in (tmp_path, starter_folder())
    )
    assert built == wanted
    assert built.count("kind: Deployment") == 4


def test_the_checksums_of_the_flux_project_must_be_there(
    faulty: FaultyRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a mirror of one's own may have none."""
    template = release(faulty, None)
    monkeypatch.setattr(vendor_command, "RELEASES", template)
    with pytest.raises(ArtifactError, match=r"checksums.txt does not exist, so the archive cannot"):
        vendor("--version", "v2.8.8", "--from", template, "--to", str(tmp_path / "data"))
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("content", [b"no archive", pack({"../../x.yaml": b"x"})])
def test_a_release_that_is_no_archive_of_manifests_is_refused(
    faulty: FaultyRegistry, tmp_path: Path, content: bytes
) -> None:
    """Like any artifact, though its checksum fits; and nothing is written."""
    template = release(faulty, f"{hashlib.sha256(content).hexdigest()}  manifests.tar.gz".encode())
    faulty.on("GET", "/dl/v2.8.8/manifests.tar.gz", Answer(body=content))
    with pytest.raises(ArtifactError, match=r"not gzip-compressed|leaves its folder"):
        vendor("--version", "v2.8.8", "--from", template, "--to", str(tmp_path / "data"))
    assert not (tmp_path / "data").exists()


def test_a_release_without_checksums_is_marked(faulty: FaultyRegistry, tmp_path: Path) -> None:
    """A mirror may have none; then that is said."""
    template = release(faulty, None)
    done = vendor("--version", "v2.8.8", "--from", template, "--to", str(tmp_path))
    assert "NOT verified" in done.stderr


@pytest.mark.parametrize(
    ("checksums", "expected"),
    [
        (f"{'0' * 64}  manifests.tar.gz", f"has the sha256 {SUM}"),
        (f"{SUM}  other.tar.gz", "does not list manifests.tar.gz"),
        ("", "does not list manifests.tar.gz"),
    ],
)
def test_another_archive_than_the_published_one_is_refused(
    faulty: FaultyRegistry, tmp_path: Path, checksums: str, expected: str
) -> None:
    """And nothing is written."""
    template = release(faulty, checksums.encode())
    with pytest.raises(ArtifactError, match=expected):
        vendor("--version", "v2.8.8", "--from", template, "--to", str(tmp_path / "data"))
    assert not (tmp_path / "data").exists()


def test_a_release_that_does_not_exist_is_reported(faulty: FaultyRegistry, tmp_path: Path) -> None:
    """With the address."""
    template = f"http://{faulty.host}/{{version}}/manifests.tar.gz"
    with pytest.raises(ArtifactError, match=r"is v2.8.9 a release of Flux"):
        vendor("--version", "v2.8.9", "--from", template, "--to", str(tmp_path))


def test_a_version_is_copied_from_a_folder(tmp_path: Path) -> None:
    """With its image digests, and the mark of where it comes from."""
    starter = starter_folder()
    vendor("--version", NEW, "--from", str(starter), "--to", str(tmp_path))
    wanted = {path: data for path, data in Folder(starter).items() if f"/{NEW}/" in path}
    wanted[STARTER_FILE] = (starter / STARTER_FILE).read_bytes()
    assert dict(Folder(tmp_path)) == wanted
    assert any(path.startswith("flux-images/") for path in wanted)
    with pytest.raises(ArtifactError, match=r"does not have flux/v2.8.9"):
        vendor("--version", "v2.8.9", "--from", str(starter), "--to", str(tmp_path))


def test_a_version_is_copied_from_an_artifact(
    faulty: FaultyRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its digest."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    faulty.serve()
    vendor("--version", "v2.8.8", "--from", faulty.reference, "--to", str(tmp_path))
    assert dict(Folder(tmp_path)) == {"flux/v2.8.8/rbac.yaml": b"kind: ClusterRole\n"}


@pytest.mark.parametrize("version", ["2.8.8", "latest", "v2.x", "../v2.8.8"])
def test_a_version_is_spelled_as_its_folder(version: str, tmp_path: Path) -> None:
    """A range names no single release."""
    with pytest.raises(UsageError, match=r"such as v2.8.8"):
        vendor("--version", version, "--to", str(tmp_path))
