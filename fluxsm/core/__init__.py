# SPDX-License-Identifier: Apache-2.0
"""One reconciliation: what was observed, what came of it, what is remembered and shown."""
