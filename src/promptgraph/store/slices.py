"""Pages of lists in memory: what `paging` answers, of rows that are there already, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, TypeVar

from promptgraph.domain.asking import Page, PageArgs
from promptgraph.store.paging import Order, cut, values_of

T = TypeVar("T")


def sliced(rows: Sequence[T], order: Order, page: PageArgs) -> Page[T]:
    """One page of `rows`, which are in `order`.

    cost    a copy of the page; the logarithm of the number of rows for a cursor
    raises  InvalidInputError  a cursor's position does not fit `order`
    """
    low, high = 0, len(rows)
    if page.after is not None:
        low = _place(rows, order, values_of(order, page.after, "after"), beyond=True)
    if page.before is not None:
        high = _place(rows, order, values_of(order, page.before, "before"), beyond=False)
    if page.backward:
        nearest = list(rows[max(low, high - page.size - 1) : high])[::-1]
    else:
        nearest = list(rows[low : min(high, low + page.size + 1)])
    return cut(page, nearest, earlier=low > 0, later=high < len(rows))


def _place(rows: Sequence[Any], order: Order, values: Sequence[Any], *, beyond: bool) -> int:
    """How many rows stand before a position; `beyond`: or at it."""
    terms = [(attrgetter(term.attribute), term.descending, v) for term, v in zip(order, values, strict=True)]
    low, high = 0, len(rows)
    while low < high:
        middle = (low + high) // 2
        row = rows[middle]
        before = beyond
        for value_in, descending, value in terms:
            if (mine := value_in(row)) != value:
                before = (mine < value) is not descending
                break
        if before:
            low = middle + 1
        else:
            high = middle
    return low
