"""API keys: made, listed, revoked, and looked up by their public ids."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.sql import ColumnElement

from promptgraph.domain.errors import (
    InvalidInputError,
    NotFoundError,
    StoreUnavailableError,
    TooManyRowsError,
)
from promptgraph.domain.key_form import make_key
from promptgraph.domain.keys import ApiKey, Bindings, KeptKey, NewApiKey, Scope
from promptgraph.store.database import Database, Session
from promptgraph.store.tables import API_KEYS

K = API_KEYS.c
MAX_ACTIVE = 1_000
USED_STEP = dt.timedelta(minutes=1)
"""So exactly is it known when a key was used last."""
KEYLESS = (
    "Production mode answers only who has a key, and none is active in this database. Run: promptgraph keys"
    " create --name NAME --scope read (the database is migrated; a key may have several scopes)."
)


class CreatedKey(NamedTuple):
    """A key that was made. `secret` is the whole key, which nobody can look up again."""

    key: ApiKey
    secret: str


async def create_key(session: Session, wanted: NewApiKey, at: dt.datetime) -> CreatedKey:
    """Make a key; another one of that name stays as it is, so that one can take the other's place.

    raises  InvalidInputError  it would have expired already
            TooManyRowsError   there are as many active keys as there may be
    cost    two statements
    """
    if wanted.expires_at is not None and wanted.expires_at <= at:
        raise InvalidInputError("A key must expire in the future.", field="expiresAt")
    active = await session.scalar(select(func.count()).select_from(API_KEYS).where(_is_active(at)))
    if (active or 0) >= MAX_ACTIVE:
        raise TooManyRowsError(
            f"There are {MAX_ACTIVE:,} active keys, which is as many as there may be: revoke some.",
            limit=MAX_ACTIVE,
        )
    made, bindings = make_key(wanted.bindings.environments), wanted.bindings
    values = {
        "public_id": made.public_id,
        "secret_hash": made.secret_hash,
        "name": wanted.name,
        "scopes": sorted(wanted.scopes),
        "agents": _stored(bindings.agents),
        "environments": _stored(bindings.environments),
        "name_prefix": bindings.name_prefix,
        "created_at": at,
        "expires_at": wanted.expires_at,
    }
    await session.execute(insert(API_KEYS).values(values))
    key = ApiKey(made.public_id, wanted.name, wanted.scopes, bindings, at, wanted.expires_at)
    return CreatedKey(key, made.text)


async def revoke_key(session: Session, public_id: str, at: dt.datetime) -> ApiKey:
    """Take a key back, for ever; one that was taken back before stays as it is.

    raises  NotFoundError  there is none with this public id
    cost    two statements
    """
    mine = K.public_id == public_id
    await session.execute(update(API_KEYS).where(mine, K.revoked_at.is_(None)).values(revoked_at=at))
    found = (await keys_by_public_id(session, [public_id])).get(public_id)
    if found is None:
        raise NotFoundError(
            "There is no key with this public id: it has 12 characters, as `promptgraph keys list` shows it.",
            field="publicId",
        )
    return found.key


async def all_keys(session: Session) -> list[ApiKey]:
    """Every key, revoked ones too, the newest first.

    cost  one statement
    """
    rows = await session.execute(select(API_KEYS).order_by(K.created_at.desc(), K.public_id))
    return [_kept(row).key for row in rows]


async def keys_by_public_id(session: Session, public_ids: Collection[str]) -> dict[str, KeptKey]:
    """The keys that there are of these.

    cost  one statement
    """
    rows = await session.execute(select(API_KEYS).where(K.public_id.in_(public_ids)))
    return {row.public_id: _kept(row) for row in rows}


async def require_active_key(db: Database, at: dt.datetime) -> None:
    """Nothing, where somebody has a key.

    raises  StoreUnavailableError  nobody has; it says what to do
    cost    one statement
    """
    async with db.read() as session:
        if await session.scalar(select(K.public_id).where(_is_active(at)).limit(1)) is None:
            raise StoreUnavailableError(KEYLESS)


class StoredKeys:
    """The keys of a database, as those who let callers in ask for them."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def find(self, public_ids: set[str]) -> dict[str, KeptKey | None]:
        """By public id the key, None where there is none.

        raises  StoreUnavailableError  the database is out of reach
        cost    one statement
        """
        async with self._db.read() as session:
            found = await keys_by_public_id(session, public_ids)
        return {public_id: found.get(public_id) for public_id in public_ids}

    async def used(self, public_id: str, at: dt.datetime) -> None:
        """Keep that a key was used, unless somebody did so within USED_STEP.

        raises  StoreUnavailableError  the database is out of reach, or busy
        cost    one statement
        """
        before = or_(K.last_used_at.is_(None), K.last_used_at <= at - USED_STEP)
        async with self._db.write() as session:
            await session.execute(
                update(API_KEYS).where(K.public_id == public_id, before).values(last_used_at=at)
            )


def _is_active(at: dt.datetime) -> ColumnElement[bool]:
    return K.revoked_at.is_(None) & or_(K.expires_at.is_(None), K.expires_at > at)


def _kept(row: Any) -> KeptKey:
    bindings = Bindings(_read(row.agents), _read(row.environments), row.name_prefix)
    scopes = frozenset(map(Scope, row.scopes))
    times = row.created_at, row.expires_at, row.revoked_at, row.last_used_at
    return KeptKey(ApiKey(row.public_id, row.name, scopes, bindings, *times), row.secret_hash)


def _stored(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def _read(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)
