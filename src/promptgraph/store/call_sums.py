"""Single calls added up by the database, as `rollup_sums` does with cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal_column, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from promptgraph.domain.cells import NOBODY, NOTHING
from promptgraph.domain.figures import HISTOGRAMS, SUMS, Figures
from promptgraph.domain.measures import MEASURE, Kind
from promptgraph.store.call_tables import LLM_CALLS, C
from promptgraph.store.paging import Rows
from promptgraph.store.rollup_sums import literal_number


class micros(FunctionElement[Any]):  # noqa: N801  # an SQL function
    """An instant in microseconds since 1970."""

    inherit_cache = True
    name = "micros"


class all_numbers(FunctionElement[Any]):  # noqa: N801  # an SQL function
    """The values that are not null."""

    inherit_cache = True
    name = "all_numbers"


_SPELLED = {
    # the fraction apart, for strftime rounds
    ("micros", "sqlite"): (
        "(CAST(strftime('%s', substr({0}, 1, 19)) AS INTEGER) * 1000000 + CAST(substr({0}, 21) AS INTEGER))"
    ),
    ("micros", "postgresql"): "CAST(extract(epoch FROM {0}) * 1000000 AS bigint)",
    ("all_numbers", "sqlite"): "group_concat({0})",
    ("all_numbers", "postgresql"): "array_agg({0}) FILTER (WHERE {0} IS NOT NULL)",
}


@compiles(micros)
@compiles(all_numbers)
def _spelled(element: FunctionElement[Any], compiler: Any, **kw: Any) -> str:
    form = _SPELLED[element.name, compiler.dialect.name]
    return form.format(compiler.process(element.clauses, **kw))


def _one_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


_OK = C.status == "OK"


def _timed(name: str) -> dict[str, ColumnElement[Any]]:
    column = C[f"{name}_us"]
    value = case((_OK, column))
    return {
        f"{name}_calls": _one_if(and_(_OK, column.is_not(None))),
        f"{name}_us": case((_OK, column), else_=0),
        f"{name}_max_us": value,
        f"{name}_histogram": value,
    }


TAKEN: Mapping[str, ColumnElement[Any]] = {
    **{name: C[name] for name in SUMS if name in C},
    "calls": literal_number(1),
    "errors": _one_if(C.status != "OK"),
    "unlinked_calls": _one_if(C.prompt_id.is_(None)),
    "unpriced_calls": _one_if(C.cost_nano_usd.is_(None)),
    **_timed("latency"),
    **_timed("time_to_first_token"),
    "first_call_us": C.started_at,
    "last_call_us": C.started_at,
}
"""What each call has of a measure: `Measure.take` as SQL says it. Nobody takes scores, they come later."""

_KEPT: Mapping[str, ColumnElement[Any]] = {
    **{name: C[name] for name in ("model", "environment")},
    "prompt_id": func.coalesce(C.prompt_id, literal_number(NOBODY)),
    "agent_id": func.coalesce(C.agent_id, literal_number(NOBODY)),
    "provider": func.coalesce(C.provider, literal_column(f"'{NOTHING}'")),
}
"""Columns of calls as cells have them."""


def _aggregate(name: str) -> ColumnElement[Any]:
    taken, kind = TAKEN[name], MEASURE[name].kind
    if kind is Kind.SUM:
        return func.sum(taken)
    if kind is Kind.HISTOGRAM:
        return all_numbers(taken)
    found: ColumnElement[Any] = func.max(taken) if kind is Kind.MAX else func.min(taken)
    return micros(found) if taken is C.started_at else found


def kept(by: Sequence[str]) -> list[ColumnElement[Any]]:
    """These dimensions of a call."""
    return [_KEPT[name] for name in by]


def sums(by: Sequence[str], measures: Sequence[str], *, placed: bool) -> Rows:
    """The dimensions `by`, these measures but for scores, and how many calls there are: a row for each
    combination, and with `placed` for each instant, which comes first. 900 000 calls at the bounds of what a
    call may say fit into a sum.
    """
    keys = [*([micros(C.started_at)] if placed else ()), *kept(by)]
    figures = [_aggregate(name) for name in measures if name in TAKEN]
    return select(*keys, *figures, func.count()).select_from(LLM_CALLS).group_by(*keys)


def figures_of(measures: Sequence[str], values: Sequence[Any]) -> Figures:
    """What a row of `sums` says: its values after the keys."""
    made = Figures.blank(measures)
    for name, value in zip((name for name in measures if name in TAKEN), values, strict=False):
        if value is None:
            continue
        if name in HISTOGRAMS:
            samples = Counter(map(int, value.split(",")) if isinstance(value, str) else value)
            for sample, count in samples.items():
                made.histograms[name].add(sample, count)
        else:
            made.numbers[name] = int(value)
    return made
