"""Values are written as graphql-core would write them, or are left to it."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from graphql import (
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    Undefined,
    is_leaf_type,
)

from promptgraph.domain.call import CallStatus
from promptgraph.domain.diff import Impact
from promptgraph.domain.prompt import MessageRole
from promptgraph.graph.fast.declared import Reading
from promptgraph.graph.fast.deopt import DeoptError, or_deopt
from promptgraph.graph.fast.selection import Selected
from promptgraph.graph.fast.writing import Writer
from tests.graph.registry import schema

MOMENT = dt.datetime(2026, 11, 22, 10, 0, 0, 250, tzinfo=dt.UTC)
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**31 - 1,
    2**31,
    -(2**31) - 1,
    2**60,
    0.0,
    0.5,
    2.0,
    1e300,
    math.nan,
    math.inf,
    -math.inf,
    "",
    "text",
    "12",
    "OK",
    b"bytes",
    [],
    ["a", 1],
    {"a": [1, None]},
    (),
    object,
    MOMENT,
    MOMENT.replace(microsecond=0),
    MOMENT.astimezone(dt.timezone(dt.timedelta(hours=-5))),
    Decimal("0.0125"),
    Decimal("1E+3"),
    UUID(int=7),
    CallStatus.OK,
    MessageRole.TOOL,
    Impact.MAJOR,
)
LEAVES = [
    name
    for name, type_ in schema().core.type_map.items()
    if is_leaf_type(type_) and not name.startswith("__")
]


def written(type_: GraphQLOutputType, value: Any) -> Any:
    """What the fast executor writes; a DeoptError where it leaves it."""
    writer = Writer(schema().core, lambda _: Reading())
    try:
        with or_deopt:
            return writer.values(type_, Selected("x", "x", [])).rows([value])[0]
    except DeoptError:
        return DeoptError


def expected(type_: GraphQLLeafType, value: Any, *, required: bool) -> Any:
    """What graphql-core's executor completes it to; a DeoptError where that is an error."""
    if value is None:
        return DeoptError if required else None
    try:
        found = type_.coerce_output_value(value)
    except Exception:  # noqa: BLE001  # as graphql-core: whatever a scalar raises
        return DeoptError
    return DeoptError if found is None or found is Undefined else found


@pytest.mark.parametrize("name", LEAVES)
def test_every_value_is_written_as_by_graphql_core(name: str) -> None:
    """By every leaf type of the schema, required or not: the same value of the same type, or left."""
    type_: Any = schema().core.type_map[name]
    for value in VALUES:
        for required, whole in ((False, type_), (True, GraphQLNonNull(type_))):
            wanted, found = expected(type_, value, required=required), written(whole, value)
            assert (repr(wanted), type(wanted)) == (repr(found), type(found)), (value, required)


def test_lists_are_written_item_by_item() -> None:
    """Nulls where they may be, and nowhere else."""
    text: Any = schema().core.type_map["String"]
    assert ["a", None] == written(GraphQLList(text), ("a", None))
    assert DeoptError is written(GraphQLList(GraphQLNonNull(text)), ["a", None])
    assert None is written(GraphQLList(GraphQLNonNull(text)), None)
    assert DeoptError is written(GraphQLNonNull(GraphQLList(text)), None)
    assert DeoptError is written(GraphQLList(text), 7)
    assert [["a"], []] == written(GraphQLList(GraphQLList(text)), [["a"], []])
