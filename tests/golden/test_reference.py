# SPDX-License-Identifier: Apache-2.0
"""The objects are those of the reference, one by one and in its order; so is the text."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from fluxsm.adapters.folder import open_folder
from fluxsm.api.objects import ObjectRef
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
    """To the byte; and where it does not, the first object that differs is shown."""
    monkeypatch.setattr(distribution, "open_distribution", lambda _: whole())
    folder = GOLDEN / case
    command = ["build", "-f", str(folder / "instance.yaml"), "--distribution", str(SHARED)]
    done = CliRunner().invoke(root, command)
    assert done.exit_code == 0, done.stderr
    expected = (folder / "expected.yaml").read_text(encoding="utf-8")
    if done.stdout != expected:
        show_difference(done.stdout, expected)


def show_difference(found: str, expected: str) -> None:
    """Fail with as little as tells what is wrong."""
    mine, theirs = (yaml.load_mappings(text, "a stream") for text in (found, expected))
    assert [str(ObjectRef.of(item)) for item in mine] == [
        str(ObjectRef.of(item)) for item in theirs
    ]
    for one, other in zip(mine, theirs, strict=True):
        assert one == other
    assert found == expected
