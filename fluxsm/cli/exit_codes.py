# SPDX-License-Identifier: Apache-2.0
"""What the exit codes mean: one table for all commands, from which the reference page is made."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final


class Exit(IntEnum):
    """The exit codes; `diff` and `plan` have a meaning of their own for one."""

    DONE = 0
    FAILED = 1
    CHANGES = 2
    INTERRUPTED = 130


TABLE: Final[Sequence[tuple[str, str, str]]] = (
    ("0", "all", "What was asked for is done, or there is nothing to do."),
    (
        "1",
        "all but `diff`",
        (
            "It could not be done: a wrong flag or file, a refusal of the API server, an instance"
            " that failed, a wait that reached its limit. One line on standard error says what,"
            " where and what to do next."
        ),
    ),
    ("1", "`diff`", "There is a difference."),
    ("2", "`diff`", "It could not be done, as 1 elsewhere."),
    ("1", "`plan`", "Also: the operator would refuse it."),
    ("2", "`plan`", "There are changes."),
    ("1", "`doctor`", "Also: something keeps the operator from working."),
    ("130", "all", "Interrupted, as by Ctrl-C. What the cluster was asked for goes on."),
)
"""Code, commands, meaning."""
