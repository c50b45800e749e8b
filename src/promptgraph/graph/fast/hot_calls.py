"""Pages of calls, straight from rows: only the columns that are selected are read, and made parts of the
answer column by column.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate, chain, pairwise, zip_longest
from typing import Any, NamedTuple

from graphql.type.scalars import GRAPHQL_MAX_INT

from promptgraph.domain.call import NANO, CallStatus, ContentState, CostSource
from promptgraph.domain.call_asking import LlmCallFilter
from promptgraph.domain.names import global_id
from promptgraph.graph.call_inputs import call_filter
from promptgraph.graph.fast.batches import Batch, Planner
from promptgraph.graph.fast.batches import Rows as Written
from promptgraph.graph.fast.declared import Reading, declared
from promptgraph.graph.fast.deopt import DeoptError, Reason
from promptgraph.graph.fast.selection import TYPENAME, Place, Selected
from promptgraph.graph.fast.writing import objects
from promptgraph.graph.lists import CALLS
from promptgraph.graph.loaders import Context
from promptgraph.graph.remembered import Remembered
from promptgraph.store import call_texts
from promptgraph.store.call_owners import Kind
from promptgraph.store.call_pages import PLACE, Rows, call_rows
from promptgraph.store.direct import NotDirectError

Column = Sequence[Any]
Make = Callable[[Column], Column]
"""Makes parts of the answer of a column's values, as the driver gives them."""


class Leaf(NamedTuple):
    """A field of a call: the column that it is read from, and what is made of it."""

    column: str
    make: Make


def _same(column: Column) -> Column:
    return column


def _whole(column: Column) -> Column:
    """raises  DeoptError  a number is too large for GraphQL's Int"""
    if max(filter(None, column), default=0) > GRAPHQL_MAX_INT:
        raise DeoptError(Reason.ERROR)
    return column


def _milliseconds(column: Column) -> Column:
    return [None if us is None else us / 1000 for us in column]


def usd_text(nano_usd: int) -> str:
    """What `decimal_text(usd(nano_usd))` gives, for an amount that is not negative."""
    digits = f"{nano_usd:010d}"
    return f"{digits[:-9]}.{digits[-9:]}".rstrip("0").rstrip(".")


def _dollars(column: Column) -> Column:
    return [
        None if nano is None else f"0.{nano:09d}".rstrip("0") if 0 < nano < NANO else usd_text(nano)
        for nano in column
    ]


def _names(enum: type[StrEnum]) -> Make:
    names: dict[str | None, str | None] = {None: None, **{each.value: each.name for each in enum}}
    return lambda column: [names[value] for value in column]


def _global_ids(column: Column) -> Column:
    return [global_id("LlmCall", text) for text in call_texts.ids(column)]


_INSTANTS = ("started_at", "recorded_at")
_NUMBERS = (
    "attempt",
    "tool_call_count",
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_write_input_tokens",
    "reasoning_output_tokens",
)
_TEXTS = (
    "label",
    "environment",
    "operation",
    "provider",
    "model",
    "response_model",
    "response_id",
    "release",
    "error_type",
    "error_message",
    "conversation_id",
    "user_id",
    "trace_id",
    "span_id",
    "legacy_prompt_text",
)
LEAVES: Mapping[str, Leaf] = {
    **{name: Leaf(name, _same) for name in _TEXTS},
    **{name: Leaf(name, _whole) for name in _NUMBERS},
    **{name: Leaf(name, call_texts.instants) for name in _INSTANTS},
    "id": Leaf("id", call_texts.ids),
    "global_id": Leaf("id", _global_ids),
    "status": Leaf("status", _names(CallStatus)),
    "cost_source": Leaf("cost_source", _names(CostSource)),
    "content_state": Leaf("content_state", _names(ContentState)),
    "finish_reasons": Leaf("finish_reasons", call_texts.lists),
    "cost_usd": Leaf("cost_nano_usd", _dollars),
    "latency_ms": Leaf("latency_us", _milliseconds),
    "time_to_first_token_ms": Leaf("time_to_first_token_us", _milliseconds),
}
"""By the attribute of LlmCall that a field reads."""


class NotHereError(Exception):
    """Something is selected that is not read this way."""


@dataclass(frozen=True, slots=True)
class Found:
    """The pages of one run, a page for each parent: their rows begin with PLACE, then come `columns`."""

    pages: Sequence[Rows]
    columns: Sequence[str]
    counts: Sequence[int | None] | None = None

    def split(self, column: Sequence[Any]) -> list[Sequence[Any]]:
        """What belongs to each page of what there is for each row."""
        ends = list(accumulate((len(page.rows) for page in self.pages), initial=0))
        return [column[start:end] for start, end in pairwise(ends)]

    def cursors(self) -> list[str]:
        """A cursor for each row."""
        return [_cursor(row) for page in self.pages for row in page.rows]


Values = Callable[[Found], Sequence[Any]]
MOST_ROWS = 20_000
"""So many rows are remembered with what was made of them."""
_made: Remembered[Hashable, Sequence[Any]] = Remembered(MOST_ROWS)


