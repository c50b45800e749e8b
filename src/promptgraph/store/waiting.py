"""What the ledger holds and the rollups lack, added up in memory. A row of the ledger never changes, so it is
read and parsed once; which rows wait is read with the cells, in one statement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeAlias
from uuid import UUID

import orjson
from sqlalchemy import Select, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from promptgraph.domain import ledger
from promptgraph.domain.delta import Delta
from promptgraph.domain.errors import InvalidRollupError
from promptgraph.domain.figures import Figures
from promptgraph.domain.sums import Key, summed
from promptgraph.store.call_tables import RECORD_BATCHES, CallId
from promptgraph.store.direct import NotDirectError, Reader, Statement, parameter
from promptgraph.store.keys import chunked

MOST_ROWS, MOST_CELLS = 1_000, 50_000
"""More than that is not kept in memory; the general way reads it page by page."""
CHUNK = 50
B = RECORD_BATCHES.c

Columns: TypeAlias = tuple[str, ...]
"""The columns that are told apart, fields of FineCell; none: there is one key, of everybody."""
MOST_SUMS = 16
"""So many sums, each by other columns, are kept."""


_marks = count(1)


class ids_text(FunctionElement[Any]):  # noqa: N801  # an SQL function
    """Ids as one text, a comma between; null of none."""

    inherit_cache = True
    name = "ids_text"


_SPELLED = {"sqlite": "group_concat(hex({}), ',')", "postgresql": "string_agg({}::text, ',')"}


@compiles(ids_text)
def _ids_text(element: FunctionElement[Any], compiler: Any, **kw: Any) -> str:
    return _SPELLED[compiler.dialect.name].format(compiler.process(element.clauses, **kw))


def waiting_ids() -> Select[Any]:
    """The ids of the rows that wait, as one text: what `Waiting.at` takes."""
    some = select(B.id).where(~B.folded).limit(MOST_ROWS + 1).subquery()
    return select(ids_text(some.c.id)).select_from(some)


_NAMES = tuple(f"id_{place}" for place in range(CHUNK))
_DELTAS = Statement(
    lambda _: select(B.id, B.delta).where(B.id.in_([parameter(name, CallId()) for name in _NAMES]))
)


@dataclass(slots=True)
class Added:
    """What waiting rows add to an owner's figures, by UTC hour. `mark` differs wherever they do."""

    mark: int = 0
    hours: dict[int, Figures] = field(default_factory=dict)
    _total: Figures | None = None

    @property
    def total(self) -> Figures:
        """All hours; not to be added to."""
        if self._total is None:
            self._total = Figures()
            for figures in self.hours.values():
                self._total.add(figures)
        return self._total

    def take(self, hour: int, figures: Figures) -> None:
        """Add to an hour; `figures` are used up."""
        if hour in self.hours:
            self.hours[hour].add(figures)
        else:
            self.hours[hour] = figures
        self.mark, self._total = next(_marks), None


@dataclass(slots=True)
class _Sums:
    """What the rows of these names come to, which are those of a text."""

    columns: Columns
    text: str = ""
    names: set[str] = field(default_factory=set)
    added: dict[Key, Added] = field(default_factory=dict)

    def take(self, text: str, deltas: Mapping[str, Delta]) -> None:
        """Add the rows that are not in there yet."""
        new = [delta for name, delta in deltas.items() if name not in self.names]
        for (*key, hour), figures in summed(new, (*self.columns, "hour")).items():
            self.added.setdefault(tuple(key), Added()).take(int(hour), figures)
        self.text, self.names = text, set(deltas)


class Waiting:
    """The rows of one database that wait. What is asked about another set of rows than the last one is made
    anew, but for rows that were only added: readers are right whatever others have read meanwhile.
    """

    def __init__(self) -> None:
        self._text = ""
        self._deltas: dict[str, Delta] = {}
        self._sums: dict[Columns, _Sums] = {}

    async def lacking(self, reader: Reader, text: str | None) -> dict[str, Delta]:
        """The rows of this text that are not known yet.

        cost    none where all are; else a statement per fifty
        raises  NotDirectError      there are too many, or one is gone
                InvalidRollupError  one is damaged
        """
        names = _names(text)
        if len(names) > MOST_ROWS:
            raise NotDirectError
        unknown = [name for name in names if name not in self._deltas]
        found: dict[str, Delta] = {}
        for some in chunked(unknown, CHUNK):
            found |= zip(some, await _deltas(reader, some), strict=True)
        return found

    def at(self, text: str | None, found: Mapping[str, Delta], columns: Columns) -> Mapping[Key, Added]:
        """By the values of these columns, what the rows of this text add; good until somebody waits for
        something.

        raises  NotDirectError      there are too many, or some were forgotten meanwhile
                InvalidRollupError  a row is damaged
        """
        try:
            if (text or "") != self._text:
                self._go_to(text or "", found)
            sums = self._sums.get(columns)
            if sums is None or not sums.names <= self._deltas.keys():
                sums = _Sums(columns)
            if sums.text != self._text:
                sums.take(self._text, self._deltas)
            self._keep(sums)
        except InvalidRollupError:
            self._text, self._deltas, self._sums = "", {}, {}  # some of the row may be added already
            raise
        return sums.added

    def rows(self, text: str | None, found: Mapping[str, Delta]) -> Mapping[str, Delta]:
        """The rows of this text by name: with them for `found`, `at` does not fail for having forgotten some.

        raises  NotDirectError  as `at`
        """
        self.at(text, found, ())
        return self._deltas

    def _keep(self, sums: _Sums) -> None:
        if sums.columns not in self._sums and len(self._sums) == MOST_SUMS:
            del self._sums[next(iter(self._sums))]
        self._sums[sums.columns] = sums

    def _go_to(self, text: str, found: Mapping[str, Delta]) -> None:
        known = {**self._deltas, **found}
        try:
            deltas = {name: known[name] for name in _names(text)}
        except KeyError as error:
            raise NotDirectError from error
        if sum(delta.size for delta in deltas.values()) > MOST_CELLS:
            raise NotDirectError
        self._text, self._deltas = text, deltas


def _names(text: str | None) -> Sequence[str]:
    return text.split(",") if text else ()


async def _deltas(reader: Reader, names: Sequence[str]) -> list[Delta]:
    """These rows, each found by its id; a statement has room for fifty."""
    ids = [UUID(name) for name in names]
    padded = [*ids, *[ids[0]] * (CHUNK - len(ids))]
    rows = await reader.rows(_DELTAS, **dict(zip(_NAMES, padded, strict=True)))
    found = {_as_uuid(id_): ledger.from_row(_as_json(delta)) for id_, delta in rows}
    try:
        return [found[id_] for id_ in ids]
    except KeyError as error:  # folded, and pruned since
        raise NotDirectError from error


def _as_uuid(value: Any) -> UUID:
    return UUID(bytes=value) if isinstance(value, bytes) else value


def _as_json(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str) else value
