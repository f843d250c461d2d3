# SPDX-License-Identifier: Apache-2.0
"""The objects are those of the reference, one by one and in its order; so is the text."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from fluxsm.adapters.folder import open_folder
from fluxsm.build import yaml
from fluxsm.build.distribution import Distribution
from fluxsm.cli import distribution, root

SHARED = Path(__file__).parents[3] / "shared"
GOLDEN = SHARED / "golden"
CASES = sorted(path.name for path in GOLDEN.iterdir()) if GOLDEN.is_dir() else []

pytestmark = pytest.mark.skipif(not CASES, reason="the expected results are not here")


@cache
def whole() -> Distribution:
    """The distribution with every version, parsed once."""
    return open_folder(SHARED)


@pytest.mark.parametrize("case", CASES)
def test_the_reference_prints_the_same(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Object for object first, since that tells what differs; then to the last byte."""
    monkeypatch.setattr(distribution, "open_distribution", lambda _: whole())
    folder = GOLDEN / case
    command = ["build", "-f", str(folder / "instance.yaml"), "--distribution", str(SHARED)]
    done = CliRunner().invoke(root, command)
    assert done.exit_code == 0, done.stderr
    expected = (folder / "expected.yaml").read_text(encoding="utf-8")
    found = yaml.load_mappings(done.stdout, "the output")
    wanted = yaml.load_mappings(expected, "the expected output")
    names = [(item["kind"], item["metadata"]["name"]) for item in wanted]
    assert [(item["kind"], item["metadata"]["name"]) for item in found] == names
    for mine, theirs in zip(found, wanted, strict=True):
        assert mine == theirs
    assert done.stdout == expected
