# SPDX-License-Identifier: Apache-2.0
"""Generators of files that are checked in."""

from __future__ import annotations
