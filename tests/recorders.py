"""The recorder of a test's database, and what tells its subscribers, as a server has them."""

from __future__ import annotations

import datetime as dt
from weakref import WeakKeyDictionary

from promptgraph.domain.content import policy_of
from promptgraph.graph.live import Live
from promptgraph.record.keeping import Keeper
from promptgraph.record.prices import PriceBook
from promptgraph.record.recorder import Recorder
from promptgraph.store.database import Database

NOW = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)
POLICY = policy_of("hashed=hashed,silent=none,mixed.output=none,mixed.variables=hashed")
"""What is stored of calls in environments of these names; of others, all."""
KEY = "k" * 32
_KNOWN: WeakKeyDictionary[Database, Recorder] = WeakKeyDictionary()
_LIVE: WeakKeyDictionary[Database, Live] = WeakKeyDictionary()


def recorder(db: Database) -> Recorder:
    """The one recorder of `db`; its clock stands at NOW. It starts with the first call."""
    if db not in _KNOWN:
        _KNOWN[db] = Recorder(db, PriceBook(), now=lambda: NOW, keeper=Keeper(POLICY, KEY))
    return _KNOWN[db]


def live(db: Database) -> Live:
    """What tells the subscribers of `db`; they begin and end it."""
    if db not in _LIVE:
        _LIVE[db] = Live(db.read)
    return _LIVE[db]
