# SPDX-License-Identifier: Apache-2.0
"""`python -m fluxsm` is the command line."""

from __future__ import annotations

from fluxsm.cli import main

main()
