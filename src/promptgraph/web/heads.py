"""What the headers of a request say, read once for all requests that say the same."""

from __future__ import annotations

from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.types import Scope

from promptgraph.domain.key_form import Presented
from promptgraph.domain.keys import Caller
from promptgraph.graph.remembered import Remembered
from promptgraph.web.bearer import HEADER, key_in
from promptgraph.web.media import check_json, codings_of, negotiated, takes_events
from promptgraph.web.refusal import HttpRefusedError
from promptgraph.web.revision import LEAST_REVISION, least_revision

WATCHED = frozenset(
    name.encode()
    for name in (
        "accept",
        HEADER,
        "content-encoding",
        "content-type",
        "graphql-cost",
        "sec-fetch-site",
        "transfer-encoding",
        LEAST_REVISION,
    )
)
"""The headers that say anything here: a head is read from these alone."""
COST_WANTED = ("1", "report")
ROOM = 1024 * 1024
BESIDE = 1024
"""What a head takes beside its bytes."""

Told = tuple[tuple[bytes, bytes], ...]


class Head(NamedTuple):
    """`media`: the form that is wanted most; `events`: the answer may be a stream of them; `tell_cost`: the
    answer says what it cost; `site`: whose page asks, by the browser; `least`: the revision of the registry
    that is needed; `types`, `codings`: of the body; `is_plain`: the answer depends on nothing else here than
    its form and who asks; `key`: what says who that is.
    """

    media: str
    events: bool
    tell_cost: bool
    site: str
    least: int | None
    types: str
    codings: str
    key: Presented
    is_json: bool
    is_plain: bool

    def recalls(self, caller: Caller) -> bool:
        """Whether the answer may be one that was given to others: one from the registry alone, which takes
        READ and no more, and is the same for all who are not bound.
        """
        return self.is_plain and caller.reads_freely

    def check_json(self) -> None:
        """Nothing, where the body is plain JSON.

        raises  HttpRefusedError  415
        """
        if not self.is_json:
            check_json(self.types, self.codings)


def told(scope: Scope) -> Told:
    """The headers of a request that say anything here."""
    return tuple([pair for pair in scope["headers"] if pair[0] in WATCHED])


def accepted(found: Told) -> str:
    """The Accept header."""
    return ", ".join(value.decode("latin-1") for name, value in found if name == b"accept")


class Heads:
    """The heads that were read lately."""

    def __init__(self, room: int = ROOM) -> None:
        self._known: Remembered[Told, Head] = Remembered(room)

    def read(self, found: Told) -> Head:
        """What these headers say.

        raises  HttpRefusedError  406, 400
        """
        if (known := self._known.get(found)) is not None:
            return known
        head = read_head(found)
        self._known.put(found, head, BESIDE + 3 * sum(len(value) for _, value in found))
        return head


def read_head(found: Told) -> Head:
    """What these headers say.

    raises  HttpRefusedError  406, 400
    """
    headers, accept = Headers(raw=list(found)), accepted(found)
    events, tell_cost = takes_events(accept), headers.get("graphql-cost") in COST_WANTED
    types, codings = ", ".join(headers.getlist("content-type")), codings_of(headers)
    is_json = _is_json(types, codings)
    return Head(
        negotiated(accept),
        events,
        tell_cost,
        headers.get("sec-fetch-site", "none"),
        least_revision(", ".join(headers.getlist(LEAST_REVISION))),
        types,
        codings,
        key_in(headers.getlist(HEADER)),
        is_json=is_json,
        is_plain=is_json and not events and not tell_cost,
    )


def _is_json(types: str, codings: str) -> bool:
    try:
        check_json(types, codings)
    except HttpRefusedError:
        return False
    return True
