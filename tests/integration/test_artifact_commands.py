# SPDX-License-Identifier: Apache-2.0
"""The command line and a real registry: what is pushed is what is built and vendored from."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fluxsm.adapters.folder import Folder, starter_folder
from tests.registry.fixtures import certificate, locked_registry, plain_registry, tls_registry
from tests.registry.server import PASSWORD, USER, Certificate, Registry

pytestmark = pytest.mark.integration

__all__ = ["certificate", "locked_registry", "plain_registry", "tls_registry"]

SAMPLE = Path(__file__).resolve().parents[2] / "manifests" / "samples" / "flux.yaml"
REPOSITORY = "mirror/flux-operator-manifests"


def fluxsm(*arguments: str, docker: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Call the command line."""
    return subprocess.run(
        [sys.executable, "-m", "fluxsm", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "DOCKER_CONFIG": str(docker or "/nonexistent")},
    )


def log_in(folder: Path, host: str) -> Path:
    """What `docker login` leaves."""
    auths = {host: {"username": USER, "password": PASSWORD}}
    (folder / "config.json").write_text(json.dumps({"auths": auths}))
    return folder


def test_a_push_is_the_same_each_time(plain_registry: Registry) -> None:
    """Same input, same digest, and the address can be used as it is printed."""
    target = f"oci://{plain_registry.host}/{REPOSITORY}:v1"
    first = fluxsm("push", str(starter_folder()), target)
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith(f"{target}@sha256:")
    assert fluxsm("push", str(starter_folder()), target).stdout == first.stdout
    listed = fluxsm("versions", "--distribution", first.stdout.strip())
    assert "v2.8.8" in listed.stdout


def test_a_build_from_the_registry_equals_one_from_the_folder(plain_registry: Registry) -> None:
    """To the byte."""
    target = f"oci://{plain_registry.host}/{REPOSITORY}:v2"
    assert fluxsm("push", str(starter_folder()), target).returncode == 0
    arguments = ("build", "-f", str(SAMPLE), "--pin-digests", "--distribution")
    remote = fluxsm(*arguments, target)
    assert remote.returncode == 0, remote.stderr
    assert remote.stdout == fluxsm(*arguments, str(starter_folder())).stdout


def test_an_artifact_is_vendored_into_a_folder(plain_registry: Registry, tmp_path: Path) -> None:
    """The other way round."""
    target = f"oci://{plain_registry.host}/{REPOSITORY}:v3"
    assert fluxsm("push", str(starter_folder()), target).returncode == 0
    done = fluxsm("vendor", "--version", "v2.8.8", "--from", target, "--to", str(tmp_path))
    assert done.returncode == 0, done.stderr
    kept = ("/v2.8.8/", "flux/STARTER")
    files = Folder(starter_folder())
    wanted = {path: files[path] for path in files if any(part in path for part in kept)}
    assert dict(Folder(tmp_path)) == wanted


def test_the_logins_of_docker_are_used(locked_registry: Registry, tmp_path: Path) -> None:
    """Without one the message says where it was looked for."""
    target = f"oci://{locked_registry.host}/{REPOSITORY}:v1"
    refused = fluxsm("push", str(starter_folder()), target)
    assert refused.returncode == 1
    assert f"{locked_registry.host} asks for a user name and password" in refused.stderr
    done = fluxsm(
        "push", str(starter_folder()), target, docker=log_in(tmp_path, locked_registry.host)
    )
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stderr


def test_a_private_authority_is_named_by_a_flag(
    tls_registry: Registry, certificate: Certificate, tmp_path: Path
) -> None:
    """For each command that talks to a registry."""
    target = f"oci://{tls_registry.host}/{REPOSITORY}:v1"
    docker = log_in(tmp_path, tls_registry.host)
    refused = fluxsm("push", str(starter_folder()), target, docker=docker)
    assert "--registry-ca-file" in refused.stderr
    trust = f"--registry-ca-file={certificate.authority}"
    assert fluxsm("push", str(starter_folder()), target, trust, docker=docker).returncode == 0
    listed = fluxsm("versions", "--distribution", target, trust, docker=docker)
    assert "v2.8.8" in listed.stdout
