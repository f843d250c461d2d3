# SPDX-License-Identifier: Apache-2.0
"""Addresses to listen on as flags."""

from __future__ import annotations

from typing import Any, Final

import click

from fluxsm.errors import UsageError

_EVERYWHERE: Final = {"", "0.0.0.0", "::"}  # noqa: S104 compared, not listened on


class Address(click.ParamType[str]):
    """An address such as `:8081` or `127.0.0.1:8081`; empty means none."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text, if it is an address."""
        from fluxsm.runtime.listener import parse_address

        text = str(value)
        try:
            if text:
                parse_address(text)
        except UsageError as error:
            self.fail(f"{error}, or empty for none", param, ctx)
        return text


def check_apart(first: str, second: str, *, flags: tuple[str, str]) -> None:
    """Check that two addresses can be listened on at the same time; port 0 is any free one.

    Raises:
        UsageError: they are the same.
    """
    from fluxsm.runtime.listener import parse_address

    if not (first and second):
        return
    (host, port), (other, other_port) = parse_address(first), parse_address(second)
    if port and port == other_port and (host == other or _EVERYWHERE & {host, other}):
        raise UsageError(
            f"{flags[0]}={first} and {flags[1]}={second} are the same; each needs one of its own"
        )
