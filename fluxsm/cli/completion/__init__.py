# SPDX-License-Identifier: Apache-2.0
"""Completion: the scripts for shells, what they offer, and the form that kubectl wants."""
