# SPDX-License-Identifier: Apache-2.0
"""What keeps the machine going: the reconciler, its timers, the lease, the probes."""

from __future__ import annotations
