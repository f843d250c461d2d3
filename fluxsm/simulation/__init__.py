# SPDX-License-Identifier: Apache-2.0
"""The operator in a world in memory: an API server, its controllers, a registry and clocks.

`fluxsm simulate` plays scenarios in it, `fluxsm check-machine` plays lifecycles and explores every
case, and the tests of the states use it too. What is real here: table, handlers, signals, rules,
build, projection, reconciler, watches. What the API server in memory promises is written down in
the contract suite, which a real one passes as well; time jumps.
"""

from __future__ import annotations
