# SPDX-License-Identifier: Apache-2.0
"""The live page and its JSON API (docs/adr/0028-the-page.md).

What is shown is worked out by pure functions: `sight`, `journal`, `facts`, `view`, `encode`. How it
reaches a reader is the rest. Nothing here writes to a cluster, and the machine never waits for it.
"""
