"""What is known of requests: how many are under way, what became of the others, and a line in the log."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import Token
from dataclasses import dataclass, field
from time import perf_counter

from starlette.types import Message, Scope, Send

from promptgraph.domain.spread import SECONDS, Spread
from promptgraph.domain.visit import CURRENT, Visit, new_id
from promptgraph.graph.answer import Answer, Kind
from promptgraph.web.refusal import HttpRefusedError
from promptgraph.web.response import Headers

access = logging.getLogger("promptgraph.access")

AT_ONCE = 1_000
"""How many requests of one process may be under way."""
NAMES = 100
"""So many operations are counted by their names, beside those that are known beforehand."""
NAME_CHARACTERS = 64
NONE, ANONYMOUS, OTHER, TRACES = "(none)", "(anonymous)", "(other)", "(traces)"
"""No operation was found, one has no name, its name is not counted; and what comes by OTLP."""
STREAM, GONE, FAILED = "stream", "gone", "failed"
"""What may become of a request beside the kinds of answers: events, nobody to answer, a mistake of ours."""
RECALLED = "recalled"
DATA = Kind.DATA.name.lower()
COUNTED = frozenset(("/graphql", "/v1/traces"))
"""The doors of the API: what comes to them is counted by its operation."""
POLLED = frozenset(("/healthz", "/readyz", "/metrics"))
"""What is asked over and over: the log says nothing of it."""
KINDS = ((501, Kind.UNAVAILABLE.name.lower()), (500, FAILED), (400, Kind.MALFORMED.name.lower()), (0, DATA))
"""By the least HTTP status what became of a request whose door says nothing else."""
CROWDED = "Too many requests are under way here; try again."

REQUEST_ID = b"x-request-id"
_ID = re.compile(rb"[A-Za-z0-9._~:/+=-]{1,128}")
_NAME = re.compile(r"\b(?:query|mutation|subscription)\s+([_A-Za-z][_0-9A-Za-z]*)")


class Exchange(Visit):
    """A request by HTTP, and the `send` that its door is given: every answer has the request's id, and what
    `headers` says beside.
    """

    __slots__ = ("began", "headers", "place", "send", "status", "token")

    def __init__(self, scope: Scope, send: Send) -> None:
        # all that the dataclass would set, at a third of the time
        self.request_id = _id_of(scope["headers"])
        self.operation = self.key = self.user = None
        self.kind = self.path = ""
        self.codes = ()
        self.streams = False
        self.place: str = scope["path"]
        self.send = send
        self.status = 500
        self.headers: Headers = []
        self.token: Token[Visit] = CURRENT.set(self)
        self.began = perf_counter()

    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self.headers, (REQUEST_ID, self.request_id)]
        return self.send(message)


@dataclass(frozen=True, slots=True)
class Tally:
    """The requests for one operation: how many by what became of them, and how long they took."""

    kinds: Counter[str] = field(default_factory=Counter)
    times: Spread = field(default_factory=lambda: Spread(SECONDS))


class Watch:
    """The requests of one process. `known`: names of operations that always count by their own; `most`: how
    many requests may be under way.
    """

    def __init__(self, known: Iterable[str] = (), most: int = AT_ONCE) -> None:
        self.under_way = 0
        self.statuses: Counter[int] = Counter()
        self.codes: Counter[str] = Counter()
        self.tallies: dict[str, Tally] = {}
        self._known = {*known, TRACES}
        self._by_name: dict[str | None, Tally] = {}
        self._strangers = 0
        self._most = most

    def begun(self, scope: Scope, send: Send) -> Exchange:
        """A request has come."""
        self.under_way += 1
        return Exchange(scope, send)

    def check(self) -> None:
        """Nothing, unless more requests are under way than may be.

        raises  HttpRefusedError  503
        """
        if self.under_way > self._most:
            raise HttpRefusedError(503, CROWDED)

    def streams(self) -> None:
        """The request under way is answered by events from now on, and takes nobody's place."""
        CURRENT.get().streams = True
        self.under_way -= 1

    def ended(self, exchange: Exchange) -> None:
        """The answer is sent, or there is nobody to take it."""
        took = perf_counter() - exchange.began
        CURRENT.reset(exchange.token)
        if not exchange.streams:
            self.under_way -= 1
        if not exchange.kind:
            exchange.kind = STREAM if exchange.streams else _kind_of(exchange.status)
        if exchange.kind != GONE:
            self.statuses[exchange.status] += 1
        if exchange.place in COUNTED:
            self._count(exchange, took)
        if access.isEnabledFor(logging.INFO) and exchange.place not in POLLED:
            _say(exchange, took, exchange.place if exchange.place in COUNTED else OTHER, exchange.status)

    @contextmanager
    def message(self, place: str) -> Iterator[Visit]:
        """Inside, an operation is answered that came over a connection that stays open."""
        began, visit = perf_counter(), Visit(new_id())
        token = CURRENT.set(visit)
        try:
            yield visit
        finally:
            CURRENT.reset(token)
            took = perf_counter() - began
            visit.kind = visit.kind or (STREAM if visit.streams else GONE)
            self._count(visit, took)
            if access.isEnabledFor(logging.INFO):
                _say(visit, took, place, None)

    def _count(self, visit: Visit, took: float) -> None:
        tally = self._by_name.get(visit.operation) or self._tally(visit.operation)
        tally.kinds[visit.kind] += 1
        if not visit.streams:
            tally.times.add(took)
        for code in visit.codes:
            self.codes[code] += 1

    def _tally(self, operation: str | None) -> Tally:
        """That of an operation which comes for the first time, or has no name of its own here."""
        if operation and operation not in self._known:
            if self._strangers == NAMES or len(operation) > NAME_CHARACTERS:
                return self._named(OTHER)
            self._strangers += 1
        name = operation or (NONE if operation is None else ANONYMOUS)
        self._by_name[operation] = self._named(name)
        return self._by_name[operation]

    def _named(self, name: str) -> Tally:
        if name not in self.tallies:
            self.tallies[name] = Tally()
        return self.tallies[name]


