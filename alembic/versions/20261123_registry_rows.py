"""Prompts and agents of old become the registry's.

What: each prompt keeps its id. Its content becomes one user message: a Jinja template where it holds nothing
but what legacy.py knows, verbatim (engine none) otherwise. Each name becomes a family; a name outside the
rule gets a slug and stays as a former name; a missing, impossible or doubled version gets the next free one.
Agents keep their ids and are undeclared; a missing or doubled name gets another. Whatever was changed stands
in legacy_notes. llm_calls, prompt_usages and prompt_evaluations stay as they are.
Why: a call points at one immutable version of a prompt.
Locks: prompts and agents, while their rows are rewritten: seconds for 100 000 rows.
The previous release: cannot run beside it; stop it first.
Down: ids, present names, versions and times stay. `content` is the text of a prompt's only message where
that is the user's, else the canonical JSON of its messages. updated_at is created_at. All else is lost.
"""

import datetime as dt
import re
from collections.abc import Iterable
from types import ModuleType
from typing import Any, NamedTuple

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "registry_rows"
down_revision = "registry_tables"
branch_labels = None
depends_on = None

JSON = ("messages", "config", "tools", "input_schema", "input_default", "output_schema", "partials")
TEXTS = ("content_hash", "engine", "model", "path", "commit_sha", "author", "url")
COLUMNS = (*JSON, *TEXTS, "family_id", "draft", "hash_scheme", "committed_at")
OPTIONAL = {"output_schema", "model", "path", "commit_sha", "author", "url", "committed_at"}


class Run(NamedTuple):
    """One run of this revision: the connection, the modules beside it, the notes so far, its instant."""

    bind: sa.Connection
    types: ModuleType
    legacy: ModuleType
    notes: list[dict[str, Any]]
    now: dt.datetime

    @property
    def postgresql(self) -> bool:
        return self.bind.dialect.name == "postgresql"

    def note(self, subject: str, id_: int, note: str) -> None:
        row = {"id": len(self.notes) + 1, "subject": subject, "legacy_id": id_, "note": note}
        self.notes.append(row)

    def type_of(self, column: str) -> Any:
        kinds = {"id": self.types.Id, "family_id": self.types.Id, "version": sa.Integer()}
        kinds |= {"draft": sa.Boolean(), "declared": sa.Boolean(), "hash_scheme": sa.Integer()}
        kinds |= {"latest_version": sa.Integer(), "legacy_id": sa.BigInteger()}
        kinds |= dict.fromkeys(("created_at", "committed_at"), self.types.Instant)
        kinds |= dict.fromkeys((*JSON, "former_names", "tags", "metadata"), self.types.Json)
        return kinds.get(column, sa.Text())

    def table(self, name: str, columns: Iterable[str]) -> sa.TableClause:
        return sa.table(name, *(sa.column(column, self.type_of(column)) for column in columns))


def this_run() -> Run:
    opts = op.get_context().opts
    run = Run(op.get_bind(), opts["columns"], opts["legacy"], [], dt.datetime.now(dt.UTC))
    if run.postgresql:
        op.execute("SET LOCAL TIME ZONE 'UTC'")
        op.execute("SET LOCAL datestyle TO 'ISO'")
    return run


def upgrade() -> None:
    run = this_run()
    upgrade_agents(run)
    upgrade_prompts(run)
    add_rows(run, "legacy_notes", run.notes)


# ------------------------------------------------------------------ rows of old, rows of now


def legacy_rows(run: Run, table: str, columns: Iterable[str]) -> list[dict[str, Any]]:
    """All rows by id, every value as text: SQLite lets a column hold anything."""
    kind = sa.Text if run.postgresql else sa.LargeBinary
    wanted = [sa.cast(sa.column(name), kind).label(name) for name in ("id", *columns)]
    rows = []
    for found in run.bind.execute(sa.select(*wanted).select_from(sa.table(table))).mappings():
        row = {name: as_text(value) for name, value in found.items()}
        if not re.fullmatch(r"-?[0-9]{1,19}", row["id"] or ""):
            raise CommandError(f"A row of {table} has the id {shown(row['id'])}, which is no whole number.")
        rows.append(row | {"id": int(row["id"])})
    return sorted(rows, key=lambda row: row["id"])


