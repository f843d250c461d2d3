# SPDX-License-Identifier: Apache-2.0
"""manifests/operator is a base that kustomize reads, with components that fit it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from fluxsm import __version__
from fluxsm.cli import metrics, run, web
from tests.controlplane.binary import find
from tests.integration.process import ROOT, with_component

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

OPERATOR = ROOT / "manifests" / "operator"


def built(folder: Path) -> list[dict[str, Any]]:
    """What `kubectl kustomize` makes of a folder."""
    command = [*find().command("kubectl"), "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [item for item in yaml.safe_load_all(done.stdout) if item]


def one(manifests: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The only object of a kind."""
    (found,) = [item for item in manifests if item["kind"] == kind]
    return found


def test_probes_and_ports_are_those_of_the_process() -> None:
    """Every port that something points to is a port of the container."""
    manifests = built(OPERATOR)
    pod = one(manifests, "Deployment")["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    ports = {item["name"]: item["containerPort"] for item in container["ports"]}
    assert ports == {"http-metrics": 8080, "http": 8081, "http-web": 9080}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    service = one(manifests, "Service")["spec"]
    assert [item["targetPort"] for item in service["ports"]] == ["http-metrics", "http-web"]
    assert service["selector"].items() <= pod["metadata"]["labels"].items()


def test_the_image_is_that_of_this_version() -> None:
    """A new version that forgets the manifest would install the old one."""
    (container,) = one(built(OPERATOR), "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"fluxsm:v{__version__}"


@pytest.mark.parametrize(
    ("component", "kind"),
    [("network-policy", "NetworkPolicy"), ("service-monitor", "ServiceMonitor")],
)
def test_a_component_adds_one_object(tmp_path: Path, component: str, kind: str) -> None:
    """It selects the pods, or the Service, of the base."""
    plain, more = built(OPERATOR), built(with_component(tmp_path, component))
    assert len(more) == len(plain) + 1
    found = one(more, kind)["spec"]
    selector = found.get("podSelector") or found["selector"]
    target = one(more, "Deployment")["spec"]["template"] if "podSelector" in found else one(
        more, "Service"
    )  # fmt: skip
    assert selector["matchLabels"].items() <= target["metadata"]["labels"].items()


def test_a_secure_page_is_flags_that_the_operator_understands(tmp_path: Path) -> None:
    """Beside those for the metrics, of which it takes nothing away."""
    manifests = built(with_component(tmp_path, "secure-web"))
    pod = one(manifests, "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mount = tmp_path / "mounted"
    mount.mkdir()
    for name in ("tls.crt", "tls.key"):
        (mount / name).touch()
    args = [item.replace("/etc/web-tls", str(mount)) for item in container["args"]]
    found = web.settings(run.command.make_context("run", args).params)
    assert (found.address, found.require_token) == (":9080", True)
    assert found.certificate is not None
    assert {found.certificate.chain, found.certificate.key} == set(mount.iterdir())
    volumes = {item["name"]: item for item in pod["volumes"]}
    assert volumes["web-tls"]["secret"]["secretName"] == "flux-operator-web-tls"
    assert {item["name"] for item in container["volumeMounts"]} == volumes.keys()


def test_secure_metrics_are_flags_that_the_operator_understands(tmp_path: Path) -> None:
    """The files that they name lie in the Secret that is mounted."""
    manifests = built(with_component(tmp_path, "secure-metrics"))
    pod = one(manifests, "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mount = tmp_path / "mounted"
    mount.mkdir()
    for name in ("tls.crt", "tls.key"):
        (mount / name).touch()
    args = [item.replace("/etc/metrics-tls", str(mount)) for item in container["args"]]
    found = metrics.settings(run.command.make_context("run", args).params)
    assert found.require_token
    assert found.certificate is not None
    mounts = {item["name"]: Path(item["mountPath"]) for item in container["volumeMounts"]}
    volumes = {item["name"]: item for item in pod["volumes"]}
    files = {found.certificate.chain, found.certificate.key}
    assert files == {mount / name for name in ("tls.crt", "tls.key")}
    assert mounts["metrics-tls"] == Path("/etc/metrics-tls")
    assert volumes["metrics-tls"]["secret"]["secretName"] == "flux-operator-metrics-tls"
    assert mounts.keys() == volumes.keys()
