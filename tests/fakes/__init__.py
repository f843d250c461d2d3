# SPDX-License-Identifier: Apache-2.0
"""A world in memory: an API server, its controllers, a registry and a clock.

What they promise is written down once, in tests/contract, and checked on the real thing too.
"""

from __future__ import annotations
