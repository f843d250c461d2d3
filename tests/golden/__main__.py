# SPDX-License-Identifier: Apache-2.0
"""Write the expected results of the starter distribution again; review them as a diff."""

from __future__ import annotations

from tests.golden.starter import CASES, write


def main() -> None:
    """Write every result."""
    for case in CASES:
        case.expected.write_text(write(case), encoding="utf-8")


main()
