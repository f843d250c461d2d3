# SPDX-License-Identifier: Apache-2.0
"""`fluxsm get instance` and `fluxsm version`, against a real API server."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator

import pytest
import yaml

from fluxsm import __version__
from fluxsm.api import names
from tests.integration.command_line import CommandLine, installed, stable

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def program() -> Iterator[CommandLine]:
    """A cluster with a Ready instance."""
    with installed() as found:
        yield found


def test_the_table_has_the_columns_of_the_reference(program: CommandLine) -> None:
    """Padded with blanks and followed by tabs; the time is in the format of Go."""
    assert stable(program.out("get", "instance")) == (
        "NAMESPACE\tNAME\tRESOURCES\tREADY\tMESSAGE\tLAST RECONCILED\n"
        "flux-system\tflux\t22\tTrue\tReconciliation finished in <DURATION>\t<TIME>\t\n"
    )


@pytest.mark.parametrize(
    "words", [["get"], ["get", "instances"], ["get", "instance", "flux"], ["get", "-n=flux-system"]]
)
def test_ways_to_ask_for_the_same(program: CommandLine, words: list[str]) -> None:
    """The noun may be left out, be plural, or name the instance or its namespace."""
    assert program.out(*words) == program.out("get", "instance", "-A")


def test_a_wide_table_has_more(program: CommandLine) -> None:
    """The state and the revision."""
    head, line = stable(program.out("get", "-o", "wide")).splitlines()
    assert head.split("\t")[4:6] == ["STATE", "REVISION"]
    assert line.split("\t")[4] == "Ready"
    assert line.split("\t")[5].endswith("@sha256:<DIGEST>")


def test_other_forms(program: CommandLine) -> None:
    """One object when it is named, else a list, without what only the API server needs."""
    one = json.loads(program.out("get", "instance", "flux", "-o", "json"))
    assert (one["kind"], one["metadata"]["name"]) == ("FluxInstance", "flux")
    assert "managedFields" not in one["metadata"]
    listed = yaml.safe_load(program.out("get", "-o", "yaml"))
    assert (listed["kind"], [item["kind"] for item in listed["items"]]) == (
        "List",
        ["FluxInstance"],
    )
    assert program.out("get", "-o", "name") == "fluxinstance.fluxcd.controlplane.io/flux\n"


def test_an_instance_that_is_not_there(program: CommandLine) -> None:
    """The nearest one is named; that there is none at all is no error."""
    assert program.refusal("get", "instance", "fluxx") == (
        "✗ FluxInstance/fluxx not found; did you mean FluxInstance/flux-system/flux?"
    )
    assert program.refusal("get", "instance", "flux", "-n", "default") == (
        "✗ FluxInstance/default/flux not found; there is FluxInstance/flux-system/flux,"
        " try -n flux-system"
    )
    assert program.out("get", "-n", "default").splitlines()[1:] == []


def test_somebody_else_may_be_acted_as(program: CommandLine) -> None:
    """The API server sees the user, and each of the groups."""
    refused = program.refusal("get", "--as", "nobody", "--as-group", "one", "--as-group", "two")
    assert 'User "nobody" cannot list' in refused
    assert refused.endswith("--as tries another")
    program.out("get", "--as", "nobody", "--as-group", "one", "--as-group", "system:masters")


def test_a_watch_goes_on_until_it_is_interrupted(program: CommandLine) -> None:
    """A row for each change; Ctrl-C ends it with one line and 130."""
    command = program.command("get", "--watch", "-n", names.DEFAULT_NAMESPACE)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        first = [child.stdout.readline() for _ in range(2)]
        program.cluster.kubectl(
            "annotate", "fluxinstance", "flux", "-n", names.DEFAULT_NAMESPACE, "seen=yes"
        )
        row = child.stdout.readline()
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
    assert first[0].startswith("NAMESPACE")
    assert row.split("\t")[1] == first[1].split("\t")[1]
    assert (child.returncode, said) == (130, "✗ interrupted\n")


def test_versions(program: CommandLine) -> None:
    """Of the program, the operator and Flux; alone without a cluster."""
    found = program.out("version").splitlines()
    assert found[:2] == [f"client: v{__version__}", f"server: v{__version__}"]
    assert found[2].startswith("distribution: v2.8.")
    assert program.out("version", "--client") == f"client: v{__version__}\n"
    assert json.loads(program.out("version", "-o", "json"))["server"] == f"v{__version__}"


def test_without_a_report_the_client_is_known(program: CommandLine) -> None:
    """It is printed before the command fails."""
    path = f"/apis/{names.API_VERSION}/namespaces/{names.DEFAULT_NAMESPACE}/{names.REPORT_PLURAL}"
    assert program.cluster.request("GET", path)["items"]
    done = program.run("version", "--server", "https://127.0.0.1:1")
    assert done.stdout == f"client: v{__version__}\n"
    assert done.stderr.endswith(
        "check the cluster that --context or --kubeconfig names, then try again\n"
    )
