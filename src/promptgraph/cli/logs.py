"""The log: one line for each message, as text or as JSON, on stderr.

No line holds a variable, a document or a key: messages are our own sentences, and of an error that nobody
foresaw only its kind is written, and where it came from; what it says may quote a value.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import traceback
from types import TracebackType
from typing import Any, TypeAlias

from promptgraph.cli.output import line
from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.domain.visit import CURRENT, Visit

_Problem: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


class OneLine(logging.Formatter):
    """A message takes one line, whatever names it repeats, with the id of the request that it is about; where
    an error came from follows below it.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        record.message = _message(record)
        said, request_id = super().formatMessage(record), facts(visit_of(record)).get("request_id")
        return f"{said} (request {request_id})" if request_id else said

    def formatException(self, ei: _Problem) -> str:  # noqa: N802  # logging's name
        return "" if ei[1] is None else origin(ei[1])


class JsonLine(logging.Formatter):
    """A message is an object, with what is known of the request that it is about."""

    def format(self, record: logging.LogRecord) -> str:
        at = dt.datetime.fromtimestamp(record.created, dt.UTC)
        said: dict[str, Any] = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **facts(visit_of(record)),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            said["error"] = origin(record.exc_info[1])
        return json.dumps(said, ensure_ascii=False)


def _message(record: logging.LogRecord) -> str:
    """What is said. What follows a line end quotes the error behind it, in asyncio's own messages."""
    record.message = record.getMessage()
    return line(record.message if record.name != "asyncio" else record.message.partition("\n")[0])


def visit_of(record: logging.LogRecord) -> Visit:
    """The request that a message is about."""
    visit: Visit = getattr(record, "visit", None) or CURRENT.get()
    return visit


def facts(visit: Visit) -> dict[str, str]:
    """What is known of a request, as far as it is known."""
    if not visit.request_id:
        return {}
    known = {
        "request_id": visit.request_id.decode("ascii"),
        "operation": visit.operation,
        "key": visit.key,
        "user": visit.user,
    }
    return {name: value for name, value in known.items() if value}


def origin(error: BaseException) -> str:
    """Where an error came from, and those that it came of, the first one first; what they
    say only where it is about the database alone."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    earlier = f"{origin(before)}\n" if before is not None else ""
    frames = "".join(traceback.format_tb(error.__traceback__))
    words = f": {error}" if isinstance(error, StoreUnavailableError) else ""
    return f"{earlier}{frames}{type(error).__qualname__}{words}"


FORMATS: dict[str, dict[str, Any]] = {
    "text": {"()": OneLine, "format": "%(levelname)s %(name)s: %(message)s"},
    "json": {"()": JsonLine},
}
ACCESS = "promptgraph.access"


def log_config(level: str, form: str = "text") -> dict[str, Any]:
    """One log on stderr. uvicorn's own steps are for whoever looks for a fault: it says less than we do; what
    it says below that repeats what clients send. In JSON each request has a line, in text with `debug`.
    """
    quiet = "INFO" if level == "debug" else "WARNING"
    heard = level.upper() if form == "json" or level == "debug" else "WARNING"
    own = {"handlers": ["stderr"], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": FORMATS[form]},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "promptgraph": {**own, "level": level.upper()},
            ACCESS: {"level": heard},
            "uvicorn": {**own, "level": quiet},
        },
    }
