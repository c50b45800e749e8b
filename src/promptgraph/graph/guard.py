"""What a document would cost, found in one linear pass: each fragment is measured once, its figures are added
at every spread. (To walk a fragment again at each spread is exponential in the number of fragments.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from promptgraph.domain.asking import DEFAULT_PAGE, MAX_PAGE
from promptgraph.graph.introspection import FIELD_COST, WALKED, Rows, described_rows

CEILING = 10**9
PAGE_ARGUMENTS = ("first", "last")
CONNECTION_LISTS = ("edges", "nodes")
"""Their connection's page size has paid for them."""
SPREADS = "..."
"""Stands for every fragment side by side; no part of an answer has that name."""
ONE = Rows(1, 1)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may ask for. `depth`, `cost` and `aliases` are those of its fullest operation, the
    rest counts in all of them together. `aliases` counts in one selection set, fragments included; `repeats`
    counts the pairs of selections that give the same part of the answer, and of fragments side by side,
    which validation compares one by one; `nesting` is about brackets and fragments in the text, whatever
    they mean.
    """

    operations: int = 50
    depth: int = 16
    cost: int = 50_000
    selections: int = 5_000
    directives: int = 50
    aliases: int = 30
    repeats: int = 5_000
    tokens: int = 2_000
    characters: int = 32 * 1024
    nesting: int = 64


class Figures(NamedTuple):
    """Of a selection set, expanded. `beside`: aliases in this very set; `aliases`: in the fullest below."""

    depth: int = 0
    cost: int = 0
    selections: int = 0
    directives: int = 0
    aliases: int = 0
    beside: int = 0

    def join(self, other: Figures) -> Figures:
        """Both in one selection set."""
        beside = min(self.beside + other.beside, CEILING)
        return Figures(
            max(self.depth, other.depth),
            min(self.cost + other.cost, CEILING),
            min(self.selections + other.selections, CEILING),
            min(self.directives + other.directives, CEILING),
            max(self.aliases, other.aliases, beside),
            beside,
        )


NOTHING = Figures()
ADVICE = {
    "depth": "nest fewer fields",
    "selections": "ask for fewer fields",
    "cost": "ask for smaller pages or fewer lists within lists",
    "directives": "use fewer directives",
    "aliases": "use fewer aliases side by side",
}


def check_document(schema: GraphQLSchema, document: DocumentNode, limits: Limits) -> list[int]:
    """The cost of each operation, in their order, of a document within the limits.

    raises  GraphQLError  it asks for too much; the sentence says of what, and what to do
    cost    linear in the document's text
    """
    survey = _Survey(schema, document, limits)
    if len(survey.operations) > limits.operations:
        raise GraphQLError(f"A document may have at most {limits.operations} operations.")
    figures = [survey.operation(operation) for operation in survey.operations]
    whole = _together(figures)
    for name, advice in ADVICE.items():
        found, limit = getattr(whole, name), getattr(limits, name)
        if found > limit:
            figure = "over a thousand million" if found >= CEILING else f"{found:,}"
            raise GraphQLError(f"This query's {name} is {figure}, the limit is {limit:,}: {advice}.")
    _check_repeats(survey)
    if unused := survey.fragments.keys() - {name for name, _ in survey.known}:
        raise GraphQLError(f"The fragment {min(unused)!r} is never used.")
    return [each.cost for each in figures]


def _together(figures: list[Figures]) -> Figures:
    """Of a document: one of its operations is executed, but all are validated."""
    return Figures(
        max((each.depth for each in figures), default=0),
        max((each.cost for each in figures), default=0),
        sum(each.selections for each in figures),
        sum(each.directives for each in figures),
        max((each.aliases for each in figures), default=0),
    )


class _Spot(NamedTuple):
    """Where a selection stands. `paid`: a connection's page size already multiplies what is here; `walked`:
    what is here is looked at for the whole schema. `level`: how many selection sets and fragments deep.
    """

    parent: GraphQLNamedType | None
    paid: bool = False
    walked: bool = False
    level: int = 0


class _Survey:
    """One document's measuring: the fragments by name, and what is known of them."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, limits: Limits) -> None:
        self.schema = schema
        self.limits = limits
        self.fragments = {
            d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)
        }
        self.operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        self.known: dict[tuple[str, tuple[bool, bool]], Figures] = {}
        self.open: set[tuple[str, tuple[bool, bool]]] = set()
        self.measures: dict[type, Callable[[Any, _Spot], Figures]] = {
            FieldNode: self.field,
            InlineFragmentNode: self.inline,
            FragmentSpreadNode: self.spread,
        }

    def operation(self, node: OperationDefinitionNode) -> Figures:
        own = Figures(directives=len(node.directives or ()))
        return own.join(self.selections(node.selection_set, _Spot(self.schema.get_root_type(node.operation))))

    def selections(self, node: SelectionSetNode, spot: _Spot) -> Figures:
        if spot.level > self.limits.nesting:
            raise GraphQLError(f"This query is nested deeper than {self.limits.nesting}.")
        total, below = NOTHING, spot._replace(level=spot.level + 1)
        for item in node.selections:
            own = Figures(selections=1, directives=len(item.directives or ()))
            total = total.join(own).join(self.measures[type(item)](item, below))
        return total

    def field(self, node: FieldNode, spot: _Spot) -> Figures:
        name = node.name.value
        definition = self.definition(spot.parent, name)
        own = FIELD_COST if _is_described(spot.parent) else weight(definition)
        aliased = int(node.alias is not None)
        if node.selection_set is None:
            return Figures(1, own, 0, 0, aliased, aliased)
        size: float | None = _page_size(node, definition)
        walked = name in WALKED and (spot.walked or name == "types")
        below = self.selections(
            node.selection_set, _Spot(_type_of(definition), size is not None, walked, spot.level)
        )
        if size is None:
            size = 1 if spot.paid and name in CONNECTION_LISTS else self.rows(spot, name, definition)
        # introspection has a rule of its own for depth; counted here, an editor's own query would be refused
        depth = 1 if name.startswith("__") else 1 + below.depth
        cost = min(own + int(size * below.cost), CEILING)
        aliases = max(aliased, below.aliases)
        return Figures(depth, cost, below.selections, below.directives, aliases, aliased)

    def rows(self, spot: _Spot, name: str, definition: GraphQLField | None) -> float:
        """The rows a plain list is taken to have: what its declaration says, else a page's; 1 for what is no
        list. The lists of the schema's own description are as long as they are.
        """
        if spot.parent is not None and _is_described(spot.parent):
            found = described_rows(self.schema).get((spot.parent.name, name), ONE)
            return found.mean if spot.walked else found.most
        if definition is None or not is_list_type(get_nullable_type(definition.type)):
            return 1
        return _declared(definition, "rows") or (MAX_PAGE if "ids" in definition.args else DEFAULT_PAGE)

    def definition(self, parent: GraphQLNamedType | None, name: str) -> GraphQLField | None:
        if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return self.schema.get_field(parent, name)
        return None

    def inline(self, node: InlineFragmentNode, spot: _Spot) -> Figures:
        condition = node.type_condition
        parent = self.schema.get_type(condition.name.value) if condition else spot.parent
        return self.selections(node.selection_set, spot._replace(parent=parent))

    def spread(self, node: FragmentSpreadNode, spot: _Spot) -> Figures:
        """An unknown name counts nothing here: the standard rules report it.

        raises  GraphQLError  the fragment is within itself: nothing that follows could look at it to its end
        """
        key = (node.name.value, (spot.paid, spot.walked))
        fragment = self.fragments.get(node.name.value)
        if key in self.open:
            raise GraphQLError(f"The fragment {node.name.value!r} is spread within itself.", node)
        if fragment is not None and key not in self.known:
            self.open.add(key)
            parent = self.schema.get_type(fragment.type_condition.name.value)
            self.known[key] = self.selections(fragment.selection_set, spot._replace(parent=parent))
            self.open.discard(key)
        return self.known.get(key, NOTHING)

    def within(self, node: SelectionNode) -> list[SelectionSetNode]:
        """The selections of an inline fragment, or of the fragment that is spread here."""
        if isinstance(node, InlineFragmentNode):
            return [node.selection_set]
        name = node.name.value if isinstance(node, FragmentSpreadNode) else ""
        return [self.fragments[name].selection_set] if name in self.fragments else []


