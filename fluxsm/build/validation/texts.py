# SPDX-License-Identifier: Apache-2.0
"""Texts that the API server checks in every object: names, labels, annotations, quantities.

Each function returns what is allowed, as the rest of a sentence about the text, or nothing where
the text is fine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from fluxsm.build.validation.finding import Finding, Path, kind_of, show

LABEL_LIMIT: Final = 63
SUBDOMAIN_LIMIT: Final = 253
ANNOTATIONS_LIMIT: Final = 256 * 1024

_DNS_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_WORD: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_QUANTITY: Final = re.compile(
    r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+|[KMGTPE]i|[numkMGTPE])?"
)

_AMOUNT: Final = re.compile(r"(?P<number>[-+]?[0-9.]+)(?P<suffix>.*)")
_POWERS: Final = {
    "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18,
}  # fmt: skip

_HUGE: Final = 999


def dns_label(text: str) -> str:
    """A name such as those of namespaces."""
    if _DNS_LABEL.fullmatch(text) and len(text) <= LABEL_LIMIT:
        return ""
    return (
        "is not a DNS label (lower-case letters, digits and dashes, a letter or digit at both"
        f" ends, at most {LABEL_LIMIT} characters)"
    )


def dns_name(text: str, limit: int = SUBDOMAIN_LIMIT) -> str:
    """A name such as those of most objects."""
    if _SUBDOMAIN.fullmatch(text) and len(text) <= limit:
        return ""
    return (
        "is not a DNS name (lower-case letters, digits, dashes and dots, a letter or digit at both"
        f" ends, at most {limit} characters)"
    )


def quantity(text: str, example: str = "10Gi") -> str:
    """An amount such as `10Gi` or `100m`."""
    return "" if _QUANTITY.fullmatch(text) else f"is not a quantity such as {example}"


def amount(text: str) -> Decimal:
    """The number that a quantity stands for; exponents that nothing has are cut.

    Raises:
        ValueError: it is not a quantity.
    """
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a quantity")
    number, suffix = Decimal(match["number"]), match["suffix"]
    if suffix.endswith("i"):
        return number * Decimal(1024) ** ("KMGTPE".index(suffix[0]) + 1)
    if suffix[:1] in {"e", "E"} and len(suffix) > 1:
        return number.scaleb(max(-_HUGE, min(_HUGE, int(suffix[1:8]))))
    return number.scaleb(_POWERS[suffix])


def label_key(text: str) -> str:
    """The key of a label or an annotation."""
    prefix, slash, name = text.rpartition("/")
    fine = len(name) <= LABEL_LIMIT and _WORD.fullmatch(name)
    if fine and (not slash or not dns_name(prefix)):
        return ""
    return (
        "is not a key such as team or example.com/team (letters, digits, -, _ and ., at most"
        f" {LABEL_LIMIT} characters, after an optional DNS name and a slash)"
    )


def label_value(text: str) -> str:
    """The value of a label."""
    if not text or (_WORD.fullmatch(text) and len(text) <= LABEL_LIMIT):
        return ""
    return (
        "is not a label value (letters, digits, -, _ and ., a letter or digit at both ends, at"
        f" most {LABEL_LIMIT} characters); longer or freer texts go into an annotation"
    )


def check_labels(labels: Any, path: Path) -> Iterator[Finding]:
    """What is wrong with the labels at a path."""
    for key, value in _pairs(labels):
        if problem := label_key(key):
            yield Finding(path=path, text=f"has the key {show(key)}, which {problem}")
        if not isinstance(value, str):
            yield _not_text(value, (*path, key))
        elif problem := label_value(value):
            yield Finding(path=(*path, key), text=f"is {show(value)}, which {problem}")


def check_annotations(annotations: Any, path: Path) -> Iterator[Finding]:
    """What is wrong with the annotations at a path."""
    size = 0
    for key, value in _pairs(annotations):
        size += len(key.encode()) + len(str(value).encode())
        # The server compares keys of annotations without regard to case.
        if problem := label_key(key.lower()):
            yield Finding(path=path, text=f"has the key {show(key)}, which {problem}")
        if not isinstance(value, str):
            yield _not_text(value, (*path, key))
    if size > ANNOTATIONS_LIMIT:
        text = f"have {size:,} bytes together; allowed are {ANNOTATIONS_LIMIT:,}"
        yield Finding(path=path, text=text)


def _pairs(values: Any) -> Iterator[tuple[str, Any]]:
    yield from values.items() if isinstance(values, Mapping) else ()


def _not_text(value: Any, path: Path) -> Finding:
    """A number or boolean where text belongs; quotes make it text."""
    scalar = isinstance(value, bool | int | float)
    help_ = "; put it in quotes" if scalar else ""
    return Finding(path=path, text=f"is {show(value)}, {kind_of(value)}; text is expected{help_}")
