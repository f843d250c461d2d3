# SPDX-License-Identifier: Apache-2.0
"""Tests, by kind. A package so that helpers can be imported by name."""

from __future__ import annotations
