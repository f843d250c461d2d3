# SPDX-License-Identifier: Apache-2.0
"""What the operator does. Read table.py first; this folder can be read alone."""

from __future__ import annotations
