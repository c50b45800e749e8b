"""Where everything is wired: settings in, an ASGI application out."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from promptgraph.client.documents import DOCUMENTS
from promptgraph.config import Mode, Settings, Unlinked, load
from promptgraph.domain.errors import InvalidInputError, StoreUnavailableError
from promptgraph.domain.registry import SyncOrigin
from promptgraph.domain.tree import Tree
from promptgraph.files.git import Checkout, checkout, provenance
from promptgraph.files.tree import read_tree
from promptgraph.graph.admission import check_fit, chosen
from promptgraph.graph.apollo import apollo_files
from promptgraph.graph.documents import Documents
from promptgraph.graph.evolution import SchemaChange, SchemaChanges, changes_since
from promptgraph.graph.executors import Executing
from promptgraph.graph.fast.explaining import Explanation, explained
from promptgraph.graph.guard import Limits
from promptgraph.graph.live import Live
from promptgraph.graph.loaders import Context
from promptgraph.graph.pipeline import Pipeline
from promptgraph.graph.schema import Schema, sdl
from promptgraph.graph.standard import Seconds
from promptgraph.graph.trusted import Trusted, read_trusted
from promptgraph.record.folder import Folder
from promptgraph.record.own_prices import read_prices
from promptgraph.record.prices import PriceBook
from promptgraph.record.recorder import Recorder
from promptgraph.record.traces import Traces
from promptgraph.store.database import Database
from promptgraph.store.legacy import UNCOUNTED, rebuild_is_due
from promptgraph.store.memory import RegistryMemory
from promptgraph.store.migrate import require_head, upgrade
from promptgraph.store.rebuild import rebuild
from promptgraph.sync.apply import Options, Outcome, first_outcome, sync_tree
from promptgraph.web.application import Application, application
from promptgraph.web.http import Door
from promptgraph.web.otlp import TracesDoor
from promptgraph.web.streams import Streams, told_to_stop

log = logging.getLogger("promptgraph.app")

Clock = Callable[[], dt.datetime]
__all__ = [
    "Explanation",
    "SchemaChange",
    "SchemaChanges",
    "apollo_files",
    "build",
    "changes_since",
    "clock",
    "create",
    "create_worker",
    "explain",
    "origin_of",
    "prepare",
    "publish",
    "rehearse",
    "sdl",
    "settled",
]


def clock() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def create() -> Application:
    """The application by the environment's settings, for servers that import `promptgraph.app:create`.

    raises  InvalidInputError  a setting is wrong
    """
    return settled(build(load()))


def create_worker() -> Application:
    """As `create`, for one process of several: who starts them has prepared the database for all.

    raises  InvalidInputError  a setting is wrong
    """
    return settled(build(load(), prepared=True))


def settled(app: Application) -> Application:
    """`app`, for a process that does nothing else: what was made so far stays for ever, and the garbage
    collector no longer looks at it, which took 80 ms each time.
    """
    gc.collect()
    gc.freeze()
    return app


def build(settings: Settings, *, now: Clock = clock, prepared: bool = False) -> Application:
    """The application. It opens the database when it is started, and closes it when it is stopped.

    keys    prepared: somebody has awaited `prepare`; a start only looks whether the tables are right
    raises  InvalidInputError  the database's URL is none, or the file of prices or of documents is wrong
    """
    db = Database(settings.database_url)
    live, streams = Live(db.read), Streams()
    folder, recorder = recording(db, settings, now, live.wake)
    is_open = settings.mode is Mode.DEVELOPMENT and not settings.only_trusted
    schema = Schema(is_open=is_open)
    pipeline = Pipeline(
        schema,
        lambda: Context(db, recorder, live, now, settings.mode.value, settings.trace_url_template),
        limits=Limits(),
        seconds=Seconds(settings.execution_timeout_s, settings.sync_timeout_s),
        trusted=trusting(settings, schema),
        executing=Executing(settings.fast_path == "on", settings.shadow, RegistryMemory(db)),
    )

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        streams.ending.clear()
        try:
            await (require_head(db) if prepared else prepare(db, settings, now))
            await recorder.start()
            folder.start()
            with told_to_stop(streams.ending.set):
                yield
        finally:
            streams.ending.set()
            await live.stop()
            await recorder.stop()  # first: what it was given is written and answered
            await folder.stop()
            await db.close()

    door = Door(pipeline, settings.allow_get, page=is_open, streams=streams)
    traces = TracesDoor(Traces(recorder).record, door.bulky, settings.execution_timeout_s)
    return application(door, running, settings.hosts, traces)


def trusting(settings: Settings, schema: Schema) -> Trusted:
    """The documents that clients may ask for by id, and whether they are all there is.

    raises  InvalidInputError  the file of documents is missing or wrong
    """
    only, path = settings.only_trusted, settings.trusted_documents
    if path is not None:
        documents = Documents(schema.core, Limits(), introspection=schema.is_open)
        found = read_trusted(path, documents, only=only)
        return found.with_texts(DOCUMENTS) if only else found
    if only:
        raise InvalidInputError(
            "Only trusted documents are to be executed, but there is no file of them: set"
            " PROMPTGRAPH_TRUSTED_DOCUMENTS.",
            field="trusted_documents",
        )
    return Trusted()


def recording(
    db: Database, settings: Settings, now: Clock, *told: Callable[[], None]
) -> tuple[Folder, Recorder]:
    """What writes calls, and what keeps the rollups close behind; each of `told` is called after a commit.

    raises  InvalidInputError  the file of prices is wrong
    """
    folder = Folder(db)
    prices = PriceBook() if settings.prices_file is None else read_prices(settings.prices_file)
    unlinked = settings.unlinked_calls is Unlinked.ACCEPT

    def wake() -> None:
        for tell in (folder.wake, *told):
            tell()

    days = settings.retention_days
    recorder = Recorder(
        db, prices, now=now, unlinked=unlinked, retention_days=days, wake=wake, pace=folder.pace
    )
    return folder, recorder


async def prepare(db: Database, settings: Settings, now: Clock = clock) -> None:
    """What comes before the first request: development mode migrates, counts adopted calls and syncs;
    production checks, and says what is missing.

    raises  StoreUnavailableError  out of reach, or not at this release's revision; it says what to do
    """
    if settings.mode is Mode.PRODUCTION:
        await require_head(db)
        if await rebuild_is_due(db):
            log.warning(UNCOUNTED)
        return
    await upgrade(db)
    if await rebuild_is_due(db):
        await count_adopted(db)
    try:
        tell(await publish(db, settings.prompts_dir, now=now), settings.prompts_dir)
    except InvalidInputError as error:
        log.warning("%s The server starts with what the registry has.", error)


async def count_adopted(db: Database) -> None:
    """Make the figures anew, and say so; a failure is no reason not to start."""
    try:
        log.info("The metrics count %d calls now, adopted ones too.", await rebuild(db))
    except StoreUnavailableError as error:
        log.warning("%s %s", error, UNCOUNTED)


async def publish(
    db: Database,
    folder: Path,
    *,
    source: str = "default",
    options: Options = Options(),  # noqa: B008  # frozen
    now: Clock = clock,
) -> Outcome:
    """Sync a folder into the database, with what git knows of it.

    raises  InvalidInputError      there is no such folder
            StoreUnavailableError  the database is out of reach; nothing was written
    """
    tree, origin = await asyncio.to_thread(_read, folder, source)
    return await sync_tree(db, tree, origin, options, now=now)


def explain(text: str, name: str | None = None) -> Explanation:
    """How the fast path answers an operation of a GraphQL document.

    raises  InvalidInputError  it is no document of this schema, or has no such operation
    """
    schema = Schema(is_open=True)
    prepared = Documents(schema.core, Limits(), introspection=True).prepare(text)
    operation = chosen(prepared, name)
    check_fit(prepared)
    return explained(schema, prepared, operation)


async def rehearse(folder: Path, *, source: str, options: Options) -> Outcome:
    """What `publish` would come to in a registry that holds nothing yet; no database is opened.

    raises  InvalidInputError  there is no such folder
    """
    tree, origin = await asyncio.to_thread(_read, folder, source)
    return first_outcome(tree, origin, options)


def _read(folder: Path, source: str) -> tuple[Tree, SyncOrigin]:
    origin = origin_of(checkout(folder), source)
    return read_tree(folder, provenance(folder), origin.url), origin


def origin_of(found: Checkout | None, source: str) -> SyncOrigin:
    """Who syncs, by git's facts. A shallow clone cannot count its commits."""
    if found is None:
        return SyncOrigin(source=source)
    return SyncOrigin(
        source=source,
        commit_sha=found.commit_sha,
        sequence=None if found.shallow else found.sequence,
        author=found.author,
        committed_at=found.committed_at,
        url=found.url,
    )


def tell(outcome: Outcome, folder: Path) -> None:
    """Write down what a sync at start came to: what it refused, the server starts without."""
    for problem in outcome.problems:
        log.log(logging.INFO if problem.warning else logging.WARNING, "%s/%s", folder, problem)
    if outcome.error is not None:
        log.warning("%s The server starts with what the registry has.", outcome.error)
    elif outcome.run is not None:
        log.info("Synced %s: %d added, %d unchanged.", folder, outcome.run.added, outcome.run.unchanged)
