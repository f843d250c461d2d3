# SPDX-License-Identifier: Apache-2.0
"""Log lines: JSON for machines, plain text for people; neither with a login in it."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from fluxsm.objects.redaction import redact, redact_all


class JsonFormatter(logging.Formatter):
    """One JSON object per line: time, level, logger, message, and what `extra` adds."""

    _KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "taskName"}

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        line: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
        }
        extra = {k: v for k, v in vars(record).items() if k not in self._KNOWN}
        line.update({key.rstrip("_"): value for key, value in extra.items()})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(redact_all(line), default=lambda value: redact(str(value)))


class TextFormatter(logging.Formatter):
    """One line of plain text, with the traceback of an exception below it."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        return redact(super().format(record))