class Nodes:
    """Makes objects of calls. Those of a page are remembered by its very rows: while none of them changes,
    and no call comes, nothing need be made.
    """

    def __init__(self, place: Place) -> None:
        """raises  NotHereError  a field is no column's"""
        self._leaves = [_leaf(each) for each in place.fields if each.name != TYPENAME]
        if not self._leaves:
            raise NotHereError
        self._objects = objects(place)

    @property
    def columns(self) -> set[str]:
        return {leaf.column for leaf in self._leaves}

    def pages(self, found: Found) -> list[Sequence[Any]]:
        """The objects of each page."""
        keys = [(self, tuple(page.rows)) for page in found.pages]
        made = [_made.get(key) for key in keys]
        missing = [at for at, objects_ in enumerate(made) if objects_ is None]
        if missing:
            some = Found([found.pages[at] for at in missing], found.columns)
            for at, page in zip(missing, some.split(self._of(some)), strict=True):
                made[at] = page
                _made.put(keys[at], page, 1 + len(page))
        return [page or [] for page in made]

    def rows(self, found: Found) -> list[Any]:
        """The objects of all pages, end to end."""
        return list(chain.from_iterable(self.pages(found)))

    def _of(self, found: Found) -> list[Any]:
        values = zip(*chain.from_iterable(page.rows for page in found.pages), strict=True)
        columns = dict(zip_longest((*PLACE, *found.columns), values, fillvalue=()))
        return self._objects(*(leaf.make(columns[leaf.column]) for leaf in self._leaves))


def _leaf(selected: Selected) -> Leaf:
    reading = declared(selected)
    leaf = LEAVES.get(reading.path) if isinstance(reading, Reading) else None
    if leaf is None:
        raise NotHereError
    return leaf


class Pages:
    """Makes connections: a column of values for each field that is selected."""

    def __init__(self, place: Place) -> None:
        """raises  NotHereError  something else than columns of calls is selected"""
        self.columns: set[str] = set()
        self.counts = "totalCount" in place.names
        self._values = [self._field(each) for each in place.fields if each.name != TYPENAME]
        if not self._values:
            raise NotHereError
        self._objects = objects(place)

    def __call__(self, found: Found) -> list[Any]:
        return self._objects(*(values(found) for values in self._values))

    def _field(self, selected: Selected) -> Values:
        if selected.name == "totalCount":
            return lambda found: found.counts or ()
        if selected.below is None:
            raise NotHereError
        if selected.name == "pageInfo":
            return _page_info(selected.below)
        return self._nodes(selected.below).pages if selected.name == "nodes" else self._edges(selected.below)

    def _nodes(self, place: Place) -> Nodes:
        nodes = Nodes(place)
        self.columns |= nodes.columns
        return nodes

    def _edges(self, place: Place) -> Values:
        fields = [each for each in place.fields if each.name != TYPENAME]
        if not fields:
            raise NotHereError
        made, values = objects(place), [self._end(each) for each in fields]
        return lambda found: found.split(made(*(each(found) for each in values)))

    def _end(self, selected: Selected) -> Values:
        if selected.name == "cursor":
            return Found.cursors
        if selected.below is None:
            raise NotHereError
        return self._nodes(selected.below).rows


_INFO: Mapping[str, Callable[[Rows], Any]] = {
    "hasNextPage": lambda page: page.has_next,
    "hasPreviousPage": lambda page: page.has_previous,
    "startCursor": lambda page: _cursor(page.rows[0]) if page.rows else None,
    "endCursor": lambda page: _cursor(page.rows[-1]) if page.rows else None,
}


def _page_info(place: Place) -> Values:
    def name(_: Rows) -> Any:
        return place.type

    fields: list[tuple[str, Callable[[Rows], Any]]] = [
        (each.key, _INFO.get(each.name, name)) for each in place.fields
    ]
    return lambda found: [{key: value(page) for key, value in fields} for page in found.pages]


def _cursor(row: Sequence[Any]) -> str:
    return CALLS.cursor(call_texts.point_of(*row[: len(PLACE)]))


# ---------------------------------------------------------------- the links


def calls_of(kind: Kind, counts: str) -> Planner:
    """The calls of a kind of owners; `counts` is the loader that counts all of one's."""

    def plan(place: Place, _: Written | None) -> Batch | None:
        try:
            pages = Pages(place)
        except NotHereError:
            return None
        columns = tuple(sorted(pages.columns - set(PLACE)))

        async def read(
            context: Context, parents: Sequence[Any], given: Mapping[str, Any]
        ) -> list[Any] | None:
            wanted, page = call_filter(given.get("filter"), context.at), given["page"].of(CALLS)
            owners = [parent.id for parent in parents]
            try:
                rows = await call_rows(context.db, kind, owners, page, wanted, columns)
            except NotDirectError:
                return None
            found = await _counted(context, counts, owners, wanted) if pages.counts else None
            return pages(Found(rows, columns, found))

        return Batch(read, shaped=True, words=(", ".join((*PLACE, *columns)),))

    return plan


async def _counted(
    context: Context, counts: str, owners: Sequence[int], wanted: LlmCallFilter
) -> Sequence[int | None]:
    loader = getattr(context.load, counts)
    found: list[int | None] = await asyncio.gather(*(loader.load((id_, wanted)) for id_ in owners))
    return found
