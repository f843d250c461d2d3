# SPDX-License-Identifier: Apache-2.0
"""Switch the operator's log off while it only plays."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """No log lines inside; afterwards the log is as it was."""
    log = logging.getLogger("fluxsm")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)
