# SPDX-License-Identifier: Apache-2.0
"""Where the API server is, and the credentials. The only importer of the Kubernetes client."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from kubernetes.client.configuration import Configuration
from kubernetes.client.rest import RESTClientObject
from kubernetes.config.config_exception import ConfigException
from kubernetes.config.incluster_config import InClusterConfigLoader

from fluxsm.api.objects import Manifest
from fluxsm.build import yaml
from fluxsm.errors import BuildError, UnavailableError, UsageError

__all__ = [
    "Configuration",
    "RESTClientObject",
    "authorize",
    "read_kubeconfig",
    "read_namespace",
    "read_service_account",
]

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds its token and whom it may trust."""

# Of the library, about a reference inside the file.
_MISSING: Final = re.compile(r"Expected object with name (?P<name>.*) in .*/(?P<part>[a-z]+) list")

DEFAULT = Path("~/.kube/config")
"""The kubeconfig that everybody uses who names no other."""


def read_service_account() -> Configuration:
    """The cluster that this process runs in, as its pod's service account.

    Raises:
        UsageError: this process does not run in a cluster, or may not read its credentials.
    """
    found = Configuration()
    files = SERVICE_ACCOUNT / "token", SERVICE_ACCOUNT / "ca.crt"
    try:
        InClusterConfigLoader(*files).load_and_set(found)
    except (ConfigException, OSError, ValueError) as error:
        raise UsageError(_explain(error, files)) from None
    return found


def _explain(error: Exception, files: Sequence[Path]) -> str:
    """Why there is no service account: the library takes what it may not read for missing."""
    if not os.environ.get("KUBERNETES_SERVICE_HOST"):
        return f"this is not a pod with a service account ({error}); use --kubeconfig"
    for file in files:
        try:
            file.read_text()
        except (OSError, ValueError) as problem:
            why = getattr(problem, "strerror", None) or "it is not text"
            return f"the service account of this pod cannot be read: {file}: {why}"
    return f"the service account of this pod cannot be used: {error}"


def read_kubeconfig(path: str | None = None, context: str | None = None) -> Configuration:
    """What a kubeconfig says (default: KUBECONFIG or ~/.kube/config).

    Raises:
        UsageError: there is no usable kubeconfig; the message names the file.
    """
    from kubernetes.config.kube_config import load_kube_config  # noqa: PLC0415 8 MiB, not in a pod

    place = path or os.environ.get("KUBECONFIG") or str(DEFAULT)
    _check_files(place)
    found = Configuration()
    try:
        load_kube_config(config_file=path, context=context, client_configuration=found)
    except (ConfigException, OSError, ValueError) as error:
        reason = " ".join(str(error).removeprefix("Invalid kube-config file. ").split())
        if missing := _MISSING.match(reason):
            name, part = missing["name"], missing["part"]
            reason = f"there is no {name!r} among its {part}"
        raise UsageError(f"the kubeconfig {place} cannot be used: {reason}") from None
    except Exception as error:  # noqa: BLE001 the library takes for granted what a file may lack
        name = type(error).__name__
        raise UsageError(
            f"the kubeconfig {place} cannot be used: it has another form ({name})"
        ) from None
    return found


def read_namespace(path: str | None = None, context: str | None = None) -> str:
    """The namespace of a context, empty where there is none or no kubeconfig.

    As in kubectl, the first of several files that names a context or the current one counts. In a
    pod it is the namespace of the pod.

    Raises:
        UsageError: a kubeconfig is there and cannot be read.
    """
    place = path or os.environ.get("KUBECONFIG") or str(DEFAULT)
    if not any(Path(part).expanduser().exists() for part in place.split(os.pathsep) if part):
        own = SERVICE_ACCOUNT / "namespace"
        return own.read_text().strip() if own.is_file() else ""
    files = _check_files(place)
    chosen = context or next(filter(None, (item.get("current-context") for item in files)), "")
    for item in files:
        for entry in item.get("contexts") or ():
            if isinstance(entry, dict) and entry.get("name") == chosen:
                return str((entry.get("context") or {}).get("namespace") or "")
    return ""


def read_contexts(path: str | None = None) -> list[str]:
    """The names of all contexts, none where there is no kubeconfig.

    Raises:
        UsageError: a kubeconfig is there and cannot be read.
    """
    place = path or os.environ.get("KUBECONFIG") or str(DEFAULT)
    if not any(Path(part).expanduser().exists() for part in place.split(os.pathsep) if part):
        return []
    entries = [entry for item in _check_files(place) for entry in item.get("contexts") or ()]
    names = (str(entry.get("name") or "") for entry in entries if isinstance(entry, dict))
    return [name for name in dict.fromkeys(names) if name]


def _check_files(place: str) -> list[Manifest]:
    """What files say; of several, those that are not there do not count.

    Raises:
        UsageError: one cannot be read, or none is there.
    """
    paths = [Path(part).expanduser() for part in place.split(os.pathsep) if part]
    there = [path for path in paths if path.exists()]
    if not there:
        raise UsageError(f"the kubeconfig {place} does not exist; name another with --kubeconfig")
    found: list[Manifest] = []
    for path in there:
        try:
            documents = yaml.load_mappings(path.read_bytes(), f"the kubeconfig {path}")
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UsageError(f"the kubeconfig {path} cannot be read: {reason}") from None
        except BuildError as error:
            raise UsageError(str(error)) from None
        if not documents:
            raise UsageError(f"the kubeconfig {path} is empty")
        found += documents[:1]
    return found


def authorize(configuration: Configuration) -> dict[str, str]:
    """The header with the credentials; the library renews a token that is about to expire.

    Raises:
        UnavailableError: a token file is away, or a plugin of the kubeconfig fails.
    """
    try:
        bearer: Any = configuration.auth_settings().get("BearerToken") or {}
    except (ConfigException, OSError, ValueError) as error:
        raise UnavailableError(f"the credentials cannot be had: {error}") from None
    value = bearer.get("value")
    return {"Authorization": str(value)} if value else {}
