# SPDX-License-Identifier: Apache-2.0
"""The world: one third-party library per file, each behind a port."""

from __future__ import annotations
