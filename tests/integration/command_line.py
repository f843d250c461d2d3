# SPDX-License-Identifier: Apache-2.0
"""The program as a person calls it, against a test cluster."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fluxsm.api import names
from fluxsm.objects import manifest
from tests.controlplane.cluster import Cluster
from tests.integration.instance import Instance, install_crds
from tests.integration.operator import Operator, until

REPORTING = ("--reporting-interval=5s",)
SPEC = {
    "distribution": {"version": "2.8.x", "registry": "ghcr.io/fluxcd"},
    "components": ["source-controller", "kustomize-controller"],
}
_VARIABLE = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"), "<TIME>"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC"), "<TIME>"),
    (re.compile(r"sha256:[0-9a-f]{64}"), "sha256:<DIGEST>"),
    (re.compile(r"\b(\d+h)?(\d+m)?\d+(\.\d+)?(ms|s)\b"), "<DURATION>"),
)


class CommandLine:
    """Runs `fluxsm` as `other`, whose requests nobody else's are mixed with."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def run(self, *args: str, **extra: Any) -> subprocess.CompletedProcess[str]:
        """Run a command; the exit code is for the test to look at."""
        return subprocess.run(
            self.command(*args), capture_output=True, text=True, check=False, **extra
        )

    def command(self, *args: str) -> list[str]:
        """The words of a command."""
        config = f"--kubeconfig={self.cluster.kubeconfig('other')}"
        return [sys.executable, "-m", "fluxsm", *args, config]

    def out(self, *args: str) -> str:
        """What a command that succeeds writes to standard output."""
        done = self.run(*args)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def talk(self, *args: str) -> str:
        """What a command that succeeds says on standard error; it prints no data."""
        done = self.run(*args)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
        return done.stderr

    def refusal(self, *args: str) -> str:
        """The one line of a command that fails."""
        done = self.run(*args)
        assert done.returncode == 1, done.stdout
        (line,) = done.stderr.splitlines()
        return line

    def refusal_at_end(self, *args: str) -> str:
        """The last line of a command that fails; before it stands how it came to that."""
        done = self.run(*args)
        assert (done.returncode, done.stdout) == (1, "")
        return done.stderr.splitlines()[-1]


def stable(text: str) -> str:
    """A text without what differs from run to run, and without blanks at the ends of cells."""
    for pattern, mark in _VARIABLE:
        text = pattern.sub(mark, text)
    return re.sub(r" +(\t|$)", r"\1", text, flags=re.MULTILINE)


@contextmanager
def installed() -> Iterator[CommandLine]:
    """A cluster with an operator that reports, and an instance that is Ready."""
    with Cluster() as cluster:
        install_crds(cluster)
        cluster.create_namespace(names.DEFAULT_NAMESPACE)
        with Operator(cluster, names.DEFAULT_NAMESPACE, flags=REPORTING):
            instance = Instance(cluster, names.DEFAULT_NAMESPACE)
            instance.create(SPEC)
            instance.becomes_ready()
            path = (
                f"/apis/{names.API_VERSION}/namespaces/{names.DEFAULT_NAMESPACE}"
                f"/{names.REPORT_PLURAL}/{names.SINGLETON}"
            )
            until(lambda: _distribution(instance.get(path)) or None, "a report about Flux")
            yield CommandLine(cluster)


def _distribution(report: dict[str, Any] | None) -> str:
    return manifest.text(report or {}, "spec", "distribution", "version")
