"""What an operation selects, fragments merged and directives settled: a tree of places."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

from promptgraph.graph.fast.arguments import NONE, Arguments, ArgumentsReader
from promptgraph.graph.fast.deopt import DeoptError, Reason
from promptgraph.graph.schema import Schema

TYPENAME = "__typename"
Truth = Mapping[str, bool] | None
"""The variables that directives ask, by name; None: everything is looked at, whatever directives say."""


@dataclass(frozen=True)
class Selected:
    """A field of the answer: under which key, and which field of the schema. `choices`: what is selected of
    the objects that it leads to, by the name of their type.
    """

    key: str
    name: str
    nodes: Sequence[FieldNode]
    definition: GraphQLField | None = None
    arguments: Arguments = NONE
    choices: Mapping[str, Place] = field(default_factory=dict)

    @property
    def given(self) -> Mapping[str, Any] | None:
        """Its arguments as the resolver takes them; None where they depend on variables."""
        return self.arguments.constant

    @property
    def below(self) -> Place | None:
        """What is selected below; None for a leaf, and where several types are possible."""
        return next(iter(self.choices.values())) if len(self.choices) == 1 else None


@dataclass(frozen=True)
class Place:
    """What is selected on an object type, in the order of the answer."""

    type: str
    fields: tuple[Selected, ...]

    @cached_property
    def names(self) -> frozenset[str]:
        """The fields of the schema that are selected."""
        return frozenset(each.name for each in self.fields)

    @cached_property
    def size(self) -> int:
        """How many fields there are, those below included."""
        return sum(1 + sum(below.size for below in each.choices.values()) for each in self.fields)


class Selections:
    """Reads the selections of one operation, for one truth of the variables that its directives ask."""

    def __init__(
        self, schema: Schema, document: DocumentNode, operation: OperationDefinitionNode, truth: Truth
    ) -> None:
        self.core = schema.core
        self.fragments = fragments_of(document)
        self.truth = truth
        self.repeats = False
        """Whether a fragment stands in several places: what it selects there is the same object."""
        self._arguments = ArgumentsReader(schema, operation)
        self._known: dict[tuple[object, ...], Selected] = {}

    def place(self, type_: GraphQLObjectType, sets: Iterable[SelectionSetNode]) -> Place:
        """What selection sets ask of one object, together.

        raises  DeoptError  an argument does not fit its type
        """
        merged: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for each in sets:
            self._collect(type_, each, merged, seen)
        return Place(type_.name, tuple(self._selected(type_, *item) for item in merged.items()))

    def _collect(
        self,
        type_: GraphQLObjectType,
        selected: SelectionSetNode,
        merged: dict[str, list[FieldNode]],
        seen: set[str],
    ) -> None:
        """Each fragment once, however often it is spread."""
        for item in filter(self._is_included, selected.selections):
            if isinstance(item, FieldNode):
                merged.setdefault((item.alias or item.name).value, []).append(item)
            elif isinstance(item, InlineFragmentNode) and _is_about(item, type_):
                self._collect(type_, item.selection_set, merged, seen)
            elif isinstance(item, FragmentSpreadNode) and item.name.value not in seen:
                seen.add(item.name.value)
                fragment = self.fragments[item.name.value]
                if _is_about(fragment, type_):
                    self._collect(type_, fragment.selection_set, merged, seen)

    def _is_included(self, item: SelectionNode) -> bool:
        if self.truth is None or not item.directives:
            return True
        said = {each.name.value: _truth_of(each, self.truth) for each in item.directives}
        return not said.get("skip", False) and said.get("include", True)

    def _selected(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Selected:
        """The same for the same nodes: fragments that are spread again and again are read once."""
        place = (parent.name, *map(id, nodes))
        found = self._known.get(place)
        if found is None:
            found = self._known[place] = self._read(parent, key, nodes)
        else:
            self.repeats = True
        return found

    def _read(self, parent: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Selected:
        name = nodes[0].name.value
        if name == TYPENAME:
            return Selected(key, name, nodes)
        definition = self.core.get_field(parent, name)
        if definition is None:
            raise DeoptError(Reason.FIELD, name)
        sets = [node.selection_set for node in nodes if node.selection_set]
        choices = {
            each.name: self.place(each, sets) for each in self._possible(get_named_type(definition.type))
        }
        return Selected(key, name, nodes, definition, self._arguments.read(definition, nodes[0]), choices)

    def _possible(self, named: GraphQLNamedType) -> Sequence[GraphQLObjectType]:
        if isinstance(named, GraphQLObjectType):
            return (named,)
        return self.core.get_possible_types(named) if isinstance(named, GraphQLInterfaceType) else ()


def _truth_of(directive: DirectiveNode, truth: Mapping[str, bool]) -> bool:
    value = next(argument.value for argument in directive.arguments or ())
    if isinstance(value, VariableNode):
        return truth[value.name.value]
    return isinstance(value, BooleanValueNode) and value.value


def _is_about(fragment: FragmentDefinitionNode | InlineFragmentNode, type_: GraphQLObjectType) -> bool:
    """Whether a fragment is about objects of that type."""
    if fragment.type_condition is None:
        return True
    name = fragment.type_condition.name.value
    return name == type_.name or any(each.name == name for each in type_.interfaces)


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """The fragments of a document, by name."""
    found = (each for each in document.definitions if isinstance(each, FragmentDefinitionNode))
    return {each.name.value: each for each in found}


def conditions(document: DocumentNode) -> frozenset[str]:
    """The variables that directives ask, anywhere in a document."""
    return frozenset(
        argument.value.name.value
        for item in _selections(document)
        for directive in item.directives or ()
        for argument in directive.arguments or ()
        if isinstance(argument.value, VariableNode)
    )


def _selections(document: DocumentNode) -> Iterator[SelectionNode]:
    waiting: list[SelectionSetNode] = [
        each.selection_set
        for each in document.definitions
        if isinstance(each, OperationDefinitionNode | FragmentDefinitionNode)
    ]
    while waiting:
        for item in waiting.pop().selections:
            yield item
            if isinstance(item, FieldNode | InlineFragmentNode) and item.selection_set:
                waiting.append(item.selection_set)
