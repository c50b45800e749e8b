"""An operation becomes a program: what is selected is merged once, each field is looked up once."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from typing import NamedTuple

from graphql import GraphQLObjectType, OperationDefinitionNode, OperationType
from graphql.pyutils import Path

from promptgraph.graph.documents import Prepared
from promptgraph.graph.fast.asking import Spot
from promptgraph.graph.fast.batches import Batch
from promptgraph.graph.fast.declared import Declared, Reading, Resolving, declared, record_of
from promptgraph.graph.fast.deopt import DeoptError, Reason, or_deopt
from promptgraph.graph.fast.described import ROOTS, AsItIs, DescribedStep
from promptgraph.graph.fast.hot import BATCHES
from promptgraph.graph.fast.levels import (
    BatchStep,
    Completion,
    Level,
    LinkStep,
    Nested,
    ReadStep,
    ResolverStep,
    Step,
    Written,
)
from promptgraph.graph.fast.program import Program, Variant
from promptgraph.graph.fast.recording import RECORDING, decoded
from promptgraph.graph.fast.registry import OF_PARENT, OF_REGISTRY, READY, is_loaded
from promptgraph.graph.fast.selection import TYPENAME, Place, Selected, Selections, Truth, conditions
from promptgraph.graph.fast.variables import Variables
from promptgraph.graph.fast.writing import Writer
from promptgraph.graph.field import Link
from promptgraph.graph.schema import Schema


def compiled(schema: Schema, prepared: Prepared, operation: OperationDefinitionNode) -> Program:
    """The program of an operation that was validated.

    raises  DeoptError  it is for the standard executor
    cost    linear in what is selected once fragments are spread: 20 µs a field
    """
    asked = conditions(prepared.document)
    with or_deopt:
        variables = Variables(schema.core, operation.variable_definitions or ())
        whole = _Compiler(schema, prepared, operation, None if asked else {})
        variant = whole.variant()
    return Program(
        variables,
        asked,
        variant,
        whole.size,
        whole.registry_only,
        lambda truth: _Compiler(schema, prepared, operation, truth).variant(),
        operation.operation is OperationType.MUTATION,
        whole.decoded,
        whole.describes,
    )


class _Above(NamedTuple):
    """What a field stands on. `ready`, `of_registry`: what the link was that led there."""

    type: GraphQLObjectType
    path: Path | None
    ready: bool
    of_registry: bool


class _Compiler:
    """Compiles an operation for one truth of the variables that its directives ask."""

    def __init__(
        self, schema: Schema, prepared: Prepared, operation: OperationDefinitionNode, truth: Truth
    ) -> None:
        self.schema = schema
        self.operation = operation
        self.truth = truth
        self.size = 0
        self.registry_only = True
        self.describes = False
        self.decoded: frozenset[str] = frozenset()
        self._selections = Selections(schema, prepared.document, operation, truth)
        self._writer = Writer(schema.core, self._reading)
        self._declared: dict[int, Declared] = {}
        self._plain: dict[int, bool] = {}
        self._batches: dict[int, Batch | None] = {}
        self._written: dict[int, Written] = {}

    def variant(self) -> Variant:
        """The compiled operation."""
        root = self.schema.core.get_root_type(self.operation.operation)
        if root is None or self.operation.operation is OperationType.SUBSCRIPTION:
            raise DeoptError(Reason.OPERATION)
        place = self._selections.place(root, [self.operation.selection_set])
        self.size = place.size
        if self.operation.operation is OperationType.MUTATION:
            place = self._recording(place)
        level = self._level(place, _Above(root, None, ready=False, of_registry=False))
        if self.operation.operation is OperationType.MUTATION:
            _check_sure(level)
        return Variant(level, self._selections.repeats)

    def _recording(self, place: Place) -> Place:
        """The mutations with their inputs decoded in one step, where they can be.

        raises  DeoptError  one is not compiled
        """
        if place.names - RECORDING.keys() - {TYPENAME}:
            raise DeoptError(Reason.OPERATION)
        self.registry_only = False
        fields = []
        for selected in place.fields:
            found = None if selected.name == TYPENAME else decoded(self.schema, selected)
            if found is not None:
                self.decoded |= {found[1]}
            fields.append(selected if found is None else replace(selected, arguments=found[0]))
        return Place(place.type, tuple(fields))

    def _level(self, place: Place, above: _Above) -> Level:
        steps: list[Step] = []
        columns: list[int | None] = []
        for selected in place.fields:
            if self._is_read(selected):
                columns.append(None)
                continue
            columns.append(len(steps))
            steps.append(self._step(selected, above))
        return Level(place, tuple(steps), self._writer.rows(place, columns))

    def _step(self, selected: Selected, above: _Above) -> Step:
        """The link that a field is."""
        if selected.name in ROOTS:
            self.describes = True
            return DescribedStep(selected, AsItIs(), ready=True, at_once=True, schema=self.schema.core)
        found = self._found(selected)
        ready, of_registry = _reads(found, above)
        self.registry_only &= of_registry
        path = Path(above.path, selected.key, above.type.name)
        completion, below = self._completion(selected, path, ready=ready, of_registry=of_registry)
        facts = selected, completion, ready, ready and below
        if isinstance(found, Reading):
            return ReadStep(*facts, found.call or attrgetter(found.path))
        if isinstance(found, Link):
            return LinkStep(*facts, found)
        spot = Spot(path, selected.nodes, self._selections.fragments, self.truth or {})
        step = ResolverStep(*facts, found, spot)
        key = id(selected)
        if key not in self._batches:
            self._batches[key] = self._batch(found, selected)
        batch = self._batches[key]
        return BatchStep(*facts, batch, step) if batch else step

    def _batch(self, found: Resolving, selected: Selected) -> Batch | None:
        """What reads a link for all parents at once, if anything does."""
        planner, place = BATCHES.get(found.call), selected.below
        if planner is None or place is None:
            return None
        written = self._writer.rows(place, [None] * len(place.fields)) if self._is_plain(selected) else None
        return planner(place, None if written is None else written.rows)

    def _completion(
        self, selected: Selected, path: Path, *, ready: bool, of_registry: bool
    ) -> tuple[Completion, bool]:
        """How what was found becomes a part of the answer, and whether that waits for nothing."""
        if selected.definition is None:
            raise DeoptError(Reason.FIELD)
        type_ = selected.definition.type
        if self._is_plain(selected):
            key = id(selected)
            if key not in self._written:
                self._written[key] = Written(self._writer.values(type_, selected))
            return self._written[key], True
        levels = {}
        for name, place in selected.choices.items():
            kind = self.schema.core.type_map[name]
            if not isinstance(kind, GraphQLObjectType):
                raise DeoptError(Reason.FIELD, name)
            level = self._level(place, _Above(kind, path, ready, of_registry))
            levels[record_of(kind) if len(selected.choices) > 1 else None] = level
        return Nested(type_, levels), all(level.at_once for level in levels.values())

    def _is_read(self, selected: Selected) -> bool:
        """Whether a field needs no link, nor anything below it."""
        if selected.name == TYPENAME:
            return True
        if selected.name in ROOTS:
            return False
        return isinstance(self._found(selected), Reading) and self._is_plain(selected)

    def _is_plain(self, selected: Selected) -> bool:
        """Whether nothing below a field needs a link."""
        if len(selected.choices) > 1:
            return False
        key = id(selected)
        if key not in self._plain:
            below = selected.below
            self._plain[key] = below is None or all(self._is_read(each) for each in below.fields)
        return self._plain[key]

    def _found(self, selected: Selected) -> Declared:
        key = id(selected)
        if key not in self._declared:
            self._declared[key] = declared(selected)
        return self._declared[key]

    def _reading(self, selected: Selected) -> Reading:
        found = self._found(selected)
        if not isinstance(found, Reading):
            raise DeoptError(Reason.FIELD, selected.name)
        return found


def _reads(found: Declared, above: _Above) -> tuple[bool, bool]:
    """Whether the registry in memory answers a field without waiting, and whether it reads nothing else."""
    if isinstance(found, Reading):
        return above.ready, True
    if isinstance(found, Link):
        loaded = is_loaded(found.loader)
        return loaded, loaded
    if found.call in OF_PARENT:
        return above.ready, above.of_registry
    if not found.waits:
        return True, True
    return found.call in READY, found.call in OF_REGISTRY


def _check_sure(level: Level) -> None:
    """Nothing, where what a mutation answers cannot be refused once it is done.

    raises  DeoptError  it may be
    """
    waiting = [step.completion for step in level.steps]
    while waiting:
        completion = waiting.pop()
        below = completion.levels.values() if isinstance(completion, Nested) else ()
        for step in (step for each in below for step in each.steps):
            if not isinstance(step, ReadStep | LinkStep):
                raise DeoptError(Reason.OPERATION, step.selected.name)
            waiting.append(step.completion)
