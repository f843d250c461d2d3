# SPDX-License-Identifier: Apache-2.0
"""Starts fluxsm as a pod does: the service account is in a folder, here in one of a test.

`python -m tests.integration.pod FOLDER ARGUMENTS...`; the folder has `token` and `ca.crt`, and
where the API server is stands in the environment, as in a pod.
"""

from __future__ import annotations

import sys


def main(folder: str, args: list[str]) -> None:
    """Be `fluxsm` with these arguments."""
    from kubernetes.config import incluster_config

    import fluxsm.adapters.kube.configuration  # noqa: F401 before the next, which is heavy alone
    from fluxsm.cli import main as operate

    incluster_config.SERVICE_TOKEN_FILENAME = f"{folder}/token"
    incluster_config.SERVICE_CERT_FILENAME = f"{folder}/ca.crt"
    sys.argv = ["fluxsm", *args]
    operate()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
