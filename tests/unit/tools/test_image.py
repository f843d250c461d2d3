# SPDX-License-Identifier: Apache-2.0
"""`make image` has to be given the manifests that go into the image."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from fluxsm.adapters.folder import open_folder, starter_folder
from fluxsm.build.distribution import STARTER_FILE
from fluxsm.errors import UsageError
from tools import image


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the manifests for the image are put; no wheel is built, no engine is called."""
    (tmp_path / "bin").mkdir()
    for name in ("buildah", "true"):
        (tmp_path / "bin" / name).symlink_to(shutil.which("true") or "/bin/true")
    monkeypatch.setattr(image, "DIST", tmp_path / "dist")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "true"))
    return tmp_path / "dist" / "data"


def make(tmp_path: Path, data: str | None) -> int:
    """Run it with an engine that does nothing."""
    chosen = {} if data is None else {"DATA": data}
    return image.main({"ENGINE": str(tmp_path / "bin" / "buildah"), **chosen})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, "DATA is not set"),
        ("", "DATA is not set"),
        ("/nowhere", "DATA=/nowhere: storage path /nowhere/flux does not exist"),
        (str(starter_folder()), "it is asked for as DATA=starter"),
    ],
)
def test_it_has_to_be_said(
    built: Path, tmp_path: Path, data: str | None, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says how, and nothing is built."""
    assert make(tmp_path, data) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not built.exists()


def test_the_starter_distribution_has_a_name(built: Path, tmp_path: Path) -> None:
    """And its mark is in the image."""
    assert make(tmp_path, "starter") == 0
    assert (built / STARTER_FILE).is_file()
    assert open_folder(built).versions() == open_folder(starter_folder()).versions()


def test_a_folder_anywhere_is_taken_as_it_is(built: Path, tmp_path: Path) -> None:
    """Nothing of an image that was built before is left."""
    assert make(tmp_path, "starter") == 0
    folder = tmp_path / "flux" / "v2.8.8"
    folder.mkdir(parents=True)
    (folder / "rbac.yaml").write_text("kind: ClusterRole\n")
    assert make(tmp_path, str(tmp_path)) == 0
    assert [path.name for path in built.rglob("*") if path.is_file()] == ["rbac.yaml"]


def test_a_folder_by_name_gets_through_to_a_build_by_hand() -> None:
    """`docker build --build-arg DATA=distribution`, without `make image`."""
    ignored = (image.ROOT / ".dockerignore").read_text().splitlines()
    assert {"!distribution/flux", "!distribution/flux-images", "!dist/data"} <= set(ignored)
    assert "!manifests/distribution" not in ignored


def test_no_folder_is_taken_for_granted() -> None:
    """Neither by the command nor by the Dockerfile."""
    with pytest.raises(UsageError):
        image.data_folder("")
    assert "ARG DATA=dist/data\n" in (image.ROOT / "Dockerfile").read_text()
