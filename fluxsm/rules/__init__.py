# SPDX-License-Identifier: Apache-2.0
"""What the operator knows and no input or output can change: one pure rule set per file.

Everything here is a plain function over plain dicts and small frozen dataclasses. The time
comes in as an argument, nothing is read from or written to the world, and no argument is ever
changed.
"""
