"""The filters of prompt templates, on JSON values: what has no one way to print is refused, not guessed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from jinja2 import Undefined, filters

from promptgraph.domain.errors import TemplateError

Filter: TypeAlias = Callable[..., Any]

_KINDS: dict[type, str] = {
    type(None): "null",
    dict: "a mapping",
    list: "a list",
    tuple: "a list",
    bool: "true or false",
    str: "a text",
    int: "a number",
    float: "a number",
}


def kind_of(value: object) -> str:
    """What `value` is, in words; never the value itself."""
    return _KINDS.get(type(value), "this value")


def printable(value: Any) -> Any:
    """`value` if it prints the same everywhere, else the error that says how to print it."""
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, Undefined):
        return str(value)  # raises, naming what is missing
    words = kind_of(value)
    raise TemplateError(
        f"{words[0].upper()}{words[1:]} cannot be printed as it is: use |tojson, or |default('…', true)."
    )


def _text(value: Any) -> str:
    return str(printable(value))


def _listed(value: Any) -> Any:
    if isinstance(value, str):
        raise TypeError
    return value


def _part(value: Any, attribute: str | int | None) -> Any:
    """The key or position that `attribute` names, dots going deeper; `value` itself for None."""
    for step in [] if attribute is None else str(attribute).split("."):
        value = value[int(step) if isinstance(value, list | tuple) else step]
    return value


def _join(value: Any, d: str = "", attribute: str | int | None = None) -> str:
    return d.join(_text(_part(item, attribute)) for item in _listed(value))


def _order(case_sensitive: Any, attribute: str | int | None) -> Callable[[Any], Any]:
    """What `sort` and `unique` compare."""

    def key(item: Any) -> Any:
        part = _part(item, attribute)
        return part.lower() if isinstance(part, str) and not case_sensitive else part

    return key


def _unique(value: Any, key: Callable[[Any], Any]) -> list[Any]:
    found: dict[Any, Any] = {}
    for item in _listed(value):
        found.setdefault(key(item), item)
    return list(found.values())


def _first(value: Any) -> Any:
    for item in value:
        return item
    raise LookupError


def _last(value: Any) -> Any:
    return list(value)[-1]


def _items(value: Any) -> Iterator[tuple[Any, Any]]:
    if not isinstance(value, Mapping):
        raise TypeError
    return iter(value.items())


def _tojson(value: Any, indent: int | None = None) -> str:
    """Not Jinja's, which escapes < > & ' for HTML. Keys are sorted, for a database may reorder them."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=indent)


FILTERS: dict[str, Filter] = {
    "trim": lambda value, chars=None: _text(value).strip(chars),
    "upper": lambda value: _text(value).upper(),
    "lower": lambda value: _text(value).lower(),
    "capitalize": lambda value: _text(value).capitalize(),
    "title": lambda value: filters.do_title(_text(value)),
    "string": _text,
    "escape": lambda value: str(filters.do_forceescape(_text(value))),
    "indent": lambda value, width=4, first=False, blank=False: filters.do_indent(
        _text(value), width, first, blank
    ),
    "length": len,
    "join": _join,
    "tojson": _tojson,
    "first": _first,
    "last": _last,
    "list": lambda value: list(_listed(value)),
    "sort": lambda value, reverse=False, case_sensitive=False, attribute=None: sorted(
        _listed(value), key=_order(case_sensitive, attribute), reverse=reverse
    ),
    "unique": lambda value, case_sensitive=False, attribute=None: _unique(
        value, _order(case_sensitive, attribute)
    ),
    "items": _items,
    "round": filters.do_round,
    "int": filters.do_int,
    "float": filters.do_float,
}
"""All but `default`, which takes what is missing (template/environment.py)."""
