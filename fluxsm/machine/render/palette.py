# SPDX-License-Identifier: Apache-2.0
"""The colours of the pictures: one for each kind of state, on a light and on a dark ground."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fluxsm.machine.graph import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Tone:
    """Colours of one box: its area and its border."""

    fill: str
    stroke: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """All colours of a picture.

    Attributes:
        ground: what everything is drawn on.
        text: names and labels.
        line: arrows, and borders of nodes that stand for several states.
        tones: boxes, by kind of state.
    """

    ground: str
    text: str
    line: str
    tones: Mapping[Kind, Tone]


LIGHT: Final = Palette(
    ground="#ffffff",
    text="#1f2328",
    line="#59636e",
    tones={
        Kind.READY: Tone(fill="#d2f4dc", stroke="#1a7f37"),
        Kind.WORKING: Tone(fill="#dbedff", stroke="#0969da"),
        Kind.WAITING: Tone(fill="#fff3bf", stroke="#9a6700"),
        Kind.FAILED: Tone(fill="#ffe3e0", stroke="#cf222e"),
        Kind.LEAVING: Tone(fill="#efe3ff", stroke="#8250df"),
    },
)

DARK: Final = Palette(
    ground="#0d1117",
    text="#e6edf3",
    line="#9198a1",
    tones={
        Kind.READY: Tone(fill="#12351f", stroke="#3fb950"),
        Kind.WORKING: Tone(fill="#10294b", stroke="#4493f8"),
        Kind.WAITING: Tone(fill="#3a2b06", stroke="#d29922"),
        Kind.FAILED: Tone(fill="#451a1d", stroke="#f85149"),
        Kind.LEAVING: Tone(fill="#2e2050", stroke="#ab7df8"),
    },
)
