# SPDX-License-Identifier: Apache-2.0
"""What of the libraries is loaded, and that the rest is there for whoever asks for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fluxsm.adapters.kube import configuration
from fluxsm.errors import UsageError

_HEAVY = (
    "kubernetes.client.api", "kubernetes.client.models", "kubernetes.config.kube_config",
    "jsonschema", "kubernetes.dynamic", "kubernetes.informer", "kubernetes.stream",
    "kubernetes.watch", "oauthlib", "oras", "requests", "rich", "websocket",
)  # fmt: skip

_OPERATOR = """
from pathlib import Path
import fluxsm.runtime.logs
from fluxsm.adapters.kube import configuration
from fluxsm.adapters.kube.client import KubeClient
from fluxsm.app import Operator, Options
from fluxsm.core.settings import Settings
configuration.SERVICE_ACCOUNT = Path("{folder}")
client = KubeClient.in_cluster()
Operator(client, Settings(), Options(storage=Path("/nowhere")))
assert client.host == "https://[fd00::1]:443", client.host
"""


def run(program: str, **environment: str) -> str:
    """What a program prints, in a process that has loaded nothing yet."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_operator_in_a_pod_loads_no_more_than_it_uses(tmp_path: Path) -> None:
    """No model, no second client, no OpenID Connect: memory is what counts in a pod."""
    (tmp_path / "token").write_text("secret")
    (tmp_path / "ca.crt").write_text("certificate")
    program = _OPERATOR.format(folder=tmp_path) + "import sys; print(*sys.modules)"
    pod = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    loaded = run(program, **pod).split()
    assert "kubernetes.config.incluster_config" in loaded
    found = [name for name in loaded if any(f"{name}.".startswith(f"{x}.") for x in _HEAVY)]
    assert found == []


def test_a_registry_is_reached_over_one_http_library() -> None:
    """The second one, and the schemas of what is pushed, take memory and time in every pull."""
    program = """
import sys
import fluxsm.adapters.registry.source
print("urllib3" in sys.modules, "requests" in sys.modules, "jsonschema" in sys.modules)
"""
    assert run(program).split() == ["True", "False", "False"]


def test_what_waits_comes_when_it_is_asked_for() -> None:
    """Other users of the library in the same process notice nothing."""
    program = """
import fluxsm.adapters.kube.configuration, kubernetes
print(kubernetes.client.CoreV1Api.__name__, kubernetes.config.load_kube_config.__name__)
print(kubernetes.utils.parse_quantity.__name__, kubernetes.watch.Watch.__name__)
print(hasattr(kubernetes, "nothing"), hasattr(kubernetes.utils, "nothing"))
"""
    assert run(program).split() == [
        "CoreV1Api", "load_kube_config", "parse_quantity", "Watch", "False", "False",
    ]  # fmt: skip


def test_the_package_that_was_loaded_before_stays() -> None:
    """It is not put in the place of one that somebody already uses."""
    program = (
        "import kubernetes; before = kubernetes.watch.Watch;"
        "import fluxsm.adapters.kube.configuration, sys;"
        "print(sys.modules['kubernetes'].watch.Watch is before)"
    )
    assert run(program).strip() == "True"


def test_a_kubeconfig_is_read_by_the_library(tmp_path: Path) -> None:
    """Server and token arrive; what is no kubeconfig is reported in one line."""
    path = tmp_path / "config"
    path.write_text(
        '{"kind": "Config", "current-context": "x",'
        ' "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],'
        ' "clusters": [{"name": "c", "cluster": {"server": "https://there:1"}}],'
        ' "users": [{"name": "u", "user": {"token": "secret"}}]}'
    )
    found = configuration.read_kubeconfig(str(path))
    assert (found.host, found.api_key["BearerToken"]) == ("https://there:1", "Bearer secret")
    path.write_text("{}")
    with pytest.raises(UsageError, match=r"the kubeconfig .*config cannot be used"):
        configuration.read_kubeconfig(str(path))
