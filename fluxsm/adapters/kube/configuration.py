# SPDX-License-Identifier: Apache-2.0
"""Where the API server is, and the credentials. The only importer of the Kubernetes client.

Whoever imports a module of `kubernetes` gets all of its packages (informer, streams, dynamic
client, OpenID Connect), because their `__init__` modules import them: 10 MiB and a third of a
second. In a pod three small modules are enough. So those `__init__` modules wait here until
somebody asks for what only they can give.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from fluxsm.errors import UsageError


class _Waiting(ModuleType):
    """A package whose `__init__` runs when a name is missing, not before.

    `importlib.util.LazyLoader` does not do: it runs `__init__` as soon as a module of the package
    is imported.
    """

    def __getattr__(self, name: str) -> Any:
        self.__class__ = ModuleType  # type: ignore[assignment]  # from now on like any other
        loader = self.__spec__.loader if self.__spec__ else None
        if loader is None:
            raise AttributeError(name)
        loader.exec_module(self)
        return getattr(self, name)


def _let_wait(package: str) -> None:
    """Make the modules of a package importable without running its `__init__`."""
    if package in sys.modules:
        return
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    module = importlib.util.module_from_spec(spec)
    module.__class__ = _Waiting
    sys.modules[package] = module


for _package in ("kubernetes", "kubernetes.config", "kubernetes.utils"):
    _let_wait(_package)

from kubernetes.client.configuration import Configuration  # noqa: E402 not before they wait
from kubernetes.client.rest import RESTClientObject  # noqa: E402
from kubernetes.config.config_exception import ConfigException  # noqa: E402
from kubernetes.config.incluster_config import InClusterConfigLoader  # noqa: E402

__all__ = ["Configuration", "RESTClientObject", "read_kubeconfig", "read_service_account"]

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds its token and whom it may trust."""


def read_service_account() -> Configuration:
    """The cluster that this process runs in, as its pod's service account.

    Raises:
        UsageError: this process does not run in a cluster.
    """
    found = Configuration()
    loader = InClusterConfigLoader(SERVICE_ACCOUNT / "token", SERVICE_ACCOUNT / "ca.crt")
    try:
        loader.load_and_set(found)
    except ConfigException as error:
        raise UsageError(
            f"this is not a pod with a service account ({error}); use --kubeconfig"
        ) from None
    return found


def read_kubeconfig(path: str | None = None, context: str | None = None) -> Configuration:
    """What a kubeconfig says (default: KUBECONFIG or ~/.kube/config).

    Raises:
        UsageError: there is no usable kubeconfig.
    """
    from kubernetes.config.kube_config import load_kube_config  # noqa: PLC0415 8 MiB, not in a pod

    found = Configuration()
    try:
        load_kube_config(config_file=path, context=context, client_configuration=found)
    except (ConfigException, OSError, ValueError) as error:
        raise UsageError(f"the kubeconfig cannot be used: {error}") from None
    return found
