# SPDX-License-Identifier: Apache-2.0
"""The verbs about Flux as a whole, one file each."""
