"""A small data set for the tests of the bench."""

from __future__ import annotations

import asyncio
import datetime as dt
from functools import partial
from pathlib import Path

import pytest

from bench.filling import fill, within

CALLS = 1_500
END = dt.datetime.now(dt.UTC)


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with so many calls up to END."""
    path = tmp_path_factory.mktemp("bench") / "calls.db"
    asyncio.run(within(f"sqlite:///{path}", partial(fill, count=CALLS, end=END)))
    return path
