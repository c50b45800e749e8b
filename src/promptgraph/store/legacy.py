"""A database of old: what is there, what would become of it, and the way into the registry."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import ModuleType
from typing import Any

from alembic.util import CommandError
from sqlalchemy import (
    JSON,
    Boolean,
    Connection,
    DateTime,
    Enum,
    Float,
    Inspector,
    Integer,
    Numeric,
    String,
    func,
    inspect,
    select,
    table,
    text,
)

from promptgraph.domain.errors import InvalidInputError
from promptgraph.store import migrate
from promptgraph.store.call_tables import CALL_SCORES, LLM_CALLS, ROLLUP_STATE
from promptgraph.store.database import Database
from promptgraph.store.rollups import is_due
from promptgraph.store.tables import AGENTS, METADATA, NOTES, ORPHANS, PROMPTS

Kinds = tuple[tuple[type[Any], ...], str]

WHOLE: Kinds = (Integer,), "a whole number"
NUMBER: Kinds = (Integer, Numeric, Float), "a number"
WORDS: Kinds = (String, JSON, Enum), "text"
WORD: Kinds = (String, Enum, Integer, Boolean), "a word"
TIME: Kinds = (DateTime,), "a time"

TIMES = {"created_at": TIME, "updated_at": TIME}
TABLES: Mapping[str, Mapping[str, Kinds]] = {
    "agents": {"id": WHOLE, "name": WORDS, **TIMES},
    "prompts": {"id": WHOLE, "name": WORDS, "content": WORDS, "version": NUMBER, **TIMES},
    "llm_calls": {
        "id": WHOLE,
        "agent_id": WHOLE,
        "prompt": WORDS,
        "response": WORDS,
        "model": WORDS,
        "input_tokens": NUMBER,
        "output_tokens": NUMBER,
        "latency_ms": NUMBER,
        "status": WORD,
        **TIMES,
    },
    "prompt_usages": dict.fromkeys(("id", "prompt_id", "llm_call_id", "agent_id"), WHOLE)
    | {"created_at": TIME},
    "prompt_evaluations": dict.fromkeys(("id", "prompt_id", "llm_call_id"), WHOLE)
    | {"score": NUMBER, "comment": WORDS, "created_at": TIME},
}
"""The tables that the refactor found: every column, and what may be in it."""
GONE = ("llm_calls", "prompt_usages", "prompt_evaluations")

UNCOUNTED = "Adopted calls are not in the metrics yet. Run: promptgraph rollup rebuild"

_OF_OLD = ("legacy_baseline", "registry_tables")
"""At these revisions prompts have the columns of old still; at the next ones only calls have."""
_CALLS_OF_OLD = "registry_rows", "calls_tables"


@dataclass(frozen=True, slots=True)
class Orphans:
    """Rows of one table that find no place, for one reason; some of their ids."""

    table: str
    reason: str
    count: int
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a database of old holds and what its calls would become. With problems nothing can be adopted, and
    nothing was counted but rows.

    keys  rows: the tables' names · counts: as in the report · unknown_statuses: the word
    """

    revision: str | None
    adopted: bool = False
    rows: dict[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    unknown_statuses: dict[str, int] = field(default_factory=dict)
    orphans: tuple[Orphans, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What became of a database of old."""

    before: Inspection
    revision: str | None
    rows: dict[str, int]
    notes: tuple[migrate.LegacyNote, ...]


async def looked_at(db: Database) -> Inspection:
    """Which tables there are, and what keeps them from being adopted; rows are counted, not read.

    raises  StoreUnavailableError  out of reach, or migrated by a newer release
    """
    async with db.read() as session:
        return await (await session.connection()).run_sync(_looked_at)


async def inspected(db: Database) -> Inspection:
    """What there is and what would match; nothing is written.

    cost    one pass over the tables of calls
    raises  StoreUnavailableError  out of reach
    """
    async with db.read() as session:
        return await (await session.connection()).run_sync(_inspected)


async def adopted(db: Database) -> Adoption:
    """The tables of old become the registry's: all of it or nothing, in one transaction. The rollups do not
    count these calls before a rebuild.

    raises  InvalidInputError      a table or a row is not as expected, or a count does not come out right
            StoreUnavailableError  out of reach or busy
    """
    return await migrate.locked(db, _adopt)


async def rebuild_is_due(db: Database) -> bool:
    """Whether calls were adopted that no rollup counts yet: the database is at this release's revision.

    raises  StoreUnavailableError  out of reach
    """
    async with db.read() as session:
        return is_due(await session.scalar(select(ROLLUP_STATE.c.rebuild)))


def _adopt(connection: Connection) -> Adoption:
    before = _looked_at(connection)
    if before.adopted:
        raise InvalidInputError("There is nothing of old to adopt here: it is done already.")
    if before.problems:
        raise InvalidInputError(" ".join(("Nothing was changed.", *before.problems)))
    tally = migrate.upgrade_on(connection)["legacy_calls"]
    after, met = _rows_now(connection), _met(before, tally)
    _reconcile(met, after)
    revision = migrate.revision_of(connection)
    return Adoption(before=met, revision=revision, rows=after, notes=tuple(_notes(connection)))


def _reconcile(before: Inspection, after: Mapping[str, int]) -> None:
    """Every row of old must be somewhere: counted before, and counted again now."""
    counts = before.counts
    wanted = {name: before.rows[name] for name in ("prompts", "agents", "llm_calls")} | {
        "linked": counts.get("linkedByUsage", 0) + counts.get("linkedByText", 0),
        "call_scores": counts.get("scores", 0),
        "legacy_orphans": sum(orphans.count for orphans in before.orphans),
    }
    if wanted != dict(after):
        raise InvalidInputError(
            f"The counts do not come out right, so nothing was changed: {wanted}, {after}."
        )


def _rows_now(connection: Connection) -> dict[str, int]:
    """Adopted rows, by what they are."""
    c, s = LLM_CALLS.c, CALL_SCORES.c
    counts = {
        "prompts": select(func.count()).select_from(PROMPTS),
        "agents": select(func.count()).select_from(AGENTS),
        "llm_calls": select(func.count()).where(c.legacy_id.is_not(None)),
        "linked": select(func.count()).where(c.legacy_id.is_not(None), c.prompt_id.is_not(None)),
        "call_scores": select(func.count()).where(s.name == "evaluation", s.source == "legacy"),
        "legacy_orphans": select(func.count()).select_from(ORPHANS),
    }
    return {name: connection.execute(stmt).scalar_one() for name, stmt in counts.items()}


def _notes(connection: Connection) -> list[migrate.LegacyNote]:
    stmt = select(NOTES.c.subject, NOTES.c.legacy_id, NOTES.c.note).order_by(NOTES.c.id)
    return [migrate.LegacyNote(*row) for row in connection.execute(stmt)]


# ------------------------------------------------------------------ looking


def _inspected(connection: Connection) -> Inspection:
    found = _looked_at(connection)
    return found if found.adopted or found.problems else _foreseen(connection, found)


def _looked_at(connection: Connection) -> Inspection:
    revision = migrate.revision_of(connection)
    migrate.check_known(revision)
    if revision not in (None, *_OF_OLD, *_CALLS_OF_OLD):
        due = is_due(connection.execute(select(ROLLUP_STATE.c.rebuild)).scalar())
        notes = (UNCOUNTED,) if due else ()
        return Inspection(revision=revision, adopted=True, rows=_rows_now(connection), notes=notes)
    look = inspect(connection)
    names = {name: _name_now(name, revision) for name in TABLES}
    wanted = {n: c for n, c in TABLES.items() if n in GONE or revision in (None, *_OF_OLD)}
    present = {name for name in TABLES if look.has_table(names[name])}
    problems = [*_missing(look, present, revision)]
    problems += [p for n in wanted if n in present for p in _differences(look, names[n], wanted[n])]
    problems += [] if revision else _dependents(look)
    rows = {name: _count(connection, names[name]) for name in TABLES if name in present}
    return Inspection(revision=revision, rows=rows, problems=tuple(problems))


def _name_now(name: str, revision: str | None) -> str:
    return "legacy_llm_calls" if (name, revision) == ("llm_calls", "calls_tables") else name


def _count(connection: Connection, name: str) -> int:
    return connection.execute(select(func.count()).select_from(table(name))).scalar_one()


def _missing(look: Inspector, present: set[str], revision: str | None) -> list[str]:
    if not present:
        return ["This database holds none of the tables of old: " + ", ".join(TABLES) + "."]
    taken = set(look.get_table_names()) & (METADATA.tables.keys() - TABLES.keys()) if revision is None else ()
    return [
        *(f"There is no table {name}." for name in TABLES if name not in present),
        *(f"There is a table {name}, a name that the registry needs. Rename it." for name in sorted(taken)),
    ]


def _differences(look: Inspector, name: str, wanted: Mapping[str, Kinds]) -> list[str]:
    """How a table differs from the one of old, a sentence each."""
    found = {column["name"]: column["type"] for column in look.get_columns(name)}
    lacking = sorted(wanted.keys() - found.keys())
    strange = sorted(found.keys() - wanted.keys())
    sentences = [f"The table {name} lacks {', '.join(lacking)}."] if lacking else []
    if strange:
        sentences.append(
            f"The table {name} has columns that nobody expects, and their values would be lost: "
            f"{', '.join(strange)}. Copy what matters, then drop them."
        )
    for column, (kinds, words) in wanted.items():
        if column in found and not isinstance(found[column], kinds):
            sentences.append(f"The column {name}.{column} is {found[column]!r}; it should be {words}.")
    return sentences


def _dependents(look: Inspector) -> list[str]:
    """What else in this database needs a table that goes."""
    others = sorted(set(look.get_table_names()) - TABLES.keys())
    keys = [(other, key["referred_table"]) for other in others for key in look.get_foreign_keys(other)]
    ours = re.compile(rf"\b({'|'.join(TABLES)})\b")
    views = [v for v in sorted(look.get_view_names()) if ours.search(look.get_view_definition(v) or "")]
    return [
        *(f"The table {o} refers to {t}, which goes. Drop that foreign key." for o, t in keys if t in GONE),
        *(f"The view {view} reads tables that change. Drop it." for view in views),
    ]


# ------------------------------------------------------------------ foreseeing


def _foreseen(connection: Connection, found: Inspection) -> Inspection:
    """What the revision of the calls' rows would come to, by that revision's own words."""
    rules, source = _module("legacy_calls"), _module("legacy_rows")
    tally, calls = rules.Tally.empty(), _name_now("llm_calls", found.revision)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL datestyle TO 'ISO'"))
    of_old = found.revision in (None, *_OF_OLD)
    known = source.known(connection, calls, _module("legacy"), of_old=of_old)
    try:
        rules.adopt(source.old_rows(connection, calls), known, tally, lambda _: None)
    except CommandError as error:
        return replace(found, problems=(str(error),))
    return _met(found, tally)


def _met(found: Inspection, tally: Any) -> Inspection:
    """With what was met in the rows."""
    rules = _module("legacy_calls")
    return replace(
        found,
        counts={name: tally.counts[name] for name in sorted(tally.counts)},
        unknown_statuses=dict(tally.unknown.most_common(rules.NAMED)),
        orphans=tuple(
            Orphans(name, reason, count, tuple(tally.named[name, reason]))
            for (name, reason), count in sorted(tally.orphans.items())
        ),
        notes=tuple(sentence for _, sentence in rules.sentences(tally)),
    )


@cache
def _module(name: str) -> ModuleType:
    """One of the modules of the migrations, which are no package: what a revision does stays in one place."""
    path = migrate.alembic_folder() / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"promptgraph_alembic_{name}", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
