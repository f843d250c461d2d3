# SPDX-License-Identifier: Apache-2.0
"""What the operator costs: requests, time and memory on a real API server, against the targets."""

from __future__ import annotations
