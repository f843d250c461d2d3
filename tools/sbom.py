# SPDX-License-Identifier: Apache-2.0
"""A bill of materials in the CycloneDX form, from the lock that the image is made from."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fluxsm import __version__

ROOT = Path(__file__).resolve().parents[1]
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?: ; (?P<marker>[^\\]+))?")
_HASH = re.compile(r"--hash=sha256:(?P<hash>[0-9a-f]{64})")


def bill(lock: str) -> dict[str, Any]:
    """The bill for a lock file with hashes.

    Args:
        lock: the text of the lock.
    """
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": "fluxsm",
                "version": __version__,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
                "purl": f"pkg:pypi/fluxsm@{__version__}",
            }
        },
        "components": list(_components(lock)),
    }


def _components(lock: str) -> Iterator[dict[str, Any]]:
    """One component per pin; the hashes of all files that the lock allows are properties."""
    for block in re.split(r"\n(?=\S)", lock):
        pin = _PIN.match(block)
        if pin is None:
            continue
        name, version = pin["name"], pin["version"]
        found: dict[str, Any] = {
            "type": "library",
            "name": name,
            "version": version,
            "purl": f"pkg:pypi/{name.lower()}@{version}",
            "properties": [
                {"name": "lock:sha256", "value": item["hash"]} for item in _HASH.finditer(block)
            ],
        }
        if pin["marker"]:
            found["scope"] = "optional"
        yield found


if __name__ == "__main__":
    json.dump(bill((ROOT / "requirements" / "run.txt").read_text()), sys.stdout, indent=2)
    print()
