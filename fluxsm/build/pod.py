# SPDX-License-Identifier: Apache-2.0
"""Change the pods of a Deployment: arguments, volumes and mounts, found by name.

A later Flux may add a container or reorder arguments; what is looked for by name is still found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluxsm.api.objects import Manifest
from fluxsm.errors import BuildError

MANAGER = "manager"
DATA_PATH = "/data"


def pod_spec(deployment: Manifest) -> dict[str, Any]:
    """The `spec.template.spec` of a Deployment."""
    return child(_template(deployment), "spec")


def pod_metadata(deployment: Manifest) -> dict[str, Any]:
    """The `spec.template.metadata` of a Deployment."""
    return child(_template(deployment), "metadata")


def _template(deployment: Manifest) -> dict[str, Any]:
    return child(child(deployment, "spec"), "template")


def child(parent: dict[str, Any], key: str) -> dict[str, Any]:
    """A mapping in a mapping, made where it is absent or null."""
    if parent.get(key) is None:
        parent[key] = {}
    found: dict[str, Any] = parent[key]
    return found


def manager(deployment: Manifest) -> dict[str, Any]:
    """The controller's container: the one called `manager`, else the first.

    Raises:
        BuildError: the Deployment has no containers.
    """
    containers = pod_spec(deployment).get("containers") or []
    if not containers:
        raise BuildError(f"Deployment {deployment['metadata']['name']} has no containers")
    found: dict[str, Any] = next(
        (item for item in containers if item.get("name") == MANAGER), containers[0]
    )
    return found


def append_args(deployment: Manifest, *args: str) -> None:
    """Add arguments at the end."""
    container = manager(deployment)
    container["args"] = [*(container.get("args") or []), *args]


def set_flag(deployment: Manifest, flag: str, value: str, *, add: bool = True) -> None:
    """Give a flag a value where it stands.

    Only the first place counts: what a shard adds for itself comes later and stays.

    Args:
        deployment: whose manager is changed.
        flag: such as `--log-level`.
        value: what follows the equals sign.
        add: whether a flag that is not there is added at the end.
    """
    container = manager(deployment)
    args = list(container.get("args") or [])
    for place, arg in enumerate(args):
        if arg == flag or str(arg).startswith(f"{flag}="):
            args[place] = f"{flag}={value}"
            break
    else:
        if add:
            args.append(f"{flag}={value}")
    container["args"] = args


def append_volume(deployment: Manifest, volume: Mapping[str, Any]) -> None:
    """Add a volume at the end."""
    spec = pod_spec(deployment)
    spec["volumes"] = [*(spec.get("volumes") or []), dict(volume)]


def replace_data_volume(deployment: Manifest, volume: Mapping[str, Any]) -> None:
    """Put another volume in the place of the one that is mounted at /data."""
    spec = pod_spec(deployment)
    mounted = _data_mount(deployment)
    volumes = list(spec.get("volumes") or [])
    for place, item in enumerate(volumes):
        if mounted is not None and item.get("name") == mounted.get("name"):
            volumes[place] = dict(volume)
            break
    else:
        volumes.append(dict(volume))
    spec["volumes"] = volumes


def mount_data_from(deployment: Manifest, volume_name: str) -> None:
    """Mount a volume at /data, in the place of what is mounted there."""
    container = manager(deployment)
    mount = {"name": volume_name, "mountPath": DATA_PATH}
    mounts = list(container.get("volumeMounts") or [])
    for place, item in enumerate(mounts):
        if item.get("mountPath") == DATA_PATH:
            mounts[place] = mount
            break
    else:
        mounts.append(mount)
    container["volumeMounts"] = mounts


def _data_mount(deployment: Manifest) -> dict[str, Any] | None:
    mounts = manager(deployment).get("volumeMounts") or []
    return next((item for item in mounts if item.get("mountPath") == DATA_PATH), None)
