# SPDX-License-Identifier: Apache-2.0
"""The machine without a cluster: the real steps, in a small world in memory.

`fluxsm simulate` plays scenarios in it, and `fluxsm check-machine` plays lives and explores every
case. What is real here: table, handlers, signals, rules, build, projection, reconciler. What is
not: the API server, which is only a store, and time, which jumps.
"""

from __future__ import annotations
