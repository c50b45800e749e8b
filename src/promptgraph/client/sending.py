"""Rows on their way to the server: one mutation for many, and what became of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from promptgraph.client.answers import SERVER, ServerAwayError, answered
from promptgraph.client.calls import CONTENTS, Kind, Recorded, Row, recorded_of, without_contents
from promptgraph.client.documents import RECORDING
from promptgraph.client.patience import Patience
from promptgraph.client.steps import Ask, Work
from promptgraph.domain.call import RecordStatus
from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.errors import InvalidInputError, PromptgraphError, TooManyRowsError

ONCE = Patience(tries=1)
MAX_FAILURES = 8


def request(kind: Kind, texts: Sequence[str]) -> Ask:
    """The request that sends these rows."""
    query = json.dumps(RECORDING[kind].document)
    return Ask(f'{{"query":{query},"variables":{{"input":[{",".join(texts)}]}}}}'.encode())


def sent(rows: Sequence[Row], patience: Patience) -> Work[list[Recorded]]:
    """What became of rows of one kind, in their order.

    raises  PromptgraphError  the server refused them as a whole
            ServerAwayError   it is out of reach; nothing is known to be stored
    """
    kind = rows[0].kind
    data = yield from answered(request(kind, [row.text for row in rows]), patience)
    return _results(kind, data, rows)


def _results(kind: Kind, data: JsonObject, rows: Sequence[Row]) -> list[Recorded]:
    payload = cast("dict[str, Any]", data.get(RECORDING[kind].field) or {})
    results = payload.get("results")
    if not isinstance(results, list) or len(results) != len(rows):
        raise ServerAwayError("The server answers another question than was asked; try again.")
    try:
        return [recorded_of(told, row) for told, row in zip(results, rows, strict=True)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ServerAwayError("The server's answer makes no sense; try again.") from error


def delivered(rows: Sequence[Row]) -> Work[list[Recorded]]:
    """What became of rows of one kind. A call whose contents the server refuses (too large, too deep, not to
    be stored) is sent without them: its `error` says why, whatever its status.

    raises  ServerAwayError, ForbiddenError  it takes no rows at all now: keep them
    """
    results = yield from _each_delivered(rows)
    refused = [place for place, result in enumerate(results) if _blames_contents(result)]
    if refused:
        bare = yield from _each_delivered([without_contents(rows[place]) for place in refused])
        for place, again in zip(refused, bare, strict=True):
            results[place] = replace(again, error=again.error or results[place].error)
    return results


def _blames_contents(result: Recorded) -> bool:
    error = result.error
    return isinstance(error, InvalidInputError) and (error.field or "").partition(".")[0] in CONTENTS


def _each_delivered(rows: Sequence[Row]) -> Work[list[Recorded]]:
    """What became of rows of one kind. Where the server refuses them whole, halves are sent, and halves of
    those, until the rows that it cannot take are alone: each of them is REJECTED. One that it fails on, for a
    reason of its own, has no status: it may be sent again.

    raises  ServerAwayError, ForbiddenError  it takes no rows at all now: keep them
    """
    try:
        return (yield from sent(rows, ONCE))
    except PromptgraphError as error:
        if not _blames_rows(error):
            raise
        yield from _takes_none(rows[0].kind)
        return (yield from _divided(rows, error, [MAX_FAILURES]))


def _blames_rows(error: PromptgraphError) -> bool:
    refused = isinstance(error, InvalidInputError | TooManyRowsError) and error.field != SERVER
    return refused or type(error) is PromptgraphError


def _takes_none(kind: Kind) -> Work[None]:
    """Nothing, if the server understands the mutation when it holds no rows: then the rows are to blame.

    raises  ServerAwayError  it does not
    """
    try:
        yield from answered(request(kind, ()), ONCE)
    except InvalidInputError as error:
        words = f"The server does not understand how this release records: {error}"
        raise ServerAwayError(words) from error


def _divided(rows: Sequence[Row], error: PromptgraphError, left: list[int]) -> Work[list[Recorded]]:
    """keys  left: how many more rows it may fail on, before it is the server that is to blame"""
    if len(rows) == 1:
        if isinstance(error, InvalidInputError | TooManyRowsError):
            return [Recorded(rows[0].call_id, RecordStatus.REJECTED, (), error)]
        left[0] -= 1
        if left[0] < 0:
            raise error
        return [Recorded(rows[0].call_id, None, (), error)]
    middle = len(rows) // 2
    made: list[Recorded] = []
    for half in (rows[:middle], rows[middle:]):
        try:
            made += yield from sent(half, ONCE)
        except PromptgraphError as again:
            if not _blames_rows(again):
                raise
            made += yield from _divided(half, again, left)
    return made
