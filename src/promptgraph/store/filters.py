"""Which families a reader's filter lets through: the predicates as SQL, the same as tests of a family in
memory, and the text that a search reads.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, and_, false

from promptgraph.domain.asking import PromptFilter
from promptgraph.domain.errors import TooManyRowsError
from promptgraph.domain.prompt import PromptFamily
from promptgraph.store.keys import holds_any
from promptgraph.store.tables import FAMILIES

T = TypeVar("T")

MAX_NAMES, MAX_TAGS = 1000, 32
MAX_SEARCH_BYTES = 10_000
LAST_CHARACTER = "\U0010ffff"


class Searchable(NamedTuple):
    """A family, and what a search of it looks through."""

    family: PromptFamily
    text: str


Test: TypeAlias = Callable[[Searchable], bool]


def folded(text: str) -> str:
    """`text` as searches compare it: without case, in one normal form."""
    return unicodedata.normalize("NFC", text.casefold())


def search_text(name: str, description: str | None, tags: Sequence[str]) -> str:
    """What a search looks through: one line for each of name, description and tags."""
    return folded("\n".join((name, description or "", *tags)))


def _few_names(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(names) > MAX_NAMES:
        raise TooManyRowsError(
            f"filter.nameIn may hold at most {MAX_NAMES} names.", limit=MAX_NAMES, field="filter.nameIn"
        )
    return names


def _few_tags(tags: tuple[str, ...]) -> set[str]:
    wanted = set(tags)
    if len(wanted) > MAX_TAGS:
        raise TooManyRowsError(
            f"filter.tagsAll may hold at most {MAX_TAGS} tags.", limit=MAX_TAGS, field="filter.tagsAll"
        )
    return wanted


def _searched(text: str) -> str | None:
    """What is looked for; None for what is longer than any search_text, and SQLite limits patterns."""
    wanted = folded(text)
    return wanted if len(wanted.encode()) <= MAX_SEARCH_BYTES else None


# ---------------------------------------------------------------- as SQL


def _name_in(names: tuple[str, ...]) -> ColumnElement[bool]:
    return FAMILIES.c.name.in_(_few_names(names))


def _name_prefix(prefix: str) -> ColumnElement[bool]:
    name = FAMILIES.c.name
    return and_(name >= prefix, name <= prefix + LAST_CHARACTER)


def _tags_all(tags: tuple[str, ...]) -> ColumnElement[bool]:
    return and_(True, *(holds_any(FAMILIES.c.tags, [tag]) for tag in sorted(_few_tags(tags))))  # noqa: FBT003  # for no tags


def _search(text: str) -> ColumnElement[bool]:
    wanted = _searched(text)
    return false() if wanted is None else FAMILIES.c.search_text.contains(wanted, autoescape=True)


def _retired(wanted: bool) -> ColumnElement[bool]:  # noqa: FBT001  # the filter's own value
    return FAMILIES.c.retired_at.is_not(None) if wanted else FAMILIES.c.retired_at.is_(None)


PREDICATES: Mapping[str, Callable[[Any], ColumnElement[bool]]] = {
    "name_in": _name_in,
    "name_prefix": _name_prefix,
    "tags_all": _tags_all,
    "search": _search,
    "retired": _retired,
}
"""By field of PromptFilter; `label` and `all_versions` choose versions, not names."""


def family_predicates(wanted: PromptFilter) -> list[ColumnElement[bool]]:
    """What `wanted` asks of a family; a field of None asks nothing.

    raises  TooManyRowsError  more names or tags than one request may list
    """
    return _asked(PREDICATES, wanted)


def _asked(table: Mapping[str, Callable[[Any], T]], wanted: PromptFilter) -> list[T]:
    given = {name: getattr(wanted, name) for name in table}
    return [table[name](value) for name, value in given.items() if value is not None]


# ---------------------------------------------------------------- in memory


def _is_named(names: tuple[str, ...]) -> Test:
    wanted = set(_few_names(names))
    return lambda each: each.family.name in wanted


def _is_below(prefix: str) -> Test:
    last = prefix + LAST_CHARACTER
    return lambda each: prefix <= each.family.name <= last


def _has_tags(tags: tuple[str, ...]) -> Test:
    wanted = _few_tags(tags)
    return lambda each: wanted.issubset(each.family.tags)


def _is_found(text: str) -> Test:
    wanted = _searched(text)
    return lambda each: wanted is not None and wanted in each.text


def _is_retired(wanted: bool) -> Test:  # noqa: FBT001  # the filter's own value
    return lambda each: (each.family.retired_at is not None) is wanted


TESTS: Mapping[str, Callable[[Any], Test]] = {
    "name_in": _is_named,
    "name_prefix": _is_below,
    "tags_all": _has_tags,
    "search": _is_found,
    "retired": _is_retired,
}
"""The same as `PREDICATES`."""


def family_tests(wanted: PromptFilter) -> list[Test]:
    """What `family_predicates` gives, for families in memory.

    raises  TooManyRowsError  more names or tags than one request may list
    """
    return _asked(TESTS, wanted)
