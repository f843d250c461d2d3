# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes API of the operator: names, models and the CRDs made from them."""

from __future__ import annotations
