# SPDX-License-Identifier: Apache-2.0
"""`make reliability`: bring every fault about, and note on the reliability page what came of it.

With words as arguments only the lines are run whose command holds one of them; the others keep
the result that the page has.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from fluxsm.machine.render import markdown

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "reliability.md"
_HEADER = ("Fault", "How it is brought about", "Command", "Last result")
_LINE = re.compile(r"^\| .+ \| `(.+?)` \| (.+) \|$", re.MULTILINE)
_INTRO = """<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Written by `make reliability`; do not edit. -->

# Reliability

What can go wrong, how it is brought about, the command that does so, and what came of it when it
was last run: the date, and the commit that was tried (`+`: that commit or changes of it that were
not committed yet). A line is only here when its command exists; a fault without a line is not shown
to be handled.

"""

# Fault, how it is brought about, command.
ROWS = (
    (
        "A row of the table is missing or leads elsewhere",
        "each row deleted, and sent to every other place",
        "python -m tools.mutate",
    ),
    (
        "A case that nobody thought of; conditions that contradict each other",
        "every step from every place that can be reached, with real statuses",
        "fluxsm check-machine",
    ),
    (
        "A crash at any write",
        "the process is killed before and after every single write, on a fake API server",
        "pytest tests/states/test_crash.py",
    ),
    (
        "A crash at every write; answers refused, lost, late, cut, old; lines lost, late, doubled",
        "a proxy before a real API server: kills, also one after the other; a sample of the rest",
        "python -m tests.crash",
    ),
    (
        "An event that is lost without a word, or comes twice, late or in the wrong order",
        "what a watch tells, in every order; the clock is the test's",
        "pytest tests/unit/adapters/test_watch.py",
    ),
    (
        "All of this in any order, with edits, deletions, other writers and a bad registry",
        "random stories on a fake API server",
        "pytest tests/property/machine",
    ),
    (
        "A fake that is kinder than the real thing",
        "random requests to both",
        "pytest -m integration tests/contract",
    ),
    (
        "A restart, a suspension, a deletion or an edit in any state; a lost status",
        "each in every scene of a life",
        "pytest tests/states/test_lifecycle.py",
    ),
    (
        "The API server refuses, conflicts, is away; pods, CRDs and migrations that get nowhere",
        "answers of the fake API server",
        "pytest tests/states/test_failures.py",
    ),
    (
        "The registry is down, refuses the login, has a broken release",
        "answers of a registry in memory",
        "pytest tests/states/test_artifacts.py",
    ),
    (
        "An archive with links, devices, names that leave its folder, false sizes; a bomb; damage",
        "each in bytes that are unpacked in memory",
        "pytest tests/unit/registry/test_archive.py",
    ),
    (
        "YAML with bombs of aliases, great depth, objects, keys that are there twice",
        "each in a text that is read",
        "pytest tests/unit/build/test_yaml.py",
    ),
    (
        "A registry that breaks off, drips, falls silent, lies about bytes, limits, moves tags",
        "a server that answers as told",
        "pytest tests/unit/registry/test_pull.py tests/unit/registry/test_transport.py",
    ),
    (
        "A registry or token service that is after a login",
        "redirects and challenges of a server that answers as told",
        "pytest tests/unit/registry/test_logins.py",
    ),
    (
        "Signatures that are missing, of somebody else, of something else, changed, expired",
        "signatures by keys, and by a Sigstore of the test's own",
        "pytest tests/unit/registry/test_signatures.py tests/unit/registry/test_identities.py",
    ),
    (
        "Silence of the network, death and oblivion of the API server, SIGTERM, in each state",
        "a proxy that passes nothing on and closes nothing; kill, compaction; SIGTERM",
        "pytest -m integration tests/integration/test_process_harm.py",
    ),
    (
        "The operator is told to end while nobody answers it",
        "a proxy that passes nothing on and closes nothing; SIGTERM",
        "pytest -m integration tests/integration/test_process_faults.py",
    ),
    (
        "Two operators, a leader that is killed or paused",
        "several processes on a real API server; the audit log tells who wrote",
        "pytest -m integration tests/integration/test_process_election.py",
    ),
    (
        "The same in a fetch and in a migration, and a leader that dies in them",
        "a registry that keeps them waiting; a resource in every version that was ever stored",
        "pytest -m integration tests/integration/test_process_states.py",
    ),
    (
        "Somebody reads the metrics who may not",
        "tokens that the real API server knows, does not know, or knows without the right",
        "pytest -m integration tests/integration/test_process_metrics.py",
    ),
    (
        "Somebody changes or deletes managed objects, again and again",
        "writes of another user on a real API server",
        "pytest -m integration tests/integration/test_drift.py",
    ),
    (
        "Failures of fetch, build, apply and health in a cluster",
        "specs and objects that bring them about on a real API server",
        "pytest -m integration tests/integration/test_failures.py",
    ),
    (
        "A registry that is away, wrong credentials, an unknown authority",
        "a real OCI registry",
        "pytest -m integration tests/integration/test_registry.py",
    ),
    (
        "A release that is not signed, first or as an upgrade",
        "a real OCI registry and a real API server",
        "pytest -m integration tests/integration/test_registry_signatures.py",
    ),
    (
        "A connection to anywhere but the API server, though nobody asked for an artifact",
        "every other connection of the process is refused, and noted",
        "pytest -m integration tests/integration/test_registry_air_gap.py",
    ),
    (
        "Objects that the API should not admit",
        "each rule, pattern, enum and limit on a real API server",
        "pytest -m integration tests/integration/test_crd.py",
    ),
)


def run(command: str) -> str:
    """Run a command of the table and say what came of it."""
    name, *args = shlex.split(command)
    python = Path(sys.executable)
    program = {
        "python": [str(python)],
        "pytest": [str(python), "-m", "pytest", "-n", "0", "-q"],
    }.get(name, [str(python.parent / name)])
    done = subprocess.run(
        [*program, *args],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    verdict = "" if done.returncode == 0 else "✗ "
    return f"{datetime.now(UTC):%Y-%m-%d}, `{commit()}`: {verdict}{_summary(lines)}"


def commit() -> str:
    """The commit that is tried, with a `+` when files differ from it; the page itself may."""
    page = PAGE.relative_to(ROOT) if PAGE.is_relative_to(ROOT) else PAGE.name
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", f":!{page}")
    return _git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def _git(*args: str) -> str:
    done = subprocess.run(["git", *args], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _summary(lines: list[str]) -> str:
    """The last line, or all of them where each says that something is well."""
    if lines and all(line.startswith("✓ ") for line in lines):
        return "; ".join(line.removeprefix("✓ ") for line in lines)
    return lines[-1].strip("= ") if lines else "no output"


def main(words: list[str]) -> int:
    """Run the wanted lines and write the page; returns the exit code: 1 when one failed."""
    results = dict(_LINE.findall(PAGE.read_text())) if PAGE.is_file() else {}
    failed = False
    for fault, _, command in ROWS:
        if words and not any(word in command for word in words):
            continue
        results[command] = run(command)
        failed = failed or "✗" in results[command]
        print(f"{fault}: {results[command]}", flush=True)
    lines = [
        (fault, how, f"`{command}`", results[command])
        for fault, how, command in ROWS
        if command in results
    ]
    PAGE.write_text(_INTRO + markdown.table(_HEADER, lines))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
