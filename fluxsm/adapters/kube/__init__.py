# SPDX-License-Identifier: Apache-2.0
"""Kubernetes, by the official client's configuration and transport, and plain dicts."""

from __future__ import annotations
