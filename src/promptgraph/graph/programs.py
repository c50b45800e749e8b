"""The fast executor's programs: made once for each operation that is remembered, and run."""

from __future__ import annotations

import logging
from typing import Any

from graphql import OperationType

from promptgraph.domain.errors import PromptgraphError, StoreUnavailableError
from promptgraph.domain.keys import READING
from promptgraph.graph.admission import Checked, check_variables
from promptgraph.graph.answer import Answer, Kind, Path, failed, unavailable
from promptgraph.graph.counters import Counters, Murmur
from promptgraph.graph.documents import Documents, Operation, Prepared
from promptgraph.graph.fast.compiler import compiled
from promptgraph.graph.fast.deopt import DeoptError, or_deopt
from promptgraph.graph.fast.described import ROOM_PER_COST
from promptgraph.graph.fast.program import VARIANTS, Program
from promptgraph.graph.loaders import Context
from promptgraph.graph.patience import within
from promptgraph.graph.request import Request
from promptgraph.graph.schema import FailedError, Schema, acted
from promptgraph.graph.standard import Seconds, late
from promptgraph.store.memory import RegistryMemory

PER_PROGRAM, PER_SELECTION = 4 * 1024, 1536
"""Bytes that a program takes, and that it takes for each of its selections, by measurement."""

log = logging.getLogger("promptgraph.graph")


class Programs:
    """The programs of one schema. `memory`: where they find the registry."""

    def __init__(
        self,
        schema: Schema,
        documents: Documents,
        seconds: Seconds,
        memory: RegistryMemory | None,
        counters: Counters,
    ) -> None:
        self._schema = schema
        self._documents = documents
        self._seconds = seconds
        self._memory = memory
        self._counters = counters
        self._murmur = Murmur(log)

    def of(self, prepared: Prepared, operation: Operation) -> Program | DeoptError:
        """The program of an operation, or why it has none.

        cost  it is made once for each document that is remembered
        """
        found = prepared.programs.get(operation.name)
        if found is None:
            try:
                with or_deopt:
                    found = compiled(self._schema, prepared, operation.node)
                described = ROOM_PER_COST * operation.cost * variants_of(found) if found.describes else 0
                self._documents.grown(prepared, taken_by(found) + described)
            except DeoptError as error:
                found = error.with_traceback(None)
            prepared.programs[operation.name] = found
        return found

    async def answer(self, checked: Checked, context: Context) -> Answer | None:
        """The answer by the operation's program; None where strawberry is to give it, and nothing was done.

        raises  RequestRefusedError  as `check_variables`, which is left out where a program decodes them
        """
        program = checked.program
        if not isinstance(program, Program):
            self._left(program)
            return None
        context.document, context.caller = checked.prepared.document, checked.caller
        try:
            answer = await self._answered(checked, program, context)
        except DeoptError as error:
            if decodes(program, checked.operation, checked.request):
                check_variables(checked.request, checked.operation.bulk)
            self._left(error)
            return None
        self._counters.fast += 1
        return answer

    async def _answered(self, checked: Checked, program: Program, context: Context) -> Answer:
        seconds = self._seconds.limit(checked.operation)
        try:
            data = await within(seconds, self._run(checked, program, context))
        except TimeoutError:
            return late(seconds)
        except StoreUnavailableError as error:
            return unavailable(error)
        except PromptgraphError as error:
            return failed(error)
        except FailedError as error:
            return Answer({"errors": [error.error.formatted], "data": None}, Kind.FAILED)
        return Answer({"data": data}, Kind.DATA, Path.FAST, *_state(checked, program, context))

    async def _run(self, checked: Checked, program: Program, context: Context) -> dict[str, Any]:
        memory = self._memory
        if memory is not None and (snapshot := memory.fresh() or await memory.current()) is not None:
            context.remember(snapshot)
        work = program.run(context, checked.request.variables)
        return await (acted(work) if checked.operation.kind is OperationType.MUTATION else work)

    def _left(self, why: DeoptError | None) -> None:
        """Count and say that an operation is left to strawberry."""
        if why is None:
            return
        self._counters.deopts[why.reason] += 1
        times = self._counters.deopts[why.reason]
        words = "An operation left the fast path, %s; this reason for the %d. time."
        self._murmur.say(logging.INFO, why.reason, words, why, times)


def taken_by(program: Program) -> int:
    """How much room a program takes, in bytes, with all the variants that it may come to have."""
    return PER_PROGRAM + PER_SELECTION * program.size * variants_of(program)


def variants_of(program: Program) -> int:
    """How many there may come to be of it."""
    return 1 + VARIANTS if program.conditions else 1


def decodes(program: Program | DeoptError | None, operation: Operation, request: Request) -> bool:
    """Whether the program looks at all the variables itself."""
    if not isinstance(program, Program) or not program.decodes:
        return False
    return len(request.variables) <= len(operation.node.variable_definitions or ())


def _state(checked: Checked, program: Program, context: Context) -> tuple[int | None, str | None]:
    """The registry's revision that was read, and what stands for it if nothing else was read, and whoever may
    read at all may have it.
    """
    snapshot = context.snapshot
    if snapshot is None:
        return None, None
    alone = program.registry_only and not context.load.fell_through
    alone = alone and checked.operation.reach.scopes <= READING
    return snapshot.revision, snapshot.tag if alone else None
