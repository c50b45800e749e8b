"""A database whose visits somebody watches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, TypeVar

from promptgraph.store.database import Database, Session
from promptgraph.store.direct import Reader

T = TypeVar("T")

Around = Callable[[str, str], AbstractContextManager[object]]
"""What a visit happens inside of; it is given the product, and what is done."""


class Watched(Database):
    """As `Database`; each visit happens inside of what `around` gives."""

    def __init__(self, around: Around, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._around = around

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Session]:
        with self._around(self.dialect, "read"):
            async with super().read() as session:
                yield session

    @asynccontextmanager
    async def direct(self, *, one_state: bool = False) -> AsyncIterator[Reader]:
        with self._around(self.dialect, "read"):
            async with super().direct(one_state=one_state) as reader:
                yield reader

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Session]:
        with self._around(self.dialect, "write"):
            async with super().write() as session:
                yield session

    async def at_once(self, act: Callable[[Any], T]) -> T:
        with self._around(self.dialect, "commit"):
            return await super().at_once(act)
