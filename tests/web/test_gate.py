"""Who is let in, and how those are turned away who are not."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.domain.key_form import NO_KEY, Presented, make_key, presented
from promptgraph.domain.keys import ANYONE, Scope
from promptgraph.store.api_keys import StoredKeys, all_keys, revoke_key
from promptgraph.store.database import Database
from promptgraph.web.gate import FRESH_SECONDS, PER_ADDRESS, PER_KEY, Gate, address_of
from promptgraph.web.refusal import HttpRefusedError
from tests.hearing import heard
from tests.keys import made, now

HERE: dict[str, Any] = {"client": ("192.0.2.1", 1)}
THERE: dict[str, Any] = {"client": ("192.0.2.2", 1)}
HOUR = dt.timedelta(hours=1)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = now()
        self.ticks = 0.0

    def __call__(self) -> dt.datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += dt.timedelta(seconds=seconds)
        self.ticks += seconds


@pytest.fixture
def db(registry: Database) -> Database:
    """On SQLite alone: how keys are stored is looked at elsewhere."""
    return registry


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def gate(db: Database, clock: Clock) -> AsyncIterator[Gate]:
    """A gate that asks for keys; what it is still to write is written at the end."""
    opened = Gate(StoredKeys(db), clock, lambda: clock.ticks)
    yield opened
    await opened.stop()


async def refused(gate: Gate, sent: Presented, scope: dict[str, Any] = HERE) -> HttpRefusedError:
    with pytest.raises(HttpRefusedError) as caught:
        await gate.caller(sent, scope)
    return caught.value


async def test_without_keys_everybody_is_let_in() -> None:
    """Development mode: with a key, too, whatever it is."""
    gate = Gate(None, now)
    assert gate.at_hand(NO_KEY) is ANYONE
    assert await gate.caller(presented(make_key().text), HERE) is ANYONE


async def test_a_key_lets_in_with_what_it_may(gate: Gate, db: Database) -> None:
    """Looked up once, then it is at hand."""
    key = await made(db, Scope.READ, Scope.RECORD)
    sent = presented(key.secret)
    assert gate.at_hand(sent) is None
    caller = await gate.caller(sent, HERE)
    assert key.key.public_id == caller.public_id
    assert {Scope.READ, Scope.RECORD} == caller.scopes
    assert caller is gate.at_hand(sent)


async def test_whatever_is_wrong_is_refused_alike(gate: Gate, db: Database, clock: Clock) -> None:
    """No key, another secret, an unknown, an expired, a revoked one: one answer, after one statement each."""
    wrong = await made(db)
    expired, revoked = await made(db, lasts=HOUR, at=now()), await made(db)
    async with db.write() as session:
        await revoke_key(session, revoked.key.public_id, now())
    clock.move(3700)
    other = Presented(wrong.key.public_id, presented(make_key().text).secret_hash)
    sent = [NO_KEY, other, *(presented(each) for each in (make_key().text, expired.secret, revoked.secret))]
    statements: list[int] = []
    told = set()
    for each in sent * 2:
        with heard(db, lambda statement, _: statements.append(statement.startswith("SELECT"))):
            error = await refused(gate, each)
        told.add((error.status, str(error), tuple(error.headers.items())))
        assert 1 == sum(statements)
        statements.clear()
    ((status, _, headers),) = told
    assert (401, (("WWW-Authenticate", "Bearer"),)) == (status, headers)


async def test_a_key_is_looked_up_again(gate: Gate, db: Database, clock: Clock) -> None:
    """After two seconds: what was revoked by another process is refused then."""
    key = await made(db)
    sent = presented(key.secret)
    await gate.caller(sent, HERE)
    async with db.write() as session:
        await revoke_key(session, key.key.public_id, now())
    clock.move(FRESH_SECONDS - 0.1)
    assert gate.at_hand(sent) is not None
    clock.move(0.1)
    assert gate.at_hand(sent) is None
    assert 401 == (await refused(gate, sent)).status


async def test_a_key_ends_at_its_very_moment(gate: Gate, db: Database, clock: Clock) -> None:
    """However lately it was looked up."""
    sent = presented((await made(db, lasts=HOUR, at=clock())).secret)
    clock.move(3599.5)
    await gate.caller(sent, HERE)
    clock.move(0.4)
    assert gate.at_hand(sent) is not None
    clock.move(0.1)
    assert gate.at_hand(sent) is None
    assert 401 == (await refused(gate, sent)).status


async def test_its_use_is_kept_to_the_minute(db: Database, clock: Clock) -> None:
    """Beside the request, and no more than once a minute, however many processes there are."""
    key = await made(db)
    sent = presented(key.secret)
    written: list[str] = []
    for later in (0, 0, 59, 1, 30):
        clock.move(later)
        other = Gate(StoredKeys(db), clock)
        with heard(db, lambda statement, _: written.append(statement)):
            await other.caller(sent, HERE)
            await other.stop()
    assert 2 == sum(statement.startswith("UPDATE api_keys") for statement in written)
    async with db.read() as session:
        (kept,) = await all_keys(session)
    assert clock() - dt.timedelta(seconds=30) == kept.last_used_at


async def test_failures_have_a_budget_by_address(gate: Gate, db: Database) -> None:
    """Who fails too often is not listened to, elsewhere others are; who was let in before still is."""
    key, later = await made(db), await made(db)
    await gate.caller(presented(key.secret), HERE)
    for _ in range(PER_ADDRESS):
        assert 401 == (await refused(gate, NO_KEY)).status
    error = await refused(gate, presented(make_key().text))
    assert 429 == error.status
    assert 1 <= int(error.headers["Retry-After"]) <= 60
    assert 429 == (await refused(gate, presented(later.secret))).status
    assert (await gate.caller(presented(key.secret), HERE)).public_id == key.key.public_id
    assert (await gate.caller(presented(later.secret), THERE)).public_id == later.key.public_id


async def test_failures_have_a_budget_by_public_id(gate: Gate, db: Database) -> None:
    """From wherever they come; the key itself still opens, or anybody could keep its owner out."""
    key = await made(db)
    guess = Presented(key.key.public_id, presented(make_key().text).secret_hash)
    for number in range(PER_KEY):
        assert 401 == (await refused(gate, guess, {"client": (f"192.0.2.{number}", 1)})).status
    assert 429 == (await refused(gate, guess)).status
    assert (await gate.caller(presented(key.secret), HERE)).public_id == key.key.public_id


async def test_only_public_ids_are_logged(gate: Gate, db: Database, caplog: pytest.LogCaptureFixture) -> None:
    """No secret, nor its hash, of a key that is refused or let in."""
    wrong, key = make_key(), await made(db)
    with caplog.at_level(logging.DEBUG):
        await refused(gate, presented(wrong.text))
        await gate.caller(presented(key.secret), HERE)
        await gate.stop()
    assert wrong.public_id in caplog.text
    for each in (wrong.text, wrong.secret_hash, key.secret, presented(key.secret).secret_hash):
        assert each not in caplog.text
        assert each.split("_")[-2:][0] not in caplog.text


async def test_many_that_wait_share_a_look(gate: Gate, db: Database) -> None:
    """A thousand requests with one key, and the database is asked at most twice."""
    sent = presented((await made(db)).secret)
    asked: list[str] = []
    with heard(db, lambda statement, _: asked.append(statement)):
        await asyncio.gather(*(gate.caller(sent, HERE) for _ in range(1000)))
    assert sum("FROM api_keys" in statement for statement in asked) <= 2


async def test_a_database_out_of_reach_is_said(clock: Clock) -> None:
    """It is no reason to call a key wrong, nor to let it in."""
    away = Database("postgresql://someone:secret@127.0.0.1:1/none")
    gate = Gate(StoredKeys(away), clock)
    with pytest.raises(StoreUnavailableError):
        await gate.caller(presented(make_key().text), HERE)
    await away.close()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::9", "2001:db8::/64"),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.7"),
        ("testclient", "testclient"),
    ],
)
def test_an_address_is_one_subscribers(host: str, expected: str) -> None:
    """Of IPv6 the network counts: a subscriber has all of its addresses."""
    assert expected == address_of({"client": (host, 1)})


def test_a_socket_of_this_machine_has_no_address() -> None:
    assert "" == address_of({"client": None})