def note(answer: Answer) -> None:
    """Say what becomes of the request under way."""
    visit = CURRENT.get()
    if answer.kind is Kind.DATA:
        visit.kind = DATA
    else:
        visit.kind = answer.kind.name.lower()
        visit.codes = [error["extensions"]["code"] for error in answer.payload.get("errors", ())]
    if answer.path is not None:
        visit.path = answer.path


def recalled(operation: str | None) -> None:
    """Say that the request under way gets an answer that was at hand, to this operation."""
    visit = CURRENT.get()
    visit.kind, visit.path, visit.operation = DATA, RECALLED, operation


def gone() -> None:
    """Say that nobody waits for the answer any more."""
    CURRENT.get().kind = GONE


def _kind_of(status: int) -> str:
    """What became of a request whose door says nothing but this."""
    return next(kind for least, kind in KINDS if status >= least)


def names_in(texts: Iterable[str]) -> Iterator[str]:
    """The names of the operations in documents; some other words, where a document has them."""
    return (name for text in texts for name in _NAME.findall(text))


def _id_of(headers: Headers) -> bytes:
    """The id that the client gave the request, if it is a sound one, else a new one."""
    for name, value in headers:
        if name == REQUEST_ID and _ID.fullmatch(value):
            return value
    return new_id()


def _say(visit: Visit, took: float, place: str, status: int | None) -> None:
    ms = round(took * 1000, 3)
    facts = {"place": place, "status": status, "duration_ms": ms, "kind": visit.kind, "path": visit.path}
    access.info(
        "%s %s %s %.1f ms",
        place,
        status or "",
        visit.kind,
        ms,
        extra={"visit": visit, "facts": {**facts, "codes": sorted(set(visit.codes))}},
    )
