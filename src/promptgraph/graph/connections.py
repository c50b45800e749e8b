"""The types of every list in pages. One generic declaration; the SDL has one set for each kind of node."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from strawberry import Parent

from promptgraph.graph.field import attribute, resolved, shape
from promptgraph.graph.paging import Listed
from promptgraph.graph.scalars import BigInt

T = TypeVar("T")
Rows = Parent[Listed[Any]]


def nodes(root: Rows) -> Any:
    """The page's items."""
    return root.page.items


def page_info(root: Rows) -> Any:
    """Where this page stands in the list."""
    return root


def has_next_page(root: Rows) -> bool:
    """Whether there is more after this page."""
    return root.page.has_next


def has_previous_page(root: Rows) -> bool:
    """Whether there is more before this page."""
    return root.page.has_previous


def start_cursor(root: Rows) -> str | None:
    """The first item's cursor; null on an empty page."""
    return root.listing.cursor(root.page.items[0]) if root.page.items else None


def end_cursor(root: Rows) -> str | None:
    """The last item's cursor; null on an empty page."""
    return root.listing.cursor(root.page.items[-1]) if root.page.items else None


async def total_count(root: Rows) -> int | None:
    """All items of the list, pages aside. Counted only when asked for; null where they are too many."""
    return await root.count()


@shape
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool = resolved(has_next_page)
    has_previous_page: bool = resolved(has_previous_page)
    start_cursor: str | None = resolved(start_cursor)
    end_cursor: str | None = resolved(end_cursor)


@shape
class Edge(Generic[T]):
    """An item of a list, with its place."""

    cursor: str = attribute("The item's place in the list, opaque: for `after` and `before`.")
    node: T = attribute("The item.")


@shape
class Connection(Generic[T]):
    """A page of a list."""

    edges: list[Edge[T]] = attribute("The page's items, each with its cursor.")
    nodes: list[T] = resolved(nodes)
    page_info: PageInfo = resolved(page_info)
    total_count: BigInt | None = resolved(total_count, cost=10)
