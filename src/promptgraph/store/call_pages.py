"""Pages of many owners' calls with the columns that somebody needs, values as the driver gives them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Select, select

from promptgraph.domain.asking import PageArgs
from promptgraph.domain.call_asking import ANY_TIME, LlmCallFilter
from promptgraph.store import call_texts
from promptgraph.store.call_filters import Conditions, call_conditions
from promptgraph.store.call_owners import (
    CALLS_ORDER,
    Excerpt,
    Kind,
    Owners,
    Place,
    first_calls,
    flags_of,
    others,
)
from promptgraph.store.call_tables import C, CallId
from promptgraph.store.database import Database
from promptgraph.store.direct import NotDirectError, Reader, Statement, Values, parameter
from promptgraph.store.keys import listed, storable
from promptgraph.store.paging import values_of
from promptgraph.store.records import P
from promptgraph.store.tables import PROMPTS, Id, Json, UtcDateTime

PLACE = ("started_at", "id")
"""The columns that every row begins with: where it stands in the list."""

_ELSEWHERE = ("prompts", "versions", "agents", "conversation_id", "user_id", "trace_id", "call_ids")
"""What is found by other means than a walk along an owner's calls, or differs from one reader to the next."""


class Rows(NamedTuple):
    """A page of calls as rows, in the list's order, and whether there are more on either side."""

    rows: Sequence[Sequence[Any]] = ()
    has_next: bool = False
    has_previous: bool = False


class _Question(NamedTuple):
    """What makes a statement: all but values."""

    kind: Kind
    columns: tuple[str, ...]
    wanted: LlmCallFilter
    since: bool
    until: bool
    after: bool
    before: bool
    backward: bool

    def conditions(self) -> Conditions:
        since = [C.started_at >= parameter("since", UtcDateTime())] if self.since else []
        until = [C.started_at < parameter("until", UtcDateTime())] if self.until else []
        return [*call_conditions(self.wanted), *since, *until]

    def excerpt(self) -> Excerpt:
        after, before = (
            _place(name) if given else None
            for name, given in (("after", self.after), ("before", self.before))
        )
        return Excerpt(parameter("limit", Integer()), self.backward, after, before)

    def owners(self) -> Owners:
        return Owners(self.kind, [listed(self.kind.parent, parameter("owners", Json))])

    def selected(self) -> list[ColumnElement[Any]]:
        return [call_texts.selected(name) for name in (*PLACE, *self.columns)]


def _place(name: str) -> Place:
    return [parameter(f"{name}_at", UtcDateTime()), parameter(f"{name}_id", CallId())]


async def call_rows(
    db: Database,
    kind: Kind,
    ids: Sequence[int],
    page: PageArgs,
    wanted: LlmCallFilter,
    columns: tuple[str, ...],
) -> list[Rows]:
    """A page per id, newest first, in the order of `ids`: PLACE, then `columns`.

    keys    `columns` of `llm_calls`
    cost    a statement, on SQLite one per owner; a second one where the page has a cursor
    raises  NotDirectError     calls are asked for by what no walk along an owner's calls finds
            InvalidInputError  a cursor's position does not fit
    """
    if any(getattr(wanted, name) is not None for name in _ELSEWHERE):
        raise NotDirectError
    window, owners = wanted.window, storable(ids)
    question = _Question(
        kind,
        columns,
        replace(wanted, window=ANY_TIME),
        since=window.since is not None,
        until=window.until is not None,
        after=page.after is not None,
        before=page.before is not None,
        backward=page.backward,
    )
    given = {"since": window.since, "until": window.until, "limit": page.size + 1, **_values(page)}
    cursor = question.after or question.before
    async with db.direct(one_state=cursor or db.dialect == "sqlite") as reader:
        found = await _FOUND[db.dialect](reader, question, owners, given)
        flags = {}
        if cursor:
            flags = flags_of(await reader.rows(_others(question), owners=owners, **given))
    return [_cut(found.get(id_, ()), page, *flags.get(id_, (False, False))) for id_ in ids]


def _values(page: PageArgs) -> dict[str, Any]:
    """The values of the cursors' parameters."""
    values: dict[str, Any] = {}
    for name, position in (("after", page.after), ("before", page.before)):
        if position is not None:
            values[f"{name}_at"], values[f"{name}_id"] = values_of(CALLS_ORDER, position, name)
    return values


async def _one_by_one(
    reader: Reader, question: _Question, owners: Sequence[int], given: Mapping[str, Any]
) -> Mapping[int, Values]:
    """A walk along the index for each owner: on SQLite the cheapest by far."""
    walk, by_version = _walk(question), question.kind.table is PROMPTS and question.kind.parent is P.family_id
    if not by_version:
        return {id_: await reader.rows(walk, owner=id_, **given) for id_ in owners}
    found: defaultdict[int, list[Sequence[Any]]] = defaultdict(list)
    for family, version in await reader.rows(_VERSIONS, owners=owners):
        found[family] += await reader.rows(walk, owner=version, **given)
    return _sorted(found, question)


async def _together(
    reader: Reader, question: _Question, owners: Sequence[int], given: Mapping[str, Any]
) -> Mapping[int, Values]:
    found: defaultdict[int, list[Sequence[Any]]] = defaultdict(list)
    for row in await reader.rows(_top(question), owners=owners, **given):
        found[row[0]].append(row[1:])
    return _sorted(found, question)


_FOUND = {"sqlite": _one_by_one, "postgresql": _together}


def _sorted(found: Mapping[int, list[Sequence[Any]]], question: _Question) -> Mapping[int, Values]:
    for rows in found.values():
        rows.sort(key=itemgetter(0, 1), reverse=not question.backward)
    return found


def _cut(found: Sequence[Sequence[Any]], page: PageArgs, earlier: bool, later: bool) -> Rows:  # noqa: FBT001  # flags
    """As `paging.cut`."""
    more, kept = len(found) > page.size, found[: page.size]
    if page.backward:
        return Rows(kept[::-1], has_next=later, has_previous=earlier or more)
    return Rows(kept, has_next=later or more, has_previous=earlier)


@lru_cache(maxsize=256)
def _walk(question: _Question) -> Statement:
    """The calls of one owner."""
    excerpt = question.excerpt()
    stmt = (
        select(*question.selected())
        .where(question.kind.column == parameter("owner", Id))
        .where(*question.conditions(), *excerpt.inside)
        .order_by(*excerpt.order)
        .limit(excerpt.limit)
    )
    return Statement(lambda _: stmt)


@lru_cache(maxsize=256)
def _top(question: _Question) -> Statement:
    return Statement(
        lambda dialect: first_calls(
            dialect, question.owners(), question.conditions(), question.excerpt(), question.selected()
        )
    )


@lru_cache(maxsize=256)
def _others(question: _Question) -> Statement:
    return Statement(lambda _: others(question.owners(), question.conditions(), question.excerpt()))


def _versions(_: str) -> Select[*tuple[Any, ...]]:
    return select(P.family_id, P.id).where(listed(P.family_id, parameter("owners", Json)))


_VERSIONS = Statement(_versions)
