"""A compiled operation. It holds no data: one program serves any number of requests, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from promptgraph.graph.fast.deopt import DeoptError, Reason, UnansweredError, or_deopt
from promptgraph.graph.fast.levels import Level, ResolverStep, Run
from promptgraph.graph.fast.variables import Sent, Values, Variables
from promptgraph.graph.loaders import Context
from promptgraph.graph.remembered import Remembered

VARIANTS = 8
"""So many are kept of a program whose directives ask variables."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A program for one truth of the variables that its directives ask. `repeats`: fragments stand in several
    places, so that links may be read once for several of them. `measures` and `fields` are what
    lookahead has found: the same for all runs.
    """

    level: Level
    repeats: bool = False
    measures: dict[object, tuple[str, ...]] = field(default_factory=dict)
    fields: dict[object, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Program:
    """`size`: how many selections it holds; `registry_only`: its answer is a function of the registry and the
    variables; `decodes`: it records what it decodes itself; `describes`: it keeps what describes the
    schema; `whole`: everything that may be selected.
    """

    variables: Variables
    conditions: frozenset[str]
    whole: Variant
    size: int
    registry_only: bool
    variant_of: Callable[[Mapping[str, bool]], Variant]
    writes: bool = False
    decoded: frozenset[str] = frozenset()
    describes: bool = False
    variants: Remembered[tuple[bool, ...], Variant] = field(default_factory=lambda: Remembered(VARIANTS))

    @property
    def decodes(self) -> bool:
        return bool(self.decoded)

    async def run(self, context: Context, sent: Sent) -> dict[str, Any]:
        """The data of the answer.

        raises  DeoptError             the standard executor must do it: nothing was changed
        raises  StoreUnavailableError  the database is out of reach
        raises  UnansweredError        a mutation is done, and its answer could not be made
        """
        if self.writes:
            return await self._written(context, sent)
        with or_deopt:
            values = self.variables.read(sent)
            variant = self._entered(context, values)
            level = variant.level
            run = Run(context, values, context.snapshot is not None, {} if variant.repeats else None)
            rows: list[dict[str, Any]] = await level.rows(run, [None])
        return rows[0]

    async def _written(self, context: Context, sent: Sent) -> dict[str, Any]:
        """One act after the other; what could be refused is looked at before the first."""
        with or_deopt:
            values = self.variables.read(sent, without=self.decoded)
            level, run = self._entered(context, values).level, Run(context, values, at_once=False)
            steps = [step for step in level.steps if isinstance(step, ResolverStep)]
            asked = [step.questions(run, [None]) for step in steps]
        columns = []
        try:
            for step, questions in zip(steps, asked, strict=True):
                found = await step.answers(run, questions)
                columns.append(await step.completion.complete(run, found))
            rows: list[dict[str, Any]] = level.function.rows([None], *columns)
        except DeoptError as error:
            raise UnansweredError from error
        return rows[0]

    def _entered(self, context: Context, values: Values) -> Variant:
        variant = self._variant(values)
        context.measures, context.fields = variant.measures, variant.fields
        return variant

    def _variant(self, values: Values) -> Variant:
        """The variant for these variables; made when it is first asked for."""
        if not self.conditions:
            return self.whole
        truth = {name: values.coerced.get(name) for name in sorted(self.conditions)}
        if not all(isinstance(each, bool) for each in truth.values()):
            raise DeoptError(Reason.VARIABLES)
        key = tuple(map(bool, truth.values()))
        found = self.variants.get(key)
        if found is None:
            found = self.variant_of({name: bool(each) for name, each in truth.items()})
            self.variants.put(key, found, 1)
        return found
