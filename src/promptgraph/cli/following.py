"""Following what is recorded, and writing calls to files."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from promptgraph.cli.call_rows import CONTENTS, NAMES, Names, cells_of, json_line, rows_of
from promptgraph.domain.call import LlmCall
from promptgraph.domain.call_asking import LlmCallFilter
from promptgraph.domain.canonical import JsonObject
from promptgraph.store.call_stream import Tail, calls_among, calls_in_order, newest_calls
from promptgraph.store.database import Database, Session

PAUSE_SECONDS = 0.5


async def follow(
    db: Database, wanted: LlmCallFilter, last: int, *, pause: float = PAUSE_SECONDS
) -> AsyncIterator[tuple[Session, list[LlmCall]]]:
    """The last calls, then those that are recorded from now on, each once, as they come; without end."""
    tail = Tail()
    async with db.read() as session:
        await tail.skip(session)
        if last:
            yield session, await newest_calls(session, wanted, last)
    while True:
        async with db.read() as session:
            async for ids in tail.calls(session):
                yield session, await calls_among(session, ids, wanted)
        await asyncio.sleep(pause)


async def export(session: Session, wanted: LlmCallFilter, out: IO[str], form: str, *, contents: bool) -> int:
    """How many calls were written, the oldest first, some in memory at a time."""
    with unwritable():
        write = FORMS[form](out, (*NAMES, *(CONTENTS if contents else ())))
    names, written = Names(), 0
    async for calls in calls_in_order(session, wanted):
        rows = await rows_of(session, calls, names, contents=contents)
        with unwritable():
            for row in rows:
                write(row)
        written += len(calls)
    return written


class UnwrittenError(Exception):
    """What the file or the pipe said. It passes the database's door, which takes an OSError for its own."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


@contextmanager
def unwritable() -> Iterator[None]:
    """raises  UnwrittenError  the body could not write"""
    try:
        yield
    except OSError as error:
        raise UnwrittenError(error) from error


def _ndjson(out: IO[str], _: tuple[str, ...]) -> Callable[[JsonObject], object]:
    return lambda row: out.write(json_line(row) + "\n")


def _csv(out: IO[str], names: tuple[str, ...]) -> Callable[[JsonObject], object]:
    table = csv.writer(out, lineterminator="\n")
    table.writerow(names)
    return lambda row: table.writerow(cells_of(row))


FORMS: Mapping[str, Callable[[IO[str], tuple[str, ...]], Callable[[JsonObject], object]]] = {
    "ndjson": _ndjson,
    "csv": _csv,
}
