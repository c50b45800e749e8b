"""What `doctor` looks at, one function a line."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from promptgraph.cli.checking import check_folder, existing
from promptgraph.cli.output import counted
from promptgraph.cli.problems import counted_problems
from promptgraph.cli.registry import opened
from promptgraph.cli.revisions import look
from promptgraph.cli.surface import run
from promptgraph.config import PREFIX, Settings, unknown_variables
from promptgraph.domain.errors import PromptgraphError
from promptgraph.files.git import checkout
from promptgraph.store import migrate
from promptgraph.store.address import parse_address
from promptgraph.store.database import sqlite_is_mended

OK, WARN, FAIL = "ok", "warn", "fail"

PYTHON = (3, 11)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing looked at: ok, warn or fail, in words, and what to do about it."""

    check: str
    status: str
    message: str
    todo: str | None = None


def diagnose(settings: Settings) -> list[Line]:
    """Every line, in the order of CHECKS."""
    return [check(settings) for check in CHECKS]


def _python(_settings: Settings) -> Line:
    words = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    if tuple(map(int, platform.python_version_tuple()[:2])) < PYTHON:
        return Line("python", FAIL, words, "Install Python 3.11 or later.")
    return Line("python", OK, words)


def _sqlite(_settings: Settings) -> Line:
    words = f"SQLite {sqlite3.sqlite_version}"
    if sqlite_is_mended():
        return Line("sqlite", OK, words)
    return Line(
        "sqlite",
        WARN,
        f"{words} has the WAL-reset bug: two processes that write at once may lose a commit",
        "Install promptgraph[sqlite], or use PostgreSQL.",
    )


def _database(settings: Settings) -> Line:
    try:
        return run(_asked_database(settings))
    except PromptgraphError as error:
        return Line("database", FAIL, str(error))


async def _asked_database(settings: Settings) -> Line:
    path = parse_address(settings.database_url).path
    if path is not None and not path.exists():
        return Line("database", WARN, f"There is no file {path} yet", "Run: promptgraph db upgrade")
    async with opened(settings) as db:
        words = await db.describe()
        found = await look(db)
    for finding in found.findings[:1]:
        more = f" (and {len(found.findings) - 1} more)" if len(found.findings) > 1 else ""
        message, _, todo = finding.partition(" Run: ")
        todo = todo or ("promptgraph db check" if found.is_head else "")
        return Line("database", FAIL, f"{words}. {message}{more}", f"Run: {todo}" if todo else None)
    size = f", {path.stat().st_size / 1e6:.1f} MB" if path else ""
    notes = f", {counted(found.notes, 'note')} of the migration" if found.notes else ""
    return Line("database", OK, f"{words}, schema {migrate.head()}{size}{notes}")


def _variables(_settings: Settings) -> Line:
    strange = unknown_variables(os.environ)
    if not strange:
        return Line("variables", OK, f"Every {PREFIX} variable is a setting")
    return Line("variables", WARN, " ".join(strange), "Mend the name, or unset it.")


def _prompts(settings: Settings) -> Line:
    try:
        checked = check_folder(existing(settings.prompts_dir))
    except PromptgraphError as error:
        return Line("prompts", FAIL, str(error))
    count = counted(len(checked.tree.newest()), "prompt")
    words = f"{settings.prompts_dir}: {count}, {counted_problems(checked.problems)}"
    if checked.errors:
        return Line("prompts", FAIL, words, "Run: promptgraph check")
    return Line("prompts", WARN if checked.problems else OK, words)


def _git(settings: Settings) -> Line:
    if not settings.prompts_dir.is_dir():
        return Line("git", WARN, "Nothing to look at: there is no prompts folder")
    found = checkout(settings.prompts_dir)
    if found is None:
        return Line(
            "git",
            WARN,
            "No git checkout with a commit here",
            "Commit the prompts, so that versions know theirs.",
        )
    words = f"commit {found.commit_sha[:10]}, {counted(len(found.dirty), 'uncommitted file')}"
    if found.shallow:
        todo = "Fetch the whole history (fetch-depth: 0), so that a late deploy cannot turn back the clock."
        return Line("git", WARN, f"{words}, a shallow clone", todo)
    return Line("git", OK, words)


CHECKS: tuple[Callable[[Settings], Line], ...] = (_python, _sqlite, _database, _prompts, _git, _variables)
