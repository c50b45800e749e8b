"""A sync of a folder into a database or through a server, once or at every change."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from watchfiles import awatch

from promptgraph.app import origin_of, publish, rehearse
from promptgraph.cli.output import say
from promptgraph.cli.plans import Synced
from promptgraph.cli.registry import opened
from promptgraph.cli.remote import Request, sync_over_http
from promptgraph.cli.surface import failure, run
from promptgraph.client.address import Server
from promptgraph.config import Mode, Settings
from promptgraph.domain.errors import ForbiddenError, InvalidInputError, PromptFilesError, PromptgraphError
from promptgraph.files.git import checkout, provenance
from promptgraph.files.read import SourceFile, read_files
from promptgraph.files.tree import parse_tree
from promptgraph.store import migrate
from promptgraph.store.database import Database
from promptgraph.sync.apply import Options, Outcome

MARGIN_S = 30
"""How much longer than a server's own limit its answer is waited for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to sync, and how."""

    folder: Path
    source: str = "default"
    options: Options = field(default_factory=Options)


async def synced(settings: Settings, wanted: Wanted) -> Synced:
    """One sync: through the server where one is set, else into the database.

    raises  StoreUnavailableError  out of reach; nothing was written
            ForbiddenError         a draft outside development mode
            InvalidInputError      a draft for a server
    """
    check_draft(settings, wanted.options)
    way = _through_server if settings.server else _into_database
    outcome = await way(settings, wanted)
    return Synced(wanted.folder, wanted.source, wanted.options.dry_run, outcome)


def check_draft(settings: Settings, options: Options) -> None:
    """Drafts are for a database of one's own."""
    if options.draft and settings.server:
        raise InvalidInputError(
            "A server takes no drafts; leave out --draft and --watch, or --server.", field="draft"
        )
    if options.draft and settings.mode is not Mode.DEVELOPMENT:
        raise ForbiddenError("Production mode knows no drafts; use --mode development.", field="draft")


async def _into_database(settings: Settings, wanted: Wanted) -> Outcome:
    """Development mode makes and migrates the database where that is due; production says what is
    missing. A dry run writes nothing at all.
    """
    async with opened(settings) as db:
        if wanted.options.dry_run:
            return await _planned(db, wanted)
        # a migration waits long for whoever writes; where none is due, "busy" is said at once
        if settings.mode is Mode.DEVELOPMENT and await migrate.current(db) != migrate.head():
            await migrate.upgrade(db)
        else:
            await migrate.require_head(db)
        return await publish(db, wanted.folder, source=wanted.source, options=wanted.options)


async def _planned(db: Database, wanted: Wanted) -> Outcome:
    if await migrate.current(db) is None:
        say("The database has no registry yet, so this is planned against an empty one.")
        return await rehearse(wanted.folder, source=wanted.source, options=wanted.options)
    await migrate.require_head(db)
    return await publish(db, wanted.folder, source=wanted.source, options=wanted.options)


async def _through_server(settings: Settings, wanted: Wanted) -> Outcome:
    """The server judges the files too; what cannot even be read here is not sent."""
    key = settings.api_key.get_secret_value() if settings.api_key else None
    server = Server.at(str(settings.server), key)
    if server.is_exposed:
        say(f"The API key travels to {server.url} unencrypted; use https.", "warning")
    origin = origin_of(checkout(wanted.folder), wanted.source)
    files, problems = read_files(wanted.folder)
    tree = parse_tree(files)
    errors = [problem for problem in (*problems, *tree.problems) if not problem.warning]
    if errors:
        words = "1 problem" if len(errors) == 1 else f"{len(errors)} problems"
        error = PromptFilesError(f"{words} in the prompt files; nothing was sent.")
        return Outcome(problems=tuple(dict.fromkeys([*problems, *tree.problems])), error=error)
    request = Request(_with_facts(files, wanted.folder), origin, wanted.options)
    return await sync_over_http(server, request, settings.sync_timeout_s + MARGIN_S)


def _with_facts(files: list[SourceFile], folder: Path) -> list[SourceFile]:
    """The files with the last commit of each, as far as git knows."""
    facts = provenance(folder)
    known = [(file, facts.get(file.path)) for file in files]
    return [
        replace(file, commit_sha=fact.commit_sha, author=fact.author, committed_at=fact.committed_at)
        if fact
        else file
        for file, fact in known
    ]


DEBOUNCE_MS = 200

TICK_MS = 300


def watch(settings: Settings, wanted: Wanted, give: Callable[[Synced], None]) -> None:
    """Syncs now and after each change, and gives each outcome; ends with Ctrl-C.

    raises  ForbiddenError · InvalidInputError  drafts are not for this place; see `check_draft`
    """
    check_draft(settings, wanted.options)
    with suppress(KeyboardInterrupt):
        run(_watching(settings, wanted, give))
    say("")  # below what the terminal shows of Ctrl-C
    say("No longer watching.")


async def _watching(settings: Settings, wanted: Wanted, give: Callable[[Synced], None]) -> None:
    """The watch begins before the first sync, so that no change falls between the two."""
    say(f"Watching {wanted.folder}; Ctrl-C ends it.")
    first = True
    async for changes in awatch(
        wanted.folder, debounce=DEBOUNCE_MS, rust_timeout=TICK_MS, yield_on_timeout=True
    ):
        if first or changes:
            await _once(settings, wanted, give)
        first = False


async def _once(settings: Settings, wanted: Wanted, give: Callable[[Synced], None]) -> None:
    """One sync; what stands in its way is said, and the watch goes on."""
    try:
        give(await synced(settings, wanted))
    except (PromptgraphError, OSError) as error:
        say(f"error: {failure(error)}", "error")
