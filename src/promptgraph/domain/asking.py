"""What a reader may ask for: filters, orders, pages. All hashable, so that they can be keys."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, TypeVar

from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.names import checked_label

T = TypeVar("T")

DEFAULT_PAGE, MAX_PAGE = 20, 100
Position = tuple[str | int, ...]
"""Where a row stands in an order: the values of the order's columns, instants as text."""


@dataclass(frozen=True, slots=True)
class PageArgs:
    """At most `size` rows after `after` or before `before`. `backward`: the last rows rather than the first,
    in the same order.
    """

    size: int = DEFAULT_PAGE
    backward: bool = False
    after: Position | None = None
    before: Position | None = None

    @classmethod
    def of(
        cls,
        first: int | None = None,
        last: int | None = None,
        after: Position | None = None,
        before: Position | None = None,
    ) -> PageArgs:
        """raises  InvalidInputError  first and last together, or out of 0..100"""
        if first is not None and last is not None:
            raise InvalidInputError("Give first or last, not both.", field="first")
        field, size = ("last", last) if last is not None else ("first", first)
        if size is not None and not 0 <= size <= MAX_PAGE:
            raise InvalidInputError(f"{field} must be 0 to {MAX_PAGE}.", field=field)
        return cls(DEFAULT_PAGE if size is None else size, last is not None, after, before)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows in the list's order, and whether there are more on either side."""

    items: tuple[T, ...] = ()
    has_next: bool = False
    has_previous: bool = False


class Direction(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


class PromptOrderField(StrEnum):
    NAME = "NAME"
    CREATED_AT = "CREATED_AT"


@dataclass(frozen=True, slots=True)
class PromptOrder:
    field: PromptOrderField = PromptOrderField.NAME
    direction: Direction = Direction.ASC


@dataclass(frozen=True, slots=True)
class PromptFilter:
    """Which prompts. `retired`: False live, True retired only, None both. Without `label` and `all_versions`
    the latest version of each name counts.
    """

    name_in: tuple[str, ...] | None = None
    name_prefix: str | None = None
    tags_all: tuple[str, ...] | None = None
    label: str | None = None
    search: str | None = None
    retired: bool | None = False
    all_versions: bool = False

    def __post_init__(self) -> None:
        if self.label is not None:
            checked_label(self.label, field="filter.label")
            if self.all_versions:
                raise InvalidInputError("Give label or allVersions, not both.", field="filter.allVersions")

    def any_version(self) -> PromptFilter:
        """The same choice of names, whatever the version: what a list of families filters by."""
        return replace(self, all_versions=False)
