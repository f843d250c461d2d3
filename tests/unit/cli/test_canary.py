# SPDX-License-Identifier: Apache-2.0
"""A login in a URL of the file never leaves the process, whichever command is called."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

from fluxsm.adapters.folder import open_folder, starter_folder
from fluxsm.build.distribution import Distribution
from fluxsm.cli import distribution, root
from fluxsm.errors import ArtifactError
from fluxsm.runtime.logs import JsonFormatter, TextFormatter
from tests.unit.cli.wrong_files import HEAD

CANARY = "c4n4ryS3cret"
FORMS = [
    f"https://user:{CANARY}@git.example.com/fleet.git",
    f"https://{CANARY}@git.example.com/fleet.git",
    f"ssh://git:{CANARY}@git.example.com/fleet",
    f"oci://user:{CANARY}@registry.example.com/fleet",
    f"oci://user:{CANARY}@registry.example.com/{'long/' * 60}fleet",
    f"oci://{'u' * 200}:{CANARY}@registry.example.com/fleet",
    f"user:{CANARY}@git.example.com/fleet",
    f"ftp://user:{CANARY}@git.example.com",
    f"https://user:{CANARY}/@git.example.com/fleet.git",
    f"https://git.example.com/fleet.git?access_token={CANARY}",
]
COMMANDS = [
    ["build", "-f", "FILE"],
    ["build", "-f", "FILE", "-o", "json"],
    ["build", "-f", "FILE", "--pin-digests"],
    ["diff", "FILE", "OTHER"],
    ["diff", "OTHER", "FILE", "--color=always"],
    ["install", "--export", "-f", "FILE"],
    ["install", "-f", "FILE", "--kubeconfig", "/nowhere", "--image=a/b", "--skip-image-check"],
]


@pytest.fixture(autouse=True)
def _no_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pull fails with the words of a library, which repeat the whole reference."""

    def open_distribution(place: str | None) -> Distribution:
        if place is not None and "://" in place:
            raise ArtifactError(f"cannot pull {place}: GET {place}/v2: 401 for {place!r}")
        return open_folder(starter_folder())

    monkeypatch.setattr(distribution, "open_distribution", open_distribution)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("url", FORMS)
def test_no_command_prints_it(tmp_path: Path, command: list[str], url: str) -> None:
    """Neither of the artifact nor of the sync, of whatever kind and whether it is right or not."""
    kinds = ("GitRepository", "OCIRepository", "Bucket", "Odd")
    files = {"FILE": tmp_path / "flux.yaml", "OTHER": tmp_path / "other.yaml"}
    for artifact in ("", f", artifact: '{url}'"):
        for kind in kinds if not artifact else kinds[:1]:
            place = f"distribution: {{version: 2.8.x, registry: ghcr.io/fluxcd{artifact}}}"
            sync = f"sync: {{kind: {kind}, url: '{url}', ref: main, path: .}}"
            files["FILE"].write_text(f"{HEAD}spec: {{{place}, {sync}}}\n")
            files["OTHER"].write_text(files["FILE"].read_text().replace("ref: main", "ref: other")
                                      .replace("fleet", "fleet2"))  # fmt: skip
            args = [str(files.get(arg, arg)) for arg in command]
            done = CliRunner().invoke(root, args)
            assert CANARY not in done.output
            assert CANARY[:6] not in done.output
            assert done.exception is None or isinstance(done.exception, SystemExit)


def test_the_printed_objects_say_that_something_was_taken_out(tmp_path: Path) -> None:
    """And where the login belongs."""
    path = tmp_path / "flux.yaml"
    path.write_text(
        f"{HEAD}spec: {{distribution: {{version: 2.8.x, registry: ghcr.io/fluxcd}},"
        f" sync: {{kind: GitRepository, url: '{FORMS[0]}', ref: main, path: .}}}}\n"
    )
    done = CliRunner().invoke(root, ["build", "-f", str(path)])
    assert done.exit_code == 0
    assert "  url: https://***@git.example.com/fleet.git\n" in done.stdout
    assert ".spec.sync.url has a login in it; put it into a Secret and name that in" in done.stderr
    assert "logins are printed as ***, so do not apply what is printed" in done.stderr
    done = CliRunner().invoke(root, ["install", "--export", "-f", str(path)])
    assert done.exit_code == 0
    assert "    url: https://***@git.example.com/fleet.git\n" in done.stdout
    assert done.stderr.count("logins are printed as ***") == 1


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter("%(message)s")])
@pytest.mark.parametrize("url", FORMS)
def test_no_log_line_has_it(formatter: logging.Formatter, url: str) -> None:
    """Neither in the message nor in what it was made from, nor in a traceback."""
    log = logging.getLogger("canary")
    error = ArtifactError(f"cannot pull {url}")
    trace = (type(error), error, None)
    extra = {"artifact": url, "nested": {"urls": [url]}, "error_": ArtifactError(url)}
    record = log.makeRecord("x", logging.ERROR, "f", 1, "pull of %s: %r", (url, url), trace,
                            extra=extra)  # fmt: skip
    line = formatter.format(record)
    assert CANARY not in line
    assert "cannot pull" in line
    if isinstance(formatter, JsonFormatter):
        assert json.loads(line)["level"] == "error"
