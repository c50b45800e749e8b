"""Keys as they are stored."""

from __future__ import annotations

import datetime as dt

import pytest

from promptgraph.domain.errors import (
    InvalidInputError,
    NotFoundError,
    StoreUnavailableError,
    TooManyRowsError,
)
from promptgraph.domain.key_form import presented
from promptgraph.domain.keys import Bindings, Scope
from promptgraph.store import api_keys
from promptgraph.store.api_keys import all_keys, keys_by_public_id, require_active_key, revoke_key
from promptgraph.store.database import Database
from tests.keys import made

NOW = dt.datetime(2026, 11, 22, 10, 0, 0, 123, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
BOUND = Bindings(frozenset({"b", "a"}), frozenset({"staging"}), "support/")


async def test_a_key_comes_back_as_it_was_made(db: Database) -> None:
    """Scopes, bindings and instants, and the hash of the secret for the secret."""
    key, secret = await made(db, Scope.RECORD, Scope.READ, bindings=BOUND, lasts=HOUR, at=NOW)
    async with db.read() as session:
        kept = await keys_by_public_id(session, [key.public_id, "000000000000"])
    assert {key.public_id: (key, presented(secret).secret_hash)} == kept
    assert {Scope.READ, Scope.RECORD} == key.scopes
    assert (BOUND, NOW + HOUR) == (key.bindings, key.expires_at)


async def test_the_newest_comes_first(db: Database) -> None:
    """Revoked ones are listed, too."""
    old, new = [(await made(db, at=NOW + HOUR * later)).key for later in range(2)]
    async with db.write() as session:
        gone = await revoke_key(session, old.public_id, NOW + HOUR)
    async with db.read() as session:
        assert [new, gone] == await all_keys(session)


async def test_what_was_revoked_stays_so(db: Database) -> None:
    """Since the first time."""
    key = (await made(db, at=NOW)).key
    for later in range(2):
        async with db.write() as session:
            gone = await revoke_key(session, key.public_id, NOW + HOUR * later)
        assert NOW == gone.revoked_at
    with pytest.raises(NotFoundError):
        async with db.write() as session:
            await revoke_key(session, "no key", NOW)


async def test_a_key_ends_after_it_began(db: Database) -> None:
    """One that would be of no use from the start is not made."""
    for lasts in (dt.timedelta(), -HOUR):
        with pytest.raises(InvalidInputError) as caught:
            await made(db, lasts=lasts, at=NOW)
        assert "expiresAt" == caught.value.field


async def test_there_are_so_many_and_no_more(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Active ones count."""
    monkeypatch.setattr(api_keys, "MAX_ACTIVE", 2)
    first, _ = [(await made(db, at=NOW)).key for _ in range(2)]
    with pytest.raises(TooManyRowsError):
        await made(db, at=NOW)
    async with db.write() as session:
        await revoke_key(session, first.public_id, NOW)
    await made(db, at=NOW)


async def test_somebody_has_a_key_or_nobody(db: Database) -> None:
    """One that is expired or revoked is none."""
    with pytest.raises(StoreUnavailableError, match="promptgraph keys create"):
        await require_active_key(db, NOW)
    key = (await made(db, lasts=HOUR, at=NOW)).key
    await require_active_key(db, NOW)
    with pytest.raises(StoreUnavailableError):
        await require_active_key(db, NOW + HOUR)
    async with db.write() as session:
        await revoke_key(session, key.public_id, NOW)
    with pytest.raises(StoreUnavailableError):
        await require_active_key(db, NOW)
