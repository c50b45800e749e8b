"""Who is let in: a key is looked up, remembered for two seconds, and looked up again."""

from __future__ import annotations

import asyncio
import datetime as dt
import hmac
import logging
import math
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple, Protocol

from starlette.types import Scope

from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.domain.key_form import NO_KEY, Presented
from promptgraph.domain.keys import ANYONE, Caller, KeptKey
from promptgraph.domain.keys import Scope as Scopes
from promptgraph.graph.remembered import Remembered
from promptgraph.record.gathering import Gathering
from promptgraph.web.budget import Budget
from promptgraph.web.refusal import HttpRefusedError

log = logging.getLogger("promptgraph.web")

FRESH_SECONDS = 2.0
"""How long a key is not looked up again, and how often that of an open stream is: twice this is the longest
that a revoked key opens anything.
"""
ROOM = 10_000
"""So many keys are remembered."""
PER_ADDRESS, PER_KEY = 60, 20
"""Failures in a minute."""
USED_SECONDS = 60.0
UNAUTHORIZED, TOO_MANY = 401, 429
REFUSED = (
    "A valid API key is needed. Clients and commands take it from PROMPTGRAPH_API_KEY; HTTP has it in one"
    " header, `Authorization: Bearer pg_…`."
)
CROWDED = "Too many requests came from there with no valid key; try again later."


SIGNED_IN = "promptgraph.user"
"""Where a request has the user that a trusted proxy names; no client can write there."""


class Keys(Protocol):
    """Where keys are kept."""

    async def find(self, public_ids: set[str]) -> dict[str, KeptKey | None]:
        """By public id the key, None where there is none."""
        raise NotImplementedError

    async def used(self, public_id: str, at: dt.datetime) -> None:
        """Keep that a key was used."""
        raise NotImplementedError


class _Known(NamedTuple):
    """Whose key it is, and until when that is sure."""

    caller: Caller
    until: float


class Gate:
    """Lets callers in by their keys; everybody, where there are no `keys`."""

    def __init__(
        self,
        keys: Keys | None,
        now: Callable[[], dt.datetime],
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """units  ticks: seconds"""
        self._keys = keys
        self._now = now
        self._ticks = ticks
        self._known: Remembered[Presented, _Known] = Remembered(ROOM)
        self._found: Gathering[KeptKey | None] | None = None if keys is None else Gathering(keys.find)
        self._addresses, self._ids = Budget(PER_ADDRESS), Budget(PER_KEY)
        self._noting: dict[str, asyncio.Task[None]] = {}

    def at_hand(self, sent: Presented) -> Caller | None:
        """Who asks, if that is sure without a look."""
        if self._keys is None:
            return ANYONE
        known = self._known.get(sent)
        return known.caller if known is not None and self._ticks() < known.until else None

    async def caller(self, sent: Presented, scope: Scope) -> Caller:
        """Who asks. What is refused is refused alike and after the same work, whatever is wrong with the key.

        raises  HttpRefusedError       401; 429 where this came too often from there, or with this public id
                StoreUnavailableError  the database is out of reach
        cost    one statement every FRESH_SECONDS for each key; those that wait share one
        """
        if (found := self.at_hand(sent)) is not None:
            return found
        if _is_signed_in(sent, scope):
            return signed_in(scope[SIGNED_IN])
        where = address_of(scope)
        # who was let in before is not kept out by what others do at the same address
        if self._known.get(sent) is None and (seconds := self._addresses.wait(where)):
            raise _refusal(seconds)
        found = await self._look(sent)
        if found is not None:
            return found
        self._addresses.fail(where)
        seconds = 0.0
        if sent is not NO_KEY:
            log.info("Refused the key %s.", sent.public_id)
            # counted, yet looked at: whoever knows a public id could keep its owner out otherwise
            seconds = self._ids.wait(sent.public_id)
            self._ids.fail(sent.public_id)
        raise _refusal(seconds)

    async def until_refused(self, sent: Presented, scope: Scope) -> None:
        """Wait until the key opens nothing any more. Whom a proxy has let in, it sends away itself."""
        if self._keys is None or _is_signed_in(sent, scope):
            await asyncio.Event().wait()
        while True:
            await asyncio.sleep(FRESH_SECONDS)
            try:
                if self.at_hand(sent) is None and await self._look(sent) is None:
                    return
            except StoreUnavailableError:
                continue  # nobody knows; there is nothing to be told meanwhile

    async def stop(self) -> None:
        """Wait for what is still to be written."""
        if self._noting:
            await asyncio.wait(self._noting.values())

    async def _look(self, sent: Presented) -> Caller | None:
        """Who asks, by a look at the database; None: nobody who may."""
        if self._found is None:
            return ANYONE
        began = self._ticks()
        kept = (await self._found.find({sent.public_id}))[sent.public_id]
        at = self._now()
        same = hmac.compare_digest(sent.secret_hash, kept.secret_hash if kept else NO_KEY.secret_hash)
        if kept is None or not same or not kept.key.is_active(at):
            self._known.drop(sent)
            return None
        expires, caller = kept.key.expires_at, kept.key.caller
        left = math.inf if expires is None else (expires - at).total_seconds()
        self._known.put(sent, _Known(caller, began + min(FRESH_SECONDS, left)), 1)
        used = kept.key.last_used_at
        if used is None or (at - used).total_seconds() >= USED_SECONDS:
            self._note(sent.public_id, at)
        return caller

    def _note(self, public_id: str, at: dt.datetime) -> None:
        """Have it written that a key was used; no request waits for it."""
        if self._keys is None or public_id in self._noting:
            return
        task = asyncio.create_task(self._keys.used(public_id, at), name="promptgraph key used")
        self._noting[public_id] = task
        task.add_done_callback(lambda done: self._noted(public_id, done))

    def _noted(self, public_id: str, task: asyncio.Task[None]) -> None:
        del self._noting[public_id]
        if not task.cancelled() and (error := task.exception()):
            log.debug("It was not written that the key %s was used. %s", public_id, error)


def signed_in(user: str) -> Caller:
    """Who comes by way of a trusted proxy and without a key: a user, who may read."""
    return Caller(None, user, frozenset((Scopes.READ,)))


def _is_signed_in(sent: Presented, scope: Scope) -> bool:
    return sent == NO_KEY and scope.get(SIGNED_IN) is not None


def address_of(scope: Scope) -> str:
    """Where a request comes from: the client's address; of IPv6 the network, which is one subscriber's."""
    host = (scope.get("client") or ("",))[0]
    try:
        address = ip_address(host)
    except ValueError:
        return str(host)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, 64), strict=False))
    return str(host)


def _refusal(seconds: float) -> HttpRefusedError:
    if seconds:
        return HttpRefusedError(TOO_MANY, CROWDED, {"Retry-After": str(math.ceil(seconds))})
    return HttpRefusedError(UNAUTHORIZED, REFUSED, {"WWW-Authenticate": "Bearer"})