@dataclass(slots=True)
class _Part:
    """A part of the answer: how many selections give it, and what is below it."""

    count: int = 0
    below: dict[str, _Part] = field(default_factory=dict)


class _Walk(NamedTuple):
    """Selections still to be looked at, and the parts that they give."""

    selections: SelectionSetNode
    parts: dict[str, _Part]


def _check_repeats(survey: _Survey) -> None:
    """Nothing, where few selections give the same part of the answer.

    raises  GraphQLError  as `check_document`
    cost    a step per selection of the expanded operations, which are within the limits by now
    """
    limit, pairs = survey.limits.repeats, 0
    waiting = [_Walk(operation.selection_set, {}) for operation in survey.operations]
    while waiting:
        walk = waiting.pop()
        for item in walk.selections.selections:
            name = (item.alias or item.name).value if isinstance(item, FieldNode) else SPREADS
            part = walk.parts.setdefault(name, _Part())
            pairs += part.count
            part.count += 1
            if not isinstance(item, FieldNode):
                waiting += [_Walk(below, walk.parts) for below in survey.within(item)]
            elif item.selection_set:
                waiting.append(_Walk(item.selection_set, part.below))
        if pairs > limit:
            raise GraphQLError(f"This query asks for the same over and over, {limit:,} times: ask once.")


def weight(definition: GraphQLField | None) -> int:
    """What the field itself costs: what its declaration says, else 1."""
    return int(_declared(definition, "cost") or 1)


def _declared(definition: GraphQLField | None, fact: str) -> int | None:
    declared = definition.extensions.get("strawberry-definition") if definition is not None else None
    return declared.metadata.get(fact) if declared is not None else None


def _is_described(parent: GraphQLNamedType | None) -> bool:
    """Whether what hangs on `parent` describes the schema."""
    return parent is not None and parent.name.startswith("__")


def _type_of(definition: GraphQLField | None) -> GraphQLNamedType | None:
    return get_named_type(definition.type) if definition else None


def _page_size(node: FieldNode, definition: GraphQLField | None) -> int | None:
    """The rows a connection is asked for, None for what is none. A variable counts as the largest page."""
    if definition is None or not any(name in definition.args for name in PAGE_ARGUMENTS):
        return None
    for argument in node.arguments or ():
        if argument.name.value in PAGE_ARGUMENTS:
            value = argument.value
            if isinstance(value, IntValueNode) and len(value.value) < len(str(CEILING)):
                return max(1, min(int(value.value), MAX_PAGE))
            return MAX_PAGE
    return DEFAULT_PAGE
