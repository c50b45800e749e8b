"""The check that keeps all SQL within what the databases of the scale path share."""

from __future__ import annotations

import pytest
from sqlalchemy import UniqueConstraint, literal_column, select, text

from promptgraph.store.call_tables import LLM_CALLS
from promptgraph.store.database import Database
from promptgraph.store.direct import Statement
from tests.subset import FORBIDDEN, beyond, taken

BEYOND = {
    "SELECT nextval('s')": "sequence",
    "CREATE TABLE t (id BIGSERIAL)": "sequence",
    "LISTEN news": "notification",
    "SELECT pg_notify('a', 'b')": "notification",
    "CREATE TRIGGER t BEFORE INSERT ON a EXECUTE FUNCTION f()": "trigger, function or rule",
    "DO $$ BEGIN END $$": "trigger, function or rule",
    "ALTER TABLE t ADD EXCLUDE USING gist (r WITH &&)": "exclusion constraint",
    "CREATE TABLE t (a INT UNIQUE DEFERRABLE)": "deferrable constraint",
    "LOCK TABLE prompts": "table lock",
    "select id from t for  key share": "row lock that others lack",
    "SELECT id FROM t FOR UPDATE NOWAIT": "row lock that others lack",
    "SELECT pg_try_advisory_lock(1)": "advisory lock",
    "WITH a AS (DELETE FROM t RETURNING id) SELECT * FROM a": "data-modifying CTE",
    "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a": "data-modifying CTE",
    "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING": "upsert by anything but an id",
    "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1": "upsert by anything but an id",
    "MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE": "upsert by anything but an id",
    "SELECT * FROM t, LATERAL (SELECT 1) s": "lateral join",
    "SELECT DISTINCT ON (a) a FROM t": "DISTINCT ON",
    "SET search_path = x": "state of a session",
    "CREATE TEMP TABLE t (a INT)": "state of a session",
    "SELECT ctid FROM t": "column of the system",
    "COPY t FROM STDIN": "COPY",
}
WITHIN = [
    "SELECT 'LISTEN; LATERAL' AS \"ctid\" -- FOR SHARE",
    "SELECT /* LOCK TABLE */ E'it''s xmin' FROM t FOR UPDATE SKIP LOCKED",
    'INSERT INTO t SELECT * FROM unnest($1::bigint[]) ON CONFLICT ("id") DO NOTHING RETURNING "id"',
    "WITH RECURSIVE a AS (SELECT 1) SELECT * FROM a",
    "SET LOCAL lock_timeout = 1",
    "UPDATE t SET lock = 1, sequence = 2",
    "SELECT before_day FROM retention FOR SHARE",
    "SELECT * FROM t JOIN LATERAL (SELECT 1) AS calls ON true",
]


@pytest.mark.parametrize(("statement", "name"), BEYOND.items())
def test_what_others_lack_is_found(statement: str, name: str) -> None:
    """Each of them, in a statement of its own."""
    assert [name] == beyond(statement)


def test_every_rule_has_an_example() -> None:
    """So that none is there in vain."""
    assert set(FORBIDDEN) == set(BEYOND.values())


@pytest.mark.parametrize("statement", WITHIN)
def test_what_is_shared_or_only_quoted_is_not(statement: str) -> None:
    """Texts, comments and names are no SQL."""
    assert [] == beyond(statement)


@pytest.mark.parametrize("engine", ["postgres"])
async def test_statements_are_seen_whoever_sends_them(db: Database) -> None:
    """By a session, at once, and compiled: this test would fail at its end if it left them there."""
    read = Statement(lambda _: select(literal_column("DISTINCT ON (1) 1")))
    async with db.read() as session:
        await session.execute(text("SELECT ctid FROM registry"))
    await db.at_once(lambda driver: driver.exec_driver_sql("SELECT xmin FROM registry"))
    async with db.direct() as reader:
        await reader.rows(read)
    assert ["column of the system", "column of the system", "DISTINCT ON"] == [
        each.partition(":")[0] for each in taken()
    ]


def test_calls_are_unique_by_their_id_alone() -> None:
    """Any other unique key would have to be looked for on every shard."""
    assert ["id"] == [column.name for column in LLM_CALLS.primary_key]
    assert [] == [each for each in LLM_CALLS.constraints if isinstance(each, UniqueConstraint)]
    assert [] == [index for index in LLM_CALLS.indexes if index.unique]
