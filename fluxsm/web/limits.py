# SPDX-License-Identifier: Apache-2.0
"""How much readers may ask for. What is beyond is refused before anything is done for it."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

READERS: Final = 1024
"""Addresses whose requests are counted; the one that was idle longest is forgotten first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is allowed.

    Attributes:
        requests: requests that are answered at the same time.
        streams: streams that are open at the same time.
        rate: requests per second of one address, over a longer time.
        burst: requests of one address at once. Behind an Ingress all readers have one address.
        seconds: how long one request may take, from its first byte to the last of the answer.
    """

    requests: int = 32
    streams: int = 128
    rate: float = 50.0
    burst: int = 400
    seconds: float = 30.0


class Rate:
    """A bucket of tokens for each address. Not for several threads at a time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admits(self, address: str, now: float) -> bool:
        """Whether a request of an address may be answered; it is counted then.

        Args:
            address: of the reader.
            now: seconds on a clock that never jumps.
        """
        limits = self._limits
        tokens, then = self._buckets.pop(address, (float(limits.burst), now))
        tokens = min(float(limits.burst), tokens + (now - then) * limits.rate)
        admitted = tokens >= 1
        self._buckets[address] = (tokens - 1 if admitted else tokens, now)
        while len(self._buckets) > READERS:
            self._buckets.popitem(last=False)
        return admitted
