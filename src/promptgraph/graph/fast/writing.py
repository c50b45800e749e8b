"""Writes the functions that turn records into parts of the answer: one expression per value, no call where
none is needed. They can be printed: `Function.texts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    get_nullable_type,
    is_leaf_type,
)

from promptgraph.graph.fast.declared import Reading, record_of
from promptgraph.graph.fast.deopt import DeoptError, Reason
from promptgraph.graph.fast.leaves import FREE, STANDS, needed, optional, written_by
from promptgraph.graph.fast.selection import TYPENAME, Place, Selected
from promptgraph.graph.remembered import Remembered

Rows = Callable[..., list[Any]]
INDENT = "    "
ROOM = 2 * 1024 * 1024
"""Characters of functions whose code is remembered: the same shapes come again in other operations."""

_codes: Remembered[str, CodeType] = Remembered(ROOM)


@dataclass(frozen=True, slots=True)
class Function:
    """`rows` gives a part of the answer for each record. `text` is its source, `parts` are the functions that
    it calls for lists.
    """

    rows: Rows
    text: str
    parts: tuple[Function, ...] = ()

    def texts(self) -> Iterator[str]:
        """Its source, after that of its parts."""
        for part in self.parts:
            yield from part.texts()
        yield self.text


class Writer:
    """Writes functions for one schema; what writes the values of a type is made once."""

    def __init__(self, schema: GraphQLSchema, reading: Callable[[Selected], Reading]) -> None:
        self.schema = schema
        self.reading = reading
        self._writers: dict[GraphQLNamedType, Any] = {}

    def values(self, type_: GraphQLOutputType, selected: Selected) -> Function:
        """The function that writes the values of a field."""
        text = _Text(self)
        return text.function(selected.name, text.value(type_, "r", selected))

    def rows(self, place: Place, columns: Sequence[int | None]) -> Function:
        """The function that writes objects. `columns`: which of the columns beside the records a field's
        values are in; None for what is read from the record.
        """
        text = _Text(self)
        names = [None if column is None else f"c{column}" for column in columns]
        return text.function(place.type, text.object(place, "r", names), [name for name in names if name])

    def written_by(self, type_: GraphQLLeafType) -> Any:
        """What writes the values of a leaf type."""
        if type_ not in self._writers:
            self._writers[type_] = written_by(type_)
        return self._writers[type_]


class _Text:
    """One function's text, and the values that its names stand for."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._bound: dict[str, Any] = {"needed": needed, "optional": optional}
        self._names: dict[int, str] = {}
        self._parts: list[Function] = []
        self._records = 0

    def function(self, of: str, item: str, columns: Sequence[str] = ()) -> Function:
        """The function that evaluates `item` for each record `r`, beside its columns."""
        many = [f"{column}s" for column in columns]
        each = f"{', '.join(['r', *columns])} in zip({', '.join(['records', *many])}, strict=True)"
        text = (
            f"def write_{of}({', '.join(['records', *many])}):\n"
            f"{INDENT}rows = []\n"
            f"{INDENT}for {each if columns else 'r in records'}:\n"
            f"{INDENT * 2}rows.append({item})\n"
            f"{INDENT}return rows\n"
        )
        return Function(FunctionType(_code(text), self._bound), text, tuple(self._parts))

    def object(self, place: Place, record: str, columns: Sequence[str | None], level: int = 3) -> str:
        """One object: the record's type is looked at where the schema says to."""
        shown = self._display(place, record, columns, level)
        kind = record_of(self._type(place))
        if kind is None:
            return shown
        return f"{shown} if type({record}) is {self._bind(kind, place.type)} else needed({record})"

    def value(self, type_: GraphQLOutputType, read: str, selected: Selected, level: int = 3) -> str:
        """What `read` gives, as a part of the answer."""
        required, plain = isinstance(type_, GraphQLNonNull), get_nullable_type(type_)
        if isinstance(plain, GraphQLList):
            return self._list(plain, read, selected, required=required)
        if is_leaf_type(plain):
            return self._leaf(plain, read, required=required)
        if isinstance(plain, GraphQLObjectType) and selected.below is not None:
            return self._nested(selected.below, read, required=required, level=level)
        raise DeoptError(Reason.FIELD, selected.name)

    def _display(self, place: Place, record: str, columns: Sequence[str | None], level: int) -> str:
        within, end = "\n" + INDENT * level, "\n" + INDENT * (level - 1)
        pairs = [
            f"{within}{each.key!r}: {column or self._read(place, each, record, level + 1)},"
            for each, column in zip(place.fields, columns, strict=True)
        ]
        return "{" + "".join(pairs) + end + "}"

    def _read(self, place: Place, selected: Selected, record: str, level: int) -> str:
        if selected.name == TYPENAME or selected.definition is None:
            return repr(place.type)
        reading = self._writer.reading(selected)
        read = f"{record}.{reading.path}"
        if reading.call is not None:
            read = f"{self._bind(reading.call, selected.name)}({record})"
        return self.value(selected.definition.type, read, selected, level)

    def _leaf(self, type_: Any, read: str, *, required: bool) -> str:
        otherwise = "needed(None)" if required else "None"
        if type_.name in FREE:
            return f"v if (v := {read}) is not None else {otherwise}" if required else read
        write = self._bind(self._writer.written_by(type_), type_.name)
        call = f"{write}[v]" if isinstance(type_, GraphQLEnumType) else f"{write}(v)"
        if type_.name not in STANDS:
            return f"{call} if (v := {read}) is not None else {otherwise}"
        stands = STANDS[type_.name].format(f"v := {read}", "v")
        return f"v if {stands} else {call} if v is not None else {otherwise}"

    def _list(self, type_: GraphQLList[Any], read: str, selected: Selected, *, required: bool) -> str:
        part = self._writer.values(type_.of_type, selected)
        self._parts.append(part)
        rows = self._bind(part.rows, selected.name)
        needs = f"{rows}(v) if (v := {read}) is not None else "
        return needs + ("needed(None)" if required else "None")

    def _nested(self, below: Place, read: str, *, required: bool, level: int) -> str:
        record, bound = read, read
        if not read.isidentifier():
            self._records += 1
            record = f"r{self._records}"
            bound = f"{record} := {read}"
        shown = self._display(below, record, [None] * len(below.fields), level)
        otherwise = f"{'needed' if required else 'optional'}({record})"
        kind = record_of(self._type(below))
        if kind is not None:
            return f"{shown} if type({bound}) is {self._bind(kind, below.type)} else {otherwise}"
        return f"{shown} if ({bound}) is not None else {otherwise}"

    def _type(self, place: Place) -> GraphQLObjectType:
        found = self._writer.schema.type_map[place.type]
        if not isinstance(found, GraphQLObjectType):
            raise DeoptError(Reason.FIELD, place.type)
        return found

    def _bind(self, value: Any, hint: str) -> str:
        """A name for a value, the same for the same."""
        if id(value) not in self._names:
            name = f"{hint}_{len(self._names)}"
            self._names[id(value)] = name
            self._bound[name] = value
        return self._names[id(value)]


def objects(place: Place) -> Rows:
    """The function that makes objects of columns: of one for each field but the name of the type.

    cost  half of what `dict(zip(keys, values))` takes
    """
    names = [None if each.name == TYPENAME else f"c{at}" for at, each in enumerate(place.fields)]
    pairs = [
        f"{each.key!r}: {name or repr(place.type)}" for each, name in zip(place.fields, names, strict=True)
    ]
    columns = ", ".join(name for name in names if name)
    made = f"[{{{', '.join(pairs)}}} for {columns}, in zip({columns})]"
    text = f"def {place.type}({columns}):\n{INDENT}return {made}\n"
    return FunctionType(_code(text), {})


def _code(text: str) -> CodeType:
    """The code of the one function that `text` defines: of names of the schema and keys of the answer, which
    are words, and of nothing else that a client sent.
    """
    found = _codes.get(text)
    if found is None:
        whole = compile(text, "<fast>", "exec")
        found = next(each for each in whole.co_consts if isinstance(each, CodeType))
        _codes.put(text, found, len(text))
    return found
