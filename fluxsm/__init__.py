# SPDX-License-Identifier: Apache-2.0
"""fluxsm installs and runs Flux CD from one custom resource, as an explicit state machine."""

from __future__ import annotations

__version__ = "0.1.0"
