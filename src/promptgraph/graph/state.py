"""Which state of the registry this process answers from, as the doors need to know it."""

from __future__ import annotations

from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.graph.patience import within
from promptgraph.store.memory import RegistryMemory


class State:
    """Of the registry in `memory`, if there is one. A tag stands for one state, on every server.

    units  patience: seconds
    """

    def __init__(self, memory: RegistryMemory | None, patience: float) -> None:
        self._memory = memory
        self._patience = patience

    def fresh(self) -> str | None:
        """The tag of the state now; None if that takes a look at the database."""
        snapshot = None if self._memory is None else self._memory.fresh()
        return None if snapshot is None else snapshot.tag

    async def tag(self) -> str | None:
        """The tag of the state now; None if it is not known."""
        if self._memory is None:
            return None
        try:
            snapshot = await within(self._patience, self._memory.current())
        except (StoreUnavailableError, TimeoutError):
            return None
        return None if snapshot is None else snapshot.tag

    @property
    def revision(self) -> int | None:
        """The registry's revision as far as it is known here."""
        memory = self._memory
        return None if memory is None or memory.seen < 0 else memory.seen

    def stale(self) -> None:
        """Say that what is known may be old."""
        if self._memory is not None:
            self._memory.stale()

    async def at_least(self, revision: int) -> None:
        """Wait until the registry has this revision.

        raises  StoreUnavailableError  it has not come in time
        """
        if self._memory is not None:
            await self._memory.at_least(revision)
