"""The SQL that all databases of docs/scale.md share: what no statement may use that PostgreSQL is sent.
Migrations alone may, for they run on PostgreSQL itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Dialect, Engine, event
from sqlalchemy.pool import NullPool

from promptgraph.store.direct import Statement, Text

_TOKENS = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?\*/)
    |(?P<text>[eE]?'(?:[^']|'')*'|(?P<dollar>\$\w*\$).*?(?P=dollar))
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<word>[A-Za-z_]\w*)
    |(?P<other>\$\d+|\d+|\S)""",
    re.DOTALL | re.VERBOSE,
)
"""Enough of SQL's own rules to tell a word from what is only quoted."""
FORBIDDEN: Mapping[str, str] = {
    "sequence": r"\b(NEXTVAL|CURRVAL|SETVAL|LASTVAL|(SMALL|BIG)?SERIAL|CREATE SEQUENCE|AS IDENTITY)\b",
    "notification": r"\b(LISTEN|UNLISTEN|NOTIFY|PG_NOTIFY)\b",
    "trigger, function or rule": r"^CREATE (\w+ ){0,3}(TRIGGER|FUNCTION|PROCEDURE|RULE)\b|^DO\b",
    "exclusion constraint": r"\bEXCLUDE (USING|\()",
    "deferrable constraint": r"\bDEFERRABLE\b|\bSET CONSTRAINTS\b",
    "table lock": r"^LOCK\b",
    "row lock that others lack": r"\bFOR KEY SHARE\b|\bNOWAIT\b",
    "advisory lock": r"\bPG_(TRY_)?ADVISORY\w*",
    "data-modifying CTE": r"(\bAS (\w+ ){0,2}\(|^WITH\b.*\)) (INSERT|UPDATE|DELETE|MERGE)\b",
    "upsert by anything but an id": r'\bON CONFLICT (?!\( ("id"|ID) \) DO NOTHING)|^MERGE\b',
    # but for the walk along each owner's calls, of which docs/scale.md tells
    "lateral join": r"\bLATERAL\b(?!.*\) AS CALLS ON TRUE\b)",
    "DISTINCT ON": r"\bDISTINCT ON\b",
    "state of a session": r"^(SET (?!LOCAL)|RESET|DISCARD|PREPARE|DEALLOCATE)\b|\b(HOLD|TEMP|TEMPORARY)\b",
    "column of the system": r"\b(CTID|XMIN|XMAX|TABLEOID)\b",
    "COPY": r"^COPY\b",
}
_checked = {"LOCK TABLE llm_calls"}
"""What nobody looks at again; that one is the tests' own, to be in somebody's way."""
_found: list[str] = []


def beyond(statement: str) -> list[str]:
    """What a statement uses of it."""
    plain = " ".join(_words(statement))
    return [name for name, pattern in FORBIDDEN.items() if re.search(pattern, plain)]


def _words(statement: str) -> Iterator[str]:
    for token in _TOKENS.finditer(statement):
        if token["word"]:
            yield token["word"].upper()
        elif token["text"]:
            yield "''"
        elif not token["comment"]:
            yield token[0]


def _check(statement: str) -> None:
    if statement not in _checked:
        _checked.add(statement)
        _found.extend(f"{name}: {' '.join(statement.split())}" for name in beyond(statement))


def _sent(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
    if connection.dialect.name == "postgresql" and not isinstance(connection.engine.pool, NullPool):
        _check(statement)


@contextmanager
def watched() -> Iterator[None]:
    """Inside, every statement is looked at, whoever sends it in whatever way."""
    compiled = Statement.on

    def on(statement: Statement, dialect: Dialect) -> Text:
        text = compiled(statement, dialect)
        if dialect.name == "postgresql":
            _check(text.sql)
        return text

    Statement.on = on  # type: ignore[method-assign, assignment]  # no event tells of these
    event.listen(Engine, "before_cursor_execute", _sent)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", _sent)
        Statement.on = compiled  # type: ignore[method-assign]  # as above


def taken() -> list[str]:
    """What was found since somebody looked."""
    found = list(_found)
    _found.clear()
    return found
