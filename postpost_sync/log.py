"""The program's log: one line an event, `key=value`, nothing in it that is secret or could forge another line."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping

from postpost_sync.urls import scrubbed

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class Log:
    """Events with fields. Values are escaped, and cut where they carry a signature."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger("postpost_sync")

    def info(self, event: str, **fields: object) -> None:
        self._logger.info(_line(event, fields))

    def warning(self, event: str, **fields: object) -> None:
        self._logger.warning(_line(event, fields))

    def error(self, event: str, **fields: object) -> None:
        self._logger.error(_line(event, fields))

    def defect(self, error: BaseException, **fields: object) -> None:
        """A mistake of ours: said with its place, in one line."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else "?"
        self.error("defect", **fields, what=f"{type(error).__name__}: {error}", where=where)


def _line(event: str, fields: Mapping[str, object]) -> str:
    return " ".join([event, *(f"{key}={_value(value)}" for key, value in fields.items() if value is not None)])


def _value(value: object) -> str:
    text = scrubbed(value)
    if text and not any(c in text for c in ' "=\\'):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Journal(logging.Formatter):
    """journald keeps the time and reads the priority from the prefix."""

    def format(self, record: logging.LogRecord) -> str:
        return f"<{_PRIORITIES.get(record.levelno, 6)}>{record.getMessage()}"


def silence() -> None:
    """No log at all."""
    logger = logging.getLogger("postpost_sync")
    logger.handlers[:] = [logging.NullHandler()]
    logger.propagate = False


def set_up(environ: Mapping[str, str]) -> None:
    """Log to stderr; what httpx and others say of themselves (whole URLs among it) stays out."""
    handler = logging.StreamHandler(sys.stderr)
    journal = "JOURNAL_STREAM" in environ
    handler.setFormatter(_Journal() if journal else logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    logger = logging.getLogger("postpost_sync")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