def as_text(value: bytes | str | None) -> str | None:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def shown(text: str | None) -> str:
    return "(none)" if text is None else repr(text[:200])


def created(run: Run, subject: str, row: dict[str, Any]) -> dt.datetime:
    """When a row was made: by its own word, else by the word of its last change, else now."""
    for column in ("created_at", "updated_at"):
        instant = run.legacy.instant(row[column])
        if instant is not None:
            return instant
        run.note(subject, row["id"], f"{column} was {shown(row[column])}, which is no instant.")
    return run.now


def add_rows(run: Run, table: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        run.bind.execute(sa.insert(run.table(table, rows[0])), rows)


def change_rows(run: Run, table: str, rows: list[dict[str, Any]]) -> None:
    """Write the columns of each row, by its id."""
    if not rows:
        return
    there = run.table(table, rows[0])
    # a parameter may not have the name of a column
    values = {c.name: sa.bindparam(f"new_{c.name}", type_=c.type) for c in there.c if c.name != "id"}
    key = sa.bindparam("new_id", type_=run.types.Id)
    changes = [{f"new_{name}": value for name, value in row.items()} for row in rows]
    run.bind.execute(sa.update(there).where(there.c.id == key).values(values), changes)


def widen_times(run: Run, table: str) -> None:
    """Let created_at hold aware instants before one is written; on SQLite it can."""
    if run.postgresql:
        op.alter_column(table, "created_at", existing_type=sa.TIMESTAMP(), type_=run.types.Instant)


def finish(run: Run, batch: Any) -> None:
    """What prompts and agents have in common."""
    batch.alter_column("id", existing_type=sa.BigInteger(), type_=run.types.Id, nullable=False)
    batch.alter_column("name", existing_type=sa.Text(), type_=run.types.Name, nullable=False)
    batch.alter_column("created_at", existing_type=sa.TIMESTAMP(), type_=run.types.Instant, nullable=False)
    batch.drop_column("updated_at")


# ------------------------------------------------------------------ agents


def upgrade_agents(run: Run) -> None:
    rows = legacy_rows(run, "agents", ("name", "created_at", "updated_at"))
    names = run.legacy.agent_names({row["id"]: row["name"] for row in rows})
    for column in ("description", "declared", "source"):
        op.add_column("agents", sa.Column(column, run.type_of(column)))
    widen_times(run, "agents")
    change_rows(run, "agents", [agent_row(run, row, names[row["id"]]) for row in rows])
    with op.batch_alter_table("agents") as batch:
        finish(run, batch)
        batch.alter_column("declared", existing_type=sa.Boolean(), nullable=False)
        batch.create_unique_constraint("uq_agents_name", ["name"])


def agent_row(run: Run, row: dict[str, Any], name: str) -> dict[str, Any]:
    if name != row["name"]:
        run.note("agent", row["id"], f"The name {shown(row['name'])} became {name}.")
    return {"id": row["id"], "name": name, "declared": False, "created_at": created(run, "agent", row)}


# ------------------------------------------------------------------ prompts


def upgrade_prompts(run: Run) -> None:
    rows = legacy_rows(run, "prompts", ("name", "content", "version", "created_at", "updated_at"))
    for column in COLUMNS:
        op.add_column("prompts", sa.Column(column, run.type_of(column)))
    widen_times(run, "prompts")
    names = run.legacy.prompt_names({row["id"]: row["name"] for row in rows})
    members: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        members.setdefault(names[row["id"]], []).append(row)
    families, prompts = [], []
    for family_id, (name, group) in enumerate(members.items(), 1):
        versions = run.legacy.versions({row["id"]: row["version"] for row in group})
        made = [prompt_row(run, row, name, versions[row["id"]]) for row in group]
        prompts += [row | {"family_id": family_id} for row in made]
        families.append(family_row(family_id, name, group[0]["name"], made))
    add_rows(run, "prompt_families", families)
    change_rows(run, "prompts", prompts)
    finish_prompts(run)


def prompt_row(run: Run, row: dict[str, Any], name: str, version: int) -> dict[str, Any]:
    """What becomes of one prompt, each change of it noted."""
    id_, text = row["id"], row["content"]
    if name != row["name"]:
        kept = "; the old one is kept as a former name" if row["name"] else ""
        run.note("prompt", id_, f"The name {shown(row['name'])} became {name}{kept}.")
    if str(version) != row["version"]:
        run.note("prompt", id_, f"The version {shown(row['version'])} became {version}.")
    if text is None:
        run.note("prompt", id_, "It had no content; its message is empty.")
    content = run.legacy.content(text or "")
    if content["engine"] == "none":
        run.note("prompt", id_, "Its content is no template that the registry knows: it is kept as it is.")
    empty = {"draft": False, "hash_scheme": 1, "config": {}, "tools": [], "input_default": {}, "partials": []}
    facts = {"id": id_, "name": name, "version": version, "created_at": created(run, "prompt", row)}
    return facts | content | empty


def family_row(family_id: int, name: str, old: str | None, made: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": family_id,
        "name": name,
        "former_names": [old] if old and old != name else [],
        "tags": [],
        "metadata": {},
        "source": "default",
        "latest_version": max(row["version"] for row in made),
        "search_text": f"{name}\n",
        "created_at": min(row["created_at"] for row in made),
    }


def finish_prompts(run: Run) -> None:
    with op.batch_alter_table("prompts") as batch:
        finish(run, batch)
        batch.drop_column("content")
        batch.alter_column("version", existing_type=sa.Integer(), nullable=False)
        for column in COLUMNS:
            if column not in OPTIONAL:
                batch.alter_column(column, existing_type=run.type_of(column), nullable=False)
        batch.create_unique_constraint("uq_prompts_name_version", ["name", "version"])
        batch.create_check_constraint(op.f("ck_prompts_version"), "version >= 1")
        batch.create_foreign_key(
            "fk_prompts_family_id", "prompt_families", ["family_id"], ["id"], ondelete="RESTRICT"
        )
    op.create_index("ix_prompts_family_id_version", "prompts", ["family_id", "version"])
    op.create_index("ix_prompts_created_at_id", "prompts", ["created_at", "id"])


# ------------------------------------------------------------------ the way back


def downgrade() -> None:
    run = this_run()
    for table in ("agent_prompts", "label_moves", "prompt_labels", "legacy_notes"):
        op.execute(sa.delete(sa.table(table)))
    downgrade_prompts(run)
    op.execute(sa.delete(sa.table("prompt_families")))
    with op.batch_alter_table("agents") as batch:
        batch.drop_constraint("uq_agents_name", type_="unique")
        for column in ("description", "declared", "source"):
            batch.drop_column(column)
        restore(run, batch)
    for table in ("prompts", "agents"):
        there = run.table(table, ("created_at", "updated_at"))
        op.execute(sa.update(there).values(updated_at=there.c.created_at))


def downgrade_prompts(run: Run) -> None:
    op.add_column("prompts", sa.Column("content", sa.Text()))
    there = run.table("prompts", ("id", "messages"))
    found = run.bind.execute(sa.select(there.c.id, there.c.messages))
    texts = [{"id": id_, "content": run.legacy.text(messages)} for id_, messages in found]
    change_rows(run, "prompts", texts)
    op.drop_index("ix_prompts_family_id_version", "prompts")
    op.drop_index("ix_prompts_created_at_id", "prompts")
    with op.batch_alter_table("prompts") as batch:
        batch.drop_constraint("fk_prompts_family_id", type_="foreignkey")
        batch.drop_constraint("uq_prompts_name_version", type_="unique")
        batch.drop_constraint(op.f("ck_prompts_version"), type_="check")
        for column in COLUMNS:
            batch.drop_column(column)
        batch.alter_column("version", existing_type=sa.Integer(), nullable=True)
        restore(run, batch)


def restore(run: Run, batch: Any) -> None:
    """What prompts and agents have in common, as it was."""
    batch.alter_column("name", existing_type=run.types.Name, type_=sa.Text(), nullable=True)
    batch.alter_column("created_at", existing_type=run.types.Instant, type_=sa.TIMESTAMP(), nullable=True)
    batch.add_column(sa.Column("updated_at", sa.TIMESTAMP()))
