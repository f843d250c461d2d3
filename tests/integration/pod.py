# SPDX-License-Identifier: Apache-2.0
"""Starts fluxsm as a pod does: the service account is in a folder, here in one of a test.

`python -m tests.integration.pod FOLDER ARGUMENTS...`; the folder has `token` and `ca.crt`, and
where the API server is stands in the environment, as in a pod.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fluxsm.adapters.kube import configuration
from fluxsm.cli import main as operate


def main(folder: str, args: list[str]) -> None:
    """Be `fluxsm` with these arguments."""
    configuration.SERVICE_ACCOUNT = Path(folder)
    sys.argv = ["fluxsm", *args]
    operate()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
