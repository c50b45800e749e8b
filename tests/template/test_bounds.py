"""What applying a schema costs."""

import pytest

from promptgraph.domain.canonical import Json
from promptgraph.domain.errors import InvalidInputError
from promptgraph.template.bounds import MAX_APPLIED, Cost, cost_of

COSTS: dict[str, tuple[Json, Cost]] = {
    "anything": (True, Cost(1, 0)),
    "nothing": ({}, Cost(1, 0)),
    "one": ({"type": "string", "pattern": "a"}, Cost(1, 1)),
    "the dearest property": (
        {"properties": {"a": {}, "b": {"allOf": [{}, {"pattern": "x"}]}, "c": {"not": {}}}},
        Cost(3, 1),
    ),
    "the dearest position": ({"prefixItems": [{}, {"anyOf": [{}, {}]}]}, Cost(3, 0)),
    "properties and the rest": (
        {"properties": {"a": {}}, "patternProperties": {"x": {}, "y": {}}, "additionalProperties": {}},
        Cost(4, 2),
    ),
    "branches": ({"if": {}, "then": {}, "else": {}, "dependentSchemas": {"a": {}, "b": {}}}, Cost(6, 0)),
    "twice for what is left": ({"anyOf": [{}, {}], "unevaluatedProperties": False}, Cost(5, 0)),
    "reference": ({"$defs": {"a": {"pattern": "x"}}, "$ref": "#/$defs/a"}, Cost(2, 1)),
    "long choice": ({"enum": list(range(160))}, Cost(11, 0)),
    "tree": ({"properties": {"l": {"$ref": "#"}, "r": {"$ref": "#"}}}, Cost(2, 0)),
}


@pytest.mark.parametrize(("schema", "cost"), COSTS.values(), ids=COSTS.keys())
def test_counts_what_applies_to_one_value(schema: Json, cost: Cost) -> None:
    """Schemas count that apply to one and the same value, at the depth where most do."""
    assert cost == cost_of(schema)


@pytest.mark.parametrize(
    ("branches", "fits"), [(MAX_APPLIED - 1 - 62, True), (MAX_APPLIED, False)], ids=["fits", "does not"]
)
def test_bounds_the_branches(branches: int, fits: bool) -> None:  # noqa: FBT001  # a column of the table
    """About a thousand branches are the most."""
    schema: Json = {"anyOf": [{} for _ in range(branches)]}
    if fits:
        assert cost_of(schema).schemas <= MAX_APPLIED
        return
    with pytest.raises(InvalidInputError, match="branches too much"):
        cost_of(schema)


def test_measures_shared_parts_once() -> None:
    """A fan-out that would take ages to walk is measured at once."""
    definitions: dict[str, Json] = {
        f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"} for _ in range(10)]} for i in range(50)
    }
    with pytest.raises(InvalidInputError, match="branches too much"):
        cost_of({"$defs": {**definitions, "d50": {}}, "$ref": "#/$defs/d0"})
