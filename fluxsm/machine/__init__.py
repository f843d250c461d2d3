# SPDX-License-Identifier: Apache-2.0
"""The state machine as data: its states and events, its rows, the checks on them, the engine.

Nothing here knows Kubernetes; `states/` fills it with meaning.
"""

from __future__ import annotations
