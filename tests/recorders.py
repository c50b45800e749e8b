"""The recorder of a test's database, as a server has one."""

from __future__ import annotations

import datetime as dt
from weakref import WeakKeyDictionary

from promptgraph.record.prices import PriceBook
from promptgraph.record.recorder import Recorder
from promptgraph.store.database import Database

NOW = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)
_KNOWN: WeakKeyDictionary[Database, Recorder] = WeakKeyDictionary()


def recorder(db: Database) -> Recorder:
    """The one recorder of `db`; its clock stands at NOW. It starts with the first call."""
    if db not in _KNOWN:
        _KNOWN[db] = Recorder(db, PriceBook(), now=lambda: NOW)
    return _KNOWN[db]
