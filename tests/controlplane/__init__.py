# SPDX-License-Identifier: Apache-2.0
"""A real control plane for tests and for `make run`, without a container engine.

Standard library only, so that it works before anything is installed.
"""

from __future__ import annotations
