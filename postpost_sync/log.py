"""The program's log: one line an event, as text with `key=value` or as JSON; nothing in it is secret or forges another line.

What is about a post carries its `folder`. The levels:

    error    a person has to do something: a post is invalid or failed, the program cannot go on, a defect of ours
    warning  something is wrong that passes by itself, or may: a retry, a root that is away, a clock
    info     what became of a post or a root
    debug    each step for a post, each answer from the network
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum

from postpost_sync.model.errors import printable
from postpost_sync.model.urls import scrubbed

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3}  # syslog's


# a job or a request that fails is told by these alone, with a trace of many lines
_TELLING = ("apscheduler", "uvicorn")


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Log:
    """Events with fields. Values are escaped, and cut where they carry a signature."""

    def __init__(self) -> None:
        self._logger = logging.getLogger("postpost_sync")

    def debug(self, event: str, **fields: object) -> None:
        self._log(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: object) -> None:
        self._log(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        self._log(logging.WARNING, event, fields)

    def error(self, event: str, **fields: object) -> None:
        self._log(logging.ERROR, event, fields)

    def defect(self, error: BaseException, **fields: object) -> None:
        """A mistake of ours: said with its place, in one line."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else "?"
        self.error("defect", **fields, what=f"{type(error).__name__}: {error}", where=where)

    def _log(self, level: int, event: str, fields: Mapping[str, object]) -> None:
        if self._logger.isEnabledFor(level):
            shown = {key: _shown(value) for key, value in fields.items() if value is not None}
            self._logger.log(level, "%s", _line(event, shown), extra={"event": event, "fields": shown})


def _shown(value: object) -> str | int | float:
    return value if isinstance(value, int | float) else scrubbed(value)


def _line(event: str, fields: Mapping[str, object]) -> str:
    return " ".join([event, *(f"{key}={_quoted(str(value))}" for key, value in fields.items())])


def _quoted(text: str) -> str:
    if text and not any(c in text for c in ' "=\\'):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).astimezone()  # people read it by their clock
        return f"{when:%Y-%m-%d %H:%M:%S}.{int(record.msecs):03} {record.levelname.lower():7} {record.getMessage()}"


class _JournalText(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return _prefix(record) + record.getMessage()


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return json.dumps({"time": when.replace("+00:00", "Z"), **_facts(record)})


class _JournalJson(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return _prefix(record) + json.dumps(_facts(record))


def _facts(record: logging.LogRecord) -> dict[str, object]:
    event, fields = getattr(record, "event", record.getMessage()), getattr(record, "fields", {})
    return {"level": record.levelname.lower(), "event": event, **fields}


def _prefix(record: logging.LogRecord) -> str:
    """journald keeps the time itself, and takes the priority from this, which it cuts off."""
    return f"<{_PRIORITIES.get(record.levelno, 6)}>"


def _to_stderr(line: str) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # it is broken, closed or None: nobody listens
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


class _Handler(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.write: Callable[[str], None] = _to_stderr

    def emit(self, record: logging.LogRecord) -> None:
        self.write(self.format(record))


class _FromLibrary(logging.Handler):
    """What a library has to say, as one event of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            Log().defect(error, said=record.getMessage())
        else:
            Log().warning("said", by=record.name, what=record.getMessage())


def silence() -> None:
    """No log at all."""
    logger = logging.getLogger("postpost_sync")
    logger.handlers[:] = [logging.NullHandler()]
    logger.propagate = False


def set_up(environ: Mapping[str, str], form: Format = Format.TEXT, level: Level = Level.INFO) -> None:
    """Log to stderr; what httpx and others say of themselves (whole URLs among it) stays out."""
    handler, journal = _Handler(), to_journal(environ)
    if form is Format.JSON:
        handler.setFormatter(_JournalJson() if journal else _Json())
    else:
        handler.setFormatter(_JournalText() if journal else _Text())
    logger = logging.getLogger("postpost_sync")
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
    for library in _TELLING:
        theirs = logging.getLogger(library)
        theirs.handlers[:] = [_FromLibrary(logging.WARNING)]
        theirs.propagate = False


@contextlib.contextmanager
def written_by(write: Callable[[str], None]) -> Iterator[None]:
    """Until it ends, each line goes through `write`: what draws on the terminal has to know of it."""
    handlers = [handler for handler in logging.getLogger("postpost_sync").handlers if isinstance(handler, _Handler)]
    for handler in handlers:
        handler.write = write
    try:
        yield
    finally:
        for handler in handlers:
            handler.write = _to_stderr


def last_words(message: str) -> None:
    """Why the program ends, for people; of an error's urgency in the journal."""
    prefix = f"<{_PRIORITIES[logging.ERROR]}>" if to_journal(os.environ) else ""
    for line in message.splitlines() or [""]:
        _to_stderr(f"{prefix}postpost-sync: {printable(line)}")


def to_journal(environ: Mapping[str, str]) -> bool:
    """Whether stderr is the journal's: JOURNAL_STREAM names its device and inode, and is inherited by what writes elsewhere."""
    try:
        there = os.fstat(2)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{there.st_dev}:{there.st_ino}"
