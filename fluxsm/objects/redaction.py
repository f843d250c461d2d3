# SPDX-License-Identifier: Apache-2.0
"""Take credentials out of text before it leaves the process.

Whatever is printed, logged, sent or written to a status passes through `redact` at the edge: what
is inside the process, such as the URL that is really pulled from, keeps what it needs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

MARK: Final = "***"
"""Stands for what was taken out."""

# `ssh://git@host` names an account that is no secret; every other user may be a token.
_SSH_USER: Final = re.compile(r"(?i)ssh://[A-Za-z][\w.-]*@")
_URL: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<rest>[^\s\"'<>`]+)")
_PORT: Final = re.compile(r"[^:@/?#]*(:[0-9]*)?|\[[0-9A-Fa-f:.]+\](:[0-9]*)?")
# A login that a careless hand wrote into a URL, with blanks or slashes in the password.
_ODD_LOGIN: Final = re.compile(
    r"://(?!\[)[^\s/@:\"'*]+:(?![0-9]*(?:[\s/?#\"',;]|$))[^@\"'\n]{1,200}@(?!sha\d+:)"
)
# A login without a scheme; `name:tag@sha256:...` is an image.
_LOGIN: Final = re.compile(
    r"(?<![\w.-])[\w.+-]+:(?!//|\*{3}@)[^\s/@\"'<>:]+@(?!sha\d+:)(?=[\w-]+[.:/\w-])"
)
_HEADER: Final = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}")
_PAIR: Final = re.compile(
    r"(?i)(?P<key>(?<![A-Za-z])(?:[\w-]*(?:token|password|passwd|secret[_-]?key|access[_-]?key"
    r"|api[_-]?key|client[_-]?secret|signature)|sig|x-amz-credential))"
    r"(?P<sign>=|\"\s*:\s*\")(?P<value>[^\s&\"'<>;,]+)"
)
_KEY: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL
)
_TOKEN: Final = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abp]-[\w-]{10,}"
    r"|AKIA[A-Z0-9]{16}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*)"
)


def redact(text: str) -> str:
    """A text without logins in URLs, passwords, tokens and private keys."""
    if "PRIVATE KEY" in text:
        text = _KEY.sub(MARK, text)
    if "://" in text:
        text = _ODD_LOGIN.sub(f"://{MARK}@", _URL.sub(_without_login, text))
    if "@" in text:
        text = _LOGIN.sub(f"{MARK}@", text)
    text = _HEADER.sub(rf"\1 {MARK}", text)
    text = _PAIR.sub(rf"\g<key>\g<sign>{MARK}", text)
    return _TOKEN.sub(MARK, text)


def redact_all(value: Any) -> Any:
    """JSON-like data with every text in it redacted, keys included."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(str(key)): redact_all(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_all(item) for item in value]
    return value


def has_login(url: str) -> bool:
    """Whether a URL, or an address without a scheme, has a login that is redacted."""
    return redact(url) != url


def _without_login(match: re.Match[str]) -> str:
    whole, rest = match[0], match["rest"]
    if _SSH_USER.match(whole) and rest.count("@") == 1:
        return whole
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        return f"{match['scheme']}{MARK}@{authority.rpartition('@')[2]}{rest[len(authority) :]}"
    if not _PORT.fullmatch(authority) and "@" in rest:
        # A password with a slash in it ends at the last @.
        return f"{match['scheme']}{MARK}@{rest.rpartition('@')[2]}"
    return whole
