"""Cells of the rollups added up: numbers by the database, histograms and scores here."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import ColumnElement, Integer, case, func, literal_column, or_, select, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from promptgraph.domain.cells import NOBODY, Level, Scope
from promptgraph.domain.cover import Periods
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.figures import SUMS, Figures
from promptgraph.domain.histogram import Histogram
from promptgraph.domain.measures import INT64, MEASURE, Kind
from promptgraph.store.call_tables import ROLLUP_STATE, U
from promptgraph.store.database import Session
from promptgraph.store.keys import among
from promptgraph.store.paging import Rows

MANY_RANGES = 8
"""More ranges of periods than that are asked for one by one: as a list."""
FIRST = -(2**30)
"""Before every period."""

Key: TypeAlias = tuple[int | str, ...]

GENERATION = select(ROLLUP_STATE.c.generation).scalar_subquery()
"""The generation that is read."""


class Cells(NamedTuple):
    """Which cells: those of a scope, at these periods of each level, with these values of its columns."""

    scope: Scope
    periods: Mapping[Level, Sequence[Periods]]
    where: Mapping[str, frozenset[int | str]]


class exact_sum(FunctionElement[Any]):  # noqa: N801  # an SQL function
    """A sum that does not overflow."""

    inherit_cache = True
    name = "exact_sum"


class all_bytes(FunctionElement[Any]):  # noqa: N801  # an SQL function
    """The values that are not empty."""

    inherit_cache = True
    name = "all_bytes"


class all_texts(FunctionElement[Any]):  # noqa: N801  # an SQL function
    """The values that are not empty."""

    inherit_cache = True
    name = "all_texts"


# halves of 32 bits, each of which adds up in 64; PostgreSQL's sum of 64 bits has no bound
_SQL: Mapping[type[FunctionElement[Any]], Mapping[str, str]] = {
    exact_sum: {
        "sqlite": "printf('%d %d', sum({0} >> 32), sum({0} & 4294967295))",
        "postgresql": "sum({0})",
    },
    all_bytes: {
        "sqlite": "group_concat(CASE WHEN {0} <> x'' THEN hex({0}) END, ' ')",
        "postgresql": "array_agg({0}) FILTER (WHERE {0} <> '')",
    },
    all_texts: {
        "sqlite": "group_concat(nullif({0}, ''), char(10))",
        "postgresql": "array_agg({0}) FILTER (WHERE {0} <> '')",
    },
}


def _compiled(element: FunctionElement[Any], compiler: Any, **kw: Any) -> str:
    form = _SQL[type(element)][compiler.dialect.name]
    return form.format(compiler.process(element.clauses, **kw))


for _function in _SQL:
    compiles(_function, "sqlite", "postgresql")(_compiled)


def whole(value: Any) -> int:
    """What `exact_sum` gives."""
    if isinstance(value, str):
        high, low = map(int, value.split())
        return (high << 32) + low
    return int(value)


def _histogram(value: Any) -> Histogram:
    made = Histogram()
    parts = map(bytes.fromhex, value.split(" ")) if isinstance(value, str) else value or ()
    for part in parts:
        made.merge(Histogram.from_bytes(part))
    return made


def _scores(value: Any) -> Figures:
    made = Figures.blank(["scores"])
    for text in value.split("\n") if isinstance(value, str) else value or ():
        made.add(Figures.of_values(["scores"], [text]))
    return made


_AGGREGATE: Mapping[Kind, Any] = {
    Kind.SUM: exact_sum,
    Kind.MAX: func.max,
    Kind.MIN: func.min,
    Kind.HISTOGRAM: all_bytes,
    Kind.SCORES: all_texts,
}
_READ: Mapping[Kind, Any] = {
    Kind.SUM: whole,
    Kind.MAX: int,
    Kind.MIN: int,
    Kind.HISTOGRAM: _histogram,
    Kind.SCORES: _scores,
}


async def cell_sums(
    session: Session, cells: Cells, by: Sequence[str], measures: Sequence[str]
) -> list[tuple[Key, Figures]]:
    """These measures of the cells, by the columns `by`; a key may come more than once.

    keys    dimensions of the scope, `level` and `period`
    cost    one statement, none where no cell is asked for
    raises  InvalidRollupError  a stored value is damaged
            InvalidInputError   a sum of one cell passes 64 bits
    """
    parts = [
        _part(cells, level, ranges, by, measures)
        for level, all_ranges in cells.periods.items()
        for ranges in _bundles(all_ranges)
    ]
    if not parts:
        return []
    return added(
        (await session.execute(union_all(*parts) if len(parts) > 1 else parts[0])).all(), by, measures
    )


def added(
    rows: Sequence[Sequence[Any]], by: Sequence[str], measures: Sequence[str]
) -> list[tuple[Key, Figures]]:
    """What rows of `part` say.

    raises  InvalidRollupError, InvalidInputError  as `cell_sums`
    """
    if any(row[-1] for row in rows):
        raise InvalidInputError(_TOO_LARGE, field="window")
    return [(tuple(row[: len(by)]), _figures(measures, row[len(by) : -1])) for row in rows]


_TOO_LARGE = "A sum of these calls passes 64 bits, and is not counted exactly: ask for a shorter window."


def _bundles(ranges: Sequence[Periods]) -> list[Sequence[Periods]]:
    """Ranges that are asked for one by one, for each is a walk along the index; many are one list."""
    return [[each] for each in ranges] if len(ranges) <= MANY_RANGES else [ranges]


def _part(
    cells: Cells, level: Level, ranges: Sequence[Periods], by: Sequence[str], measures: Sequence[str]
) -> Rows:
    within = [*(among(U[name], sorted(values)) for name, values in cells.where.items()), *_within(ranges)]
    return part(cells.scope, level, cells.where, within, by, measures)


def part(
    scope: Scope,
    level: Level,
    narrowed: Container[str],
    within: Sequence[ColumnElement[bool]],
    by: Sequence[str],
    measures: Sequence[str],
) -> Rows:
    """The cells of a scope and level that are `within`, added up: the columns `by`, the measures, and 1 where
    a sum is at its bound; no row for no cell.

    keys  narrowed: the columns that `within` asks for values of
    """
    columns = [_column(name, level) for name in by]
    figures = [_AGGREGATE[MEASURE[name].kind](U[name]) for name in measures]
    # scope and level stand in the text itself, for partial indexes to be found
    where = [
        U.generation == GENERATION,
        U.scope == literal_number(scope),
        U.level == literal_number(level),
    ]
    if scope >= Scope.AGENT:
        where.append(U.scope >= literal_number(Scope.AGENT))
    elif "prompt_id" not in narrowed:
        where += [U.prompt_id == NOBODY] if scope in {Scope.ALL, Scope.MODEL} else []
    rows = select(*columns, *figures, _at_bound(measures)).where(*where, *within)
    # by the generation too, which is one: without any column there would be a row for no cell
    return rows.group_by(U.generation, *(U[name] for name in by if name != "level"))


def _at_bound(measures: Sequence[str]) -> ColumnElement[Any]:
    """1 where a cell keeps a sum at the bound of 64 bits: what it is beyond, nobody knows."""
    reached = [U[name] == literal_number(INT64) for name in measures if name in SUMS]
    return func.max(case((or_(*reached), 1), else_=0)) if reached else literal_number(0)


def _column(name: str, level: Level) -> ColumnElement[Any]:
    return literal_number(level) if name == "level" else U[name]


def literal_number(number: int) -> ColumnElement[int]:
    """A number that stands in the statement's own text."""
    return literal_column(str(int(number)), Integer)


def _within(ranges: Sequence[Periods]) -> list[ColumnElement[bool]]:
    if len(ranges) == 1:
        since, until = ranges[0]
        # without a bound SQLite would not go down the index to the owner, but read all cells of the scope
        from_ = [U.period >= (FIRST if since is None else since)]
        return from_ if until is None else [*from_, U.period < until]
    periods = [period for since, until in ranges for period in range(since or 0, until or 0)]
    return [among(U.period, periods)]


def _figures(measures: Sequence[str], values: Sequence[Any]) -> Figures:
    made = Figures({}, {}, None)
    for name, value in zip(measures, values, strict=True):
        kind = MEASURE[name].kind
        read = _READ[kind](value)
        if kind is Kind.HISTOGRAM:
            made.histograms[name] = read
        elif kind is Kind.SCORES:
            made.tallies = read.scores
        else:
            made.numbers[name] = read
    return made
