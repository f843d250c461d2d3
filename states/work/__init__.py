# SPDX-License-Identifier: Apache-2.0
"""Pieces of work that several handlers share."""
