"""Which families a reader's filter lets through: a table of predicates, and the text that a search reads."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, false

from promptgraph.domain.asking import PromptFilter
from promptgraph.domain.errors import TooManyRowsError
from promptgraph.store.keys import holds_any
from promptgraph.store.tables import FAMILIES

MAX_NAMES, MAX_TAGS = 1000, 32
MAX_SEARCH_BYTES = 10_000
LAST_CHARACTER = "\U0010ffff"


def folded(text: str) -> str:
    """`text` as searches compare it: without case, in one normal form."""
    return unicodedata.normalize("NFC", text.casefold())


def search_text(name: str, description: str | None, tags: Sequence[str]) -> str:
    """What a search looks through: one line for each of name, description and tags."""
    return folded("\n".join((name, description or "", *tags)))


def _name_in(names: tuple[str, ...]) -> ColumnElement[bool]:
    if len(names) > MAX_NAMES:
        raise TooManyRowsError(
            f"filter.nameIn may hold at most {MAX_NAMES} names.", limit=MAX_NAMES, field="filter.nameIn"
        )
    return FAMILIES.c.name.in_(names)


def _name_prefix(prefix: str) -> ColumnElement[bool]:
    name = FAMILIES.c.name
    return and_(name >= prefix, name <= prefix + LAST_CHARACTER)


def _tags_all(tags: tuple[str, ...]) -> ColumnElement[bool]:
    wanted = sorted(set(tags))
    if len(wanted) > MAX_TAGS:
        raise TooManyRowsError(
            f"filter.tagsAll may hold at most {MAX_TAGS} tags.", limit=MAX_TAGS, field="filter.tagsAll"
        )
    return and_(True, *(holds_any(FAMILIES.c.tags, [tag]) for tag in wanted))  # noqa: FBT003  # for no tags


def _search(text: str) -> ColumnElement[bool]:
    wanted = folded(text)
    if len(wanted.encode()) > MAX_SEARCH_BYTES:  # longer than any search_text, and SQLite limits patterns
        return false()
    return FAMILIES.c.search_text.contains(wanted, autoescape=True)


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
    given = {name: getattr(wanted, name) for name in PREDICATES}
    return [PREDICATES[name](value) for name, value in given.items() if value is not None]
