# SPDX-License-Identifier: Apache-2.0
"""Registries for tests: Debian's docker-registry, and one that does what no good registry does."""
