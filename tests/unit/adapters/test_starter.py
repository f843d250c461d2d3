# SPDX-License-Identifier: Apache-2.0
"""The starter distribution is known by its mark, wherever it was copied to, and the log says so."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from fluxsm.adapters.bundled import Distributions
from fluxsm.adapters.folder import Folder, open_folder, starter_folder
from fluxsm.adapters.registry.archive import pack, unpack
from fluxsm.build.distribution import STARTER_FILE, Distribution
from fluxsm.core.ports import Fetched


def test_the_mark_goes_into_an_artifact() -> None:
    """And nothing is marked that has none."""
    files = Folder(starter_folder())
    assert open_folder(starter_folder()).is_starter
    assert Distribution(unpack(pack(files)), source="x").is_starter
    rest = {path: files[path] for path in files if path != STARTER_FILE}
    assert not Distribution(unpack(pack(rest)), source="x").is_starter


@pytest.mark.parametrize("place", ["folder", "artifact"])
def test_the_log_says_it_once(place: str, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """For the operator's own folder, and for an artifact when it was fetched."""
    found = open_folder(starter_folder())
    (tmp_path / "flux").mkdir()
    ended = threading.Event()
    distributions = Distributions(
        starter_folder() if place == "folder" else tmp_path,
        pull=lambda *_: Fetched(distribution=found, digest="sha256:1"),
        digest=lambda *_: "",
        images=lambda *_: {},
        wake=ended.set,
    )
    with caplog.at_level(logging.WARNING):
        if place == "folder":
            assert distributions.bundled() is distributions.bundled()
        else:
            assert distributions.fetch("oci://a/b", None) is None
            assert ended.wait(10)
            assert distributions.fetch("oci://a/b", None) is not None
    distributions.close()
    (record,) = caplog.records
    assert "for evaluation only" in record.getMessage()
