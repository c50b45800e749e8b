"""What an operation asks of its caller, found once for each document: scopes, and the names of bound keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    VariableNode,
    get_named_type,
)

from promptgraph.domain.errors import ForbiddenError
from promptgraph.domain.keys import EVERY_SCOPE, Caller, Scope
from promptgraph.graph.scopes import BOUND_FIELDS, NAMED, TYPENAME, scopes_of

NAME = "name"
BEYOND = (
    "This key is bound: it reads prompts whose name begins as its prefix says, or its agents, each asked for"
    " by name, and nothing of their calls and figures."
)


class Asked(NamedTuple):
    """A `name` that is asked for: which binding it must fit, and the name, or the variable that holds it."""

    binding: str
    name: str | None = None
    variable: str | None = None

    def fits(self, caller: Caller, variables: Mapping[str, Any]) -> bool:
        """Whether the caller is bound to it."""
        name = self.name if self.variable is None else variables.get(self.variable)
        bindings = caller.bindings
        if not isinstance(name, str):
            return False
        if self.binding == "agents":  # its assignments lead to prompts of any name
            return bindings.name_prefix is None and name in (bindings.agents or ())
        return bindings.name_prefix is not None and name.startswith(bindings.name_prefix)


class Reach(NamedTuple):
    """The scopes that an operation needs; `named`: what a bound key must fit to read so, None where it must
    not.
    """

    scopes: frozenset[Scope]
    named: tuple[Asked, ...] | None = None


EVERYTHING = Reach(EVERY_SCOPE)


def check_caller(reach: Reach, caller: Caller, variables: Mapping[str, Any]) -> None:
    """Nothing, where the caller may do what is asked.

    raises  ForbiddenError  it lacks a scope, or is bound to other things
    """
    if reach.scopes <= caller.free:
        return
    if missing := reach.scopes - caller.scopes:
        words = ", ".join(sorted(scope.lower() for scope in missing))
        raise ForbiddenError(f"This key lacks a scope that this needs: {words}.")
    if Scope.READ not in reach.scopes:
        return  # recording: each row is held against the bindings by itself
    if reach.named is None or not all(asked.fits(caller, variables) for asked in reach.named):
        raise ForbiddenError(BEYOND)


def reaches_of(schema: GraphQLSchema, document: DocumentNode) -> list[Reach]:
    """What each operation of a valid document asks of its caller, in their order.

    cost  linear in the document's text: each fragment is looked at once
    """
    survey = _Survey(schema, document)
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    return [survey.reach(operation) for operation in operations]


@dataclass(slots=True)
class _Found:
    """The fields of the schema that are selected, `Type.field`, and the selections that a bound key names."""

    fields: set[tuple[str, str]] = field(default_factory=set)
    named: dict[int, tuple[str, FieldNode]] = field(default_factory=dict)

    def add(self, other: _Found) -> None:
        self.fields |= other.fields
        self.named |= other.named


class _Survey:
    """One document, and what is known of its fragments."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self._known: dict[str, _Found] = {}

    def reach(self, operation: OperationDefinitionNode) -> Reach:
        found = self._within(operation.selection_set, self._schema.get_root_type(operation.operation))
        scopes = frozenset(scope for place in found.fields for scope in scopes_of(*place))
        if not all(map(_is_for_bound, found.fields)):
            return Reach(scopes)
        defaults = {
            each.variable.name.value: each.default_value for each in operation.variable_definitions or ()
        }
        return Reach(scopes, tuple(_asked(*each, defaults) for each in found.named.values()))

    def _within(self, selected: SelectionSetNode, parent: GraphQLNamedType | None) -> _Found:
        found = _Found()
        for item in selected.selections:
            if isinstance(item, FieldNode):
                found.add(self._field(item, parent))
            elif isinstance(item, FragmentSpreadNode):
                found.add(self._fragment(item.name.value))
            elif isinstance(item, InlineFragmentNode):
                condition = item.type_condition
                about = self._schema.get_type(condition.name.value) if condition else parent
                found.add(self._within(item.selection_set, about))
        return found

    def _fragment(self, name: str) -> _Found:
        if name not in self._known:
            fragment = self._fragments[name]
            about = self._schema.get_type(fragment.type_condition.name.value)
            self._known[name] = self._within(fragment.selection_set, about)
        return self._known[name]

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> _Found:
        kind, name = parent.name if parent is not None else "", node.name.value
        found = _Found({(kind, name)})
        if f"{kind}.{name}" in NAMED:
            found.named[id(node)] = (NAMED[f"{kind}.{name}"], node)
        if node.selection_set is not None and isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            definition = self._schema.get_field(parent, name)
            below = get_named_type(definition.type) if definition is not None else None
            found.add(self._within(node.selection_set, below))
        return found


def _is_for_bound(place: tuple[str, str]) -> bool:
    kind, name = place
    return name == TYPENAME or f"{kind}.{name}" in BOUND_FIELDS or f"{kind}.{name}" in NAMED


def _asked(binding: str, node: FieldNode, defaults: Mapping[str, Any]) -> Asked:
    """The name that a selection asks for; a variable with a default is not followed."""
    values: Sequence[Any] = [each.value for each in node.arguments or () if each.name.value == NAME]
    for value in values:
        if isinstance(value, StringValueNode):
            return Asked(binding, value.value)
        if isinstance(value, VariableNode) and defaults.get(value.name.value) is None:
            return Asked(binding, variable=value.name.value)
    return Asked(binding)
