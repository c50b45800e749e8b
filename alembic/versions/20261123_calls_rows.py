"""Calls of old become the registry's.

What: each row of the llm_calls of old becomes a call with a UUID made from its id, which stays as legacy_id.
Its prompt is that of its earliest usage; without one, the prompt whose text is the call's; without that, the
text stays as legacy_prompt_text. Responses become outputs, evaluations scores (evaluation, of legacy). Rows
and values without a place go to the new table legacy_orphans; legacy_notes tells how many of what. Then
legacy_llm_calls, prompt_usages and prompt_evaluations go.
Why: analytics derive from the calls of a prompt; a text stands in one place.
Locks: the tables of calls, while rows are converted: some minutes for a million calls.
The previous release: cannot run beside it; stop it first.
Down: every call is back, with its number of old; calls recorded since are numbered after the highest of old,
their contents but the output, costs and scores are lost. A linked call has one usage, of its prompt and time,
and its prompt's text. The orphans go back where they were.
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "calls_rows"
down_revision = "calls_tables"
branch_labels = None
depends_on = None

OLD = "legacy_llm_calls"
GONE = ("prompt_usages", "prompt_evaluations", OLD)
PAGE = 2_000
UNKNOWN_MODEL = "unknown"
BIG, TEXT, TIME = sa.BigInteger(), sa.Text(), sa.TIMESTAMP()
TABLES = {
    OLD: {
        "agent_id": BIG,
        "prompt": TEXT,
        "response": TEXT,
        "model": TEXT,
        "input_tokens": BIG,
        "output_tokens": BIG,
        "latency_ms": BIG,
        "status": TEXT,
        "created_at": TIME,
        "updated_at": TIME,
    },
    "prompt_usages": {"prompt_id": BIG, "llm_call_id": BIG, "agent_id": BIG, "created_at": TIME},
    "prompt_evaluations": {
        "prompt_id": BIG,
        "llm_call_id": BIG,
        "score": sa.Float(),
        "comment": TEXT,
        "created_at": TIME,
    },
}


class Run(NamedTuple):
    """One run of this revision: the connection, and the modules beside it."""

    bind: sa.Connection
    types: ModuleType
    legacy: ModuleType
    calls: ModuleType
    rows: ModuleType

    @property
    def sqlite(self) -> bool:
        return self.bind.dialect.name == "sqlite"

    def type_of(self, column: str) -> Any:
        kinds: dict[str, Any] = dict.fromkeys(("started_at", "recorded_at", "created_at"), self.types.Instant)
        kinds |= dict.fromkeys(("messages", "finish_reasons", "output", "row"), self.types.Json)
        kinds |= dict.fromkeys(("prompt_id", "agent_id", "legacy_id", "latency_us"), BIG)
        kinds |= dict.fromkeys(("input_tokens", "output_tokens"), BIG) | {"value": sa.Double()}
        kinds |= {"call_id": self.types.CallId}
        return kinds.get(column, TEXT)

    def table(self, name: str, columns: Iterable[str], id_type: Any = None) -> sa.TableClause:
        """A table of now."""
        types = {c: id_type if c == "id" and id_type is not None else self.type_of(c) for c in columns}
        return sa.table(name, *(sa.column(column, type_) for column, type_ in types.items()))

    def add(self, table: str, rows: list[dict[str, Any]], id_type: Any = None) -> None:
        if rows:
            self.bind.execute(sa.insert(self.table(table, rows[0], id_type)), rows)

    def count(self, table: str, where: str = "1 = 1") -> int:
        stmt = sa.select(sa.func.count()).select_from(sa.table(table)).where(sa.text(where))
        return self.bind.execute(stmt).scalar_one()

    def end_reading(self) -> None:
        """A table that a cursor is still open on could not be dropped; the driver leaves them open."""
        if not self.sqlite:
            op.execute("CLOSE ALL")

    def pages(self, stmt: Any) -> Iterator[list[Any]]:
        with self.bind.execute(stmt.execution_options(yield_per=PAGE)) as result:
            for page in result.mappings().partitions():
                yield list(page)


def this_run() -> Run:
    opts = op.get_context().opts
    run = Run(op.get_bind(), opts["columns"], opts["legacy"], opts["legacy_calls"], opts["legacy_rows"])
    if not run.sqlite:
        op.execute("SET LOCAL TIME ZONE 'UTC'")
        op.execute("SET LOCAL datestyle TO 'ISO'")
    return run


def upgrade() -> None:
    run = this_run()
    create_orphans(run)
    before = {table: run.count(table) for table in GONE}
    tally = run.calls.Tally.empty()
    known = run.rows.known(run.bind, OLD, run.legacy, of_old=False)
    run.calls.adopt(run.rows.old_rows(run.bind, OLD), known, tally, partial(write, run))
    reconcile(run, before, tally)
    add_notes(run, run.calls.sentences(tally))
    op.get_context().opts["told"]["legacy_calls"] = tally
    if before[OLD]:
        op.execute("UPDATE rollup_state SET rebuild = 'due', rebuild_at = NULL")
    run.end_reading()
    for table in GONE:
        op.drop_table(table)
    drop_indexes(run)


def drop_indexes(run: Run) -> None:
    """Indexes of old on the tables that stay, by the names that Rails gives; others are left alone."""
    look = sa.inspect(run.bind)
    for table in ("agents", "prompts"):
        for index in look.get_indexes(table):
            if (name := index["name"] or "").startswith(f"index_{table}_on_"):
                op.drop_index(name, table)


def create_orphans(run: Run) -> None:
    op.create_table(
        "legacy_orphans",
        sa.Column("id", run.types.Id, nullable=False, autoincrement=False),
        sa.Column("subject", run.types.Name, nullable=False),
        sa.Column("legacy_id", BIG, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("row", run.types.Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_legacy_orphans"),
    )
    op.create_index("ix_legacy_orphans_subject_legacy_id", "legacy_orphans", ["subject", "legacy_id"])


def write(run: Run, page: Any) -> None:
    if run.sqlite:
        for rows, key in (
            (page.llm_calls, "id"),
            (page.call_contents, "call_id"),
            (page.call_scores, "call_id"),
        ):
            for row in rows:
                row[key] = row[key].bytes
    first = run.count("legacy_orphans") + 1 if page.legacy_orphans else 0
    for number, row in enumerate(page.legacy_orphans, first):
        row["id"] = number
    run.add("llm_calls", page.llm_calls, run.types.CallId)
    run.add("call_contents", page.call_contents)
    run.add("call_scores", page.call_scores)
    run.add("legacy_orphans", page.legacy_orphans, run.types.Id)


def reconcile(run: Run, before: dict[str, int], tally: Any) -> None:
    """Stop, if one row of old is neither in its new place nor among the orphans."""
    lost: Counter[str] = Counter()
    for (table, reason), number in tally.orphans.items():
        lost[table] += number if reason != run.calls.ODD else 0
    linked = run.count("llm_calls", "legacy_id IS NOT NULL AND prompt_id IS NOT NULL")
    scores = run.count("call_scores", "name = 'evaluation' AND source = 'legacy'")
    found = {
        "calls": run.count("llm_calls", "legacy_id IS NOT NULL"),
        "usages": linked - tally.counts["linkedByText"] + lost["prompt_usages"],
        "evaluations": scores + lost["prompt_evaluations"],
    }
    wanted = {"calls": before[OLD], "usages": before[GONE[0]], "evaluations": before[GONE[1]]}
    if found != wanted:
        raise CommandError(f"Of {wanted} in the tables of old {found} were found again; nothing was changed.")


def add_notes(run: Run, told: list[tuple[str, str]]) -> None:
    last = run.bind.execute(sa.text("SELECT max(id) FROM legacy_notes")).scalar() or 0
    rows = [{"id": n, "subject": subject, "note": note} for n, (subject, note) in enumerate(told, last + 1)]
    run.add("legacy_notes", rows, run.types.Id)


# ------------------------------------------------------------------ the way back


def downgrade() -> None:
    run = this_run()
    for table, columns in TABLES.items():
        op.create_table(
            table,
            sa.Column("id", run.types.Id, nullable=False, autoincrement=False),
            *(sa.Column(name, type_) for name, type_ in columns.items()),
            sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        )
    restore_calls(run, restore_orphans(run))
    run.end_reading()
    for table in ("rollups", "record_batches", "call_scores", "call_contents", "llm_calls"):
        op.execute(sa.delete(sa.table(table)))
    op.execute("UPDATE rollup_state SET generation = 1, rebuild = NULL, rebuild_at = NULL")
    op.execute("DELETE FROM legacy_notes WHERE subject IN ('llm_call', 'prompt_usage', 'prompt_evaluation')")
    op.drop_table("legacy_orphans")


def put_back(run: Run, table: str, rows: list[dict[str, Any]]) -> None:
    columns = {"id": run.types.Id} | TABLES[table]
    made = [{name: restored(run, columns[name], row.get(name)) for name in columns} for row in rows]
    if made:
        there = sa.table(table, *(sa.column(name, type_) for name, type_ in columns.items()))
        run.bind.execute(sa.insert(there), made)


def restored(run: Run, type_: Any, value: Any) -> Any:
    """A value as a column of old holds it; None where it cannot."""
    if isinstance(type_, sa.TIMESTAMP):
        at = run.legacy.instant(value) if isinstance(value, str) else value
        return at and at.astimezone(dt.UTC).replace(tzinfo=None)
    if isinstance(type_, sa.Text) or value is None:
        return None if value is None else str(value)
    found = run.calls.number(value)
    if isinstance(type_, sa.Float):
        return float(value if found is None else found) if is_float(value) else None
    return round(found) if found is not None and abs(found) <= run.rows.MAX_ID else None


def is_float(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def restore_orphans(run: Run) -> dict[str, int]:
    """Put usages and evaluations without a place back; the highest ids that were met, by table."""
    highest = dict.fromkeys(TABLES, 0)
    there = run.table("legacy_orphans", ("id", "subject", "row"), run.types.Id)
    stmt = sa.select(there.c.subject, there.c.row).where(there.c.subject != "llm_calls").order_by(there.c.id)
    for page in run.pages(stmt):
        for table in GONE[:2]:
            rows = [found["row"] for found in page if found["subject"] == table]
            put_back(run, table, rows)
            highest[table] = max([highest[table], *(row["id"] for row in rows)])
            # a new call must not get the number that a usage of a missing call names
            calls = (row["llm_call_id"] for row in rows if isinstance(row["llm_call_id"], int))
            highest[OLD] = max([highest[OLD], *calls])
    return highest


def restore_calls(run: Run, highest: dict[str, int]) -> None:
    old = run.bind.execute(sa.text("SELECT max(legacy_id) FROM llm_calls")).scalar() or 0
    highest[OLD] = max(highest[OLD], old)
    prompts = run.table("prompts", ("id", "messages"), run.types.Id)
    texts = {id_: run.legacy.text(messages) for id_, messages in run.bind.execute(sa.select(prompts))}
    for page in run.pages(everything(run)):
        made: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES}
        for row in page:
            call = old_call(row, next_id(highest, OLD, row["legacy_id"]), texts)
            made[OLD].append(call)
            shared = {"prompt_id": row["prompt_id"], "llm_call_id": call["id"]}
            if row["prompt_id"] is not None:
                usage = {"agent_id": row["agent_id"], "created_at": row["started_at"]}
                made["prompt_usages"].append(shared | usage | {"id": next_id(highest, "prompt_usages")})
            if row["scored_at"] is not None:
                score = {"score": row["value"], "comment": row["comment"], "created_at": row["scored_at"]}
                made["prompt_evaluations"].append(
                    shared | score | {"id": next_id(highest, "prompt_evaluations")}
                )
        for table, rows in made.items():
            put_back(run, table, rows)


def next_id(highest: dict[str, int], table: str, own: int | None = None) -> int:
    if own is None:
        highest[table] += 1
    return highest[table] if own is None else own


def everything(run: Run) -> Any:
    """Each call with its output, its score of old and its values without a place; those of old first."""
    calls = run.table("llm_calls", CALLS, run.types.CallId)
    contents = run.table("call_contents", ("call_id", "output"))
    scores = run.table("call_scores", ("call_id", "name", "source", "value", "comment", "created_at"))
    orphans = run.table("legacy_orphans", ("subject", "legacy_id", "row"))
    c, s, o = calls.c, scores.c, orphans.c
    name, source = run.calls.SCORE
    mine = sa.and_(s.call_id == c.id, s.name == name, s.source == source)
    odd = sa.and_(o.subject == "llm_calls", o.legacy_id == c.legacy_id)
    joined = (
        calls.outerjoin(contents, contents.c.call_id == c.id).outerjoin(scores, mine).outerjoin(orphans, odd)
    )
    wanted = (
        *calls.c,
        contents.c.output,
        s.value,
        s.comment,
        s.created_at.label("scored_at"),
        o.row.label("odd"),
    )
    return (
        sa.select(*wanted)
        .select_from(joined)
        .order_by(c.legacy_id.is_(None), c.legacy_id, c.started_at, c.id)
    )


CALLS = (
    *("id", "prompt_id", "agent_id", "model", "status", "error_type", "input_tokens", "output_tokens"),
    *("latency_us", "started_at", "recorded_at", "legacy_id", "legacy_prompt_text"),
)


def old_call(row: Any, id_: int, texts: dict[int, str]) -> dict[str, Any]:
    made = {
        "id": id_,
        "agent_id": row["agent_id"],
        "prompt": texts.get(row["prompt_id"], row["legacy_prompt_text"]),
        "response": as_text(row["output"]),
        "model": row["model"],
        "input_tokens": row["input_tokens"],
        "output_tokens": row["output_tokens"],
        "latency_ms": None if row["latency_us"] is None else row["latency_us"] / 1000,
        "status": "ok" if row["status"] == "OK" else row["error_type"],
        "created_at": row["started_at"],
        "updated_at": row["recorded_at"],
    }
    if row["legacy_id"] is None:
        made["status"] = made["status"] or "error"
    elif row["model"] == UNKNOWN_MODEL:
        made["model"] = None
    return made | (row["odd"] or {})


def as_text(output: Any) -> str | None:
    """An output as the text that a response was."""
    if output is None or isinstance(output, str):
        return output
    return json.dumps(output, ensure_ascii=False)
