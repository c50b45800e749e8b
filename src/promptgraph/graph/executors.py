"""Who executes an operation: the one place that chooses. What comes before and after, and how long it may
take, is the same for both.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from graphql import OperationType

from promptgraph.graph.admission import Checked
from promptgraph.graph.answer import Answer, Kind, Path
from promptgraph.graph.counters import Counters, Murmur
from promptgraph.graph.documents import Documents, Operation, Prepared
from promptgraph.graph.fast.deopt import DeoptError
from promptgraph.graph.fast.program import Program
from promptgraph.graph.loaders import Context
from promptgraph.graph.programs import Programs
from promptgraph.graph.sameness import same, where
from promptgraph.graph.schema import Schema
from promptgraph.graph.standard import Seconds, Standard
from promptgraph.graph.state import State
from promptgraph.graph.trusted import digest
from promptgraph.store.database import Database
from promptgraph.store.memory import RegistryMemory
from promptgraph.store.replica import Replica

log = logging.getLogger("promptgraph.graph")


class Executing(NamedTuple):
    """How operations are executed. `fast`: by the fast executor, where it can; `shadow`: one query in so many
    by both, 0 for none; `memory`: the registry, where the fast one finds it; `replica`: what answers queries
    in place of the database.
    """

    fast: bool = True
    shadow: int = 0
    memory: RegistryMemory | None = None
    replica: Replica | None = None


class Executors:
    """The executors of one schema. `context` makes what a request's resolvers share."""

    def __init__(
        self,
        schema: Schema,
        documents: Documents,
        context: Callable[[], Context],
        seconds: Seconds,
        how: Executing,
    ) -> None:
        self.counters = Counters()
        self.state = State(how.memory, seconds.usual)
        self.strawberry = Standard(schema, seconds)
        self._programs = Programs(schema, documents, seconds, how.memory, self.counters)
        self._context = context
        self._how = how
        self._second_try = seconds.usual / 2
        self._queries = 0
        self._murmur = Murmur(log)

    def program(self, prepared: Prepared, operation: Operation) -> Program | DeoptError | None:
        """The program of an operation, or why it has none. None for what no program is wanted for."""
        if not self._how.fast or operation.kind is OperationType.SUBSCRIPTION:
            return None
        return self._programs.of(prepared, operation)

    async def answer(self, checked: Checked) -> Answer:
        """What a query or a mutation gets.

        raises  RequestRefusedError  its variables do not fit
        """
        before = self.state.revision
        found = await self._answer(checked)
        if checked.operation.kind is OperationType.MUTATION:
            return replace(found, revision=self.state.revision)
        return found if found.revision is not None else replace(found, revision=before)

    async def _answer(self, checked: Checked) -> Answer:
        if self._is_shadowed(checked):
            return await self._by_both(checked)
        if (replica := self._how.replica) is not None and checked.operation.kind is OperationType.QUERY:
            return await self._from_either(checked, replica)
        return await self._once(checked)

    async def _once(self, checked: Checked, db: Database | None = None) -> Answer:
        found = await self._programs.answer(checked, self._reading(db))
        return found or await self._standard(checked, self._reading(db))

    def _reading(self, db: Database | None) -> Context:
        """A context, which reads from `db` if there is one."""
        context = self._context()
        if db is not None:
            context.ask(db)
        return context

    async def _from_either(self, checked: Checked, replica: Replica) -> Answer:
        """What a query gets from the standby; from the primary where the standby is away, or too old, or
        fails while there is time for a second try.
        """
        db = None if checked.current else replica.fresh(self.state.revision)
        if db is not None:
            began = time.monotonic()
            found = await self._once(checked, db)
            if found.kind is not Kind.UNAVAILABLE or time.monotonic() - began > self._second_try:
                self.counters.replica += 1
                return found
            replica.doubt()
        if not checked.current:
            self.counters.fallbacks += 1
        return await self._once(checked)

    async def _standard(self, checked: Checked, context: Context) -> Answer:
        self.counters.standard += 1
        return replace(await self.strawberry.answer(checked, context), path=Path.STANDARD)

    def _is_shadowed(self, checked: Checked) -> bool:
        if not self._how.shadow or checked.operation.kind is not OperationType.QUERY:
            return False
        self._queries += 1
        return self._queries % self._how.shadow == 0 and isinstance(checked.program, Program)

    async def _by_both(self, checked: Checked) -> Answer:
        """The answer of both executors; if they differ, and again, then that is counted and logged, and the
        standard one's counts.
        """
        self.counters.shadows += 1
        fast, standard = await self._pair(checked)
        if not _alike(standard, fast):  # what they read may have changed between them
            self.state.stale()
            fast, standard = await self._pair(checked)
        if not _alike(standard, fast):
            self._differed(checked, standard, fast)
            return standard
        return fast or standard

    async def _pair(self, checked: Checked) -> tuple[Answer | None, Answer]:
        """The answer by the program, if it gives one, and the standard one; their clocks stand alike."""
        first, second = self._context(), self._context()
        second.at = first.at
        fast = await self._programs.answer(checked, first)
        return fast, await self._standard(checked, second)

    def _differed(self, checked: Checked, standard: Answer, fast: Answer | None) -> None:
        self.counters.differences += 1
        known = digest(checked.prepared.text)
        place = where(standard.payload.get("data"), fast and fast.payload.get("data"))
        self._murmur.say(
            logging.ERROR,
            known,
            "The fast executor answered otherwise than the standard one, at %s of operation %s in document"
            " %s: please report it. Set PROMPTGRAPH_FAST_PATH=off until it is mended.",
            place,
            checked.operation.name,
            known,
        )


def _alike(standard: Answer, fast: Answer | None) -> bool:
    """Whether both say the same, as far as both say anything."""
    if fast is None or Kind.UNAVAILABLE in (standard.kind, fast.kind):
        return True
    return standard.kind is fast.kind and same(standard.payload.get("data"), fast.payload.get("data"))
