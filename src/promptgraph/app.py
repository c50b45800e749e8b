"""Where everything is wired: settings in, an ASGI application out."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from promptgraph.client.documents import DOCUMENTS
from promptgraph.config import FIGURES_DIR, Mode, Settings, Unlinked, listed, load
from promptgraph.domain.content import policy_of
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
from promptgraph.record.keeping import Keeper
from promptgraph.record.own_prices import read_prices
from promptgraph.record.prices import PriceBook
from promptgraph.record.recorder import Recorder
from promptgraph.record.redaction import Redactor, hook_of
from promptgraph.record.traces import Traces
from promptgraph.store.address import STANDBY
from promptgraph.store.api_keys import StoredKeys, require_active_key
from promptgraph.store.database import Database
from promptgraph.store.legacy import UNCOUNTED, rebuild_is_due
from promptgraph.store.memory import RegistryMemory
from promptgraph.store.migrate import require_head, upgrade
from promptgraph.store.postgresql import Pool
from promptgraph.store.rebuild import rebuild
from promptgraph.store.replica import Replica
from promptgraph.store.watched import Around, Watched
from promptgraph.sync.apply import Options, Outcome, first_outcome, sync_tree
from promptgraph.web.application import Application, application
from promptgraph.web.board import Board
from promptgraph.web.figures import Sources
from promptgraph.web.gate import Gate
from promptgraph.web.http import Door
from promptgraph.web.operating import Operating
from promptgraph.web.origins import origins_of
from promptgraph.web.otlp import TracesDoor
from promptgraph.web.proxy import proxy_of
from promptgraph.web.readiness import Readiness
from promptgraph.web.shelf import Shelf
from promptgraph.web.spans import tracing_of
from promptgraph.web.streams import Streams, told_to_stop
from promptgraph.web.watch import Watch, names_in

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
    "settle",
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
    """As `create`, for one process of several: who starts them has prepared the database for all, and says
    where they put their figures together.

    raises  InvalidInputError  a setting is wrong
    """
    figures = os.environ.get(FIGURES_DIR)
    return settled(build(load(), prepared=True, figures=Path(figures) if figures else None))


def settle(figures: Path, living: Collection[int]) -> None:
    """Keep what counts on of processes that have ended, those not among the `living`."""
    Shelf(figures).settle(living)


def settled(app: Application) -> Application:
    """`app`, for a process that does nothing else: what was made so far stays for ever, and the garbage
    collector no longer looks at it, which took 80 ms each time.
    """
    gc.collect()
    gc.freeze()
    return app


def build(
    settings: Settings, *, now: Clock = clock, prepared: bool = False, figures: Path | None = None
) -> Application:
    """The application. It opens the database when it is started, and closes it when it is stopped.

    keys    prepared: somebody has awaited `prepare`; a start only looks whether the tables are right;
            figures: the folder in which several processes put theirs together
    raises  InvalidInputError  the database's URL is none, or the file of prices or of documents is wrong
    """
    tracing = tracing_of(wanted=settings.tracing == "otel")
    db = opened(settings, tracing.visit if tracing else None)
    replica = replica_of(db, settings)
    live, streams = Live(db.read), Streams()
    folder, recorder = recording(db, settings, now, live.wake)
    gate = Gate(StoredKeys(db) if settings.mode is Mode.PRODUCTION else None, now)
    is_open = settings.mode is Mode.DEVELOPMENT and not settings.only_trusted
    schema, registry = Schema(is_open=is_open), RegistryMemory(db)
    trusted = trusting(settings, schema)
    pipeline = Pipeline(
        schema,
        lambda: Context(db, recorder, live, now, settings.mode.value, settings.trace_url_template),
        limits=Limits(),
        seconds=Seconds(settings.execution_timeout_s, settings.sync_timeout_s),
        trusted=trusted,
        executing=Executing(settings.fast_path == "on", settings.shadow, registry, replica),
    )
    named = names_in((*DOCUMENTS, *trusted.texts.values()))
    watch = (tracing.watch if tracing else Watch)(named, settings.max_concurrency)
    sources = Sources(watch, pipeline, streams, recorder, db.pools)
    board = Board(sources.figures, None if figures is None else Shelf(figures))

    async def begin() -> None:
        await (require_head(db) if prepared else prepare(db, settings, now))
        await recorder.start()
        folder.start()
        board.start()

    # the recorder first: what it was given is written and answered
    ends = [live.stop, recorder.stop, folder.stop, gate.stop, board.stop]
    ends += [db.close] if replica is None else [replica.close, db.close]
    ends += [tracing.stop] if tracing else []
    body_s = settings.body_timeout_s
    door = Door(pipeline, gate, settings.allow_get, page=is_open, streams=streams, watch=watch, body_s=body_s)
    seconds, record = settings.execution_timeout_s, Traces(recorder).record
    return application(
        door,
        partial(serving, streams, begin, ends),
        settings.hosts,
        TracesDoor(gate, record, door.bulky, seconds, watch, body_s),
        Operating(readiness_of(db, registry), board, gate),
        origins=origins_of(listed(settings.cors_origins), reading=settings.allow_get),
        proxy=proxy_of(listed(settings.trusted_proxy), settings.proxy_user_header),
    )


@asynccontextmanager
async def serving(
    streams: Streams, begin: Callable[[], Awaitable[None]], ends: Sequence[Callable[[], Awaitable[None]]]
) -> AsyncIterator[None]:
    """Inside, everything is open that requests need; streams end as soon as the process is told to stop."""
    streams.ending.clear()
    try:
        await begin()
        with told_to_stop(streams.ending.set):
            yield
    finally:
        streams.ending.set()
        for end in ends:
            await end()


def readiness_of(db: Database, registry: RegistryMemory) -> Readiness:
    """What must hold before requests are sent to this process."""
    return Readiness(
        {"database": db.describe, "migrations": lambda: require_head(db), "registry": registry.check_fresh}
    )


def opened(settings: Settings, around: Around | None = None) -> Database:
    """The database, with no connection yet; its visits happen inside of what `around` gives.

    raises  InvalidInputError  its URL is none
    """
    made = Database if around is None else partial(Watched, around)
    return made(settings.database_url, pool=Pool(settings.pool_size, settings.pool_timeout_s))


def replica_of(db: Database, settings: Settings) -> Replica | None:
    """The standby that answers queries, if there is one.

    raises  InvalidInputError  its URL is none, or not of a PostgreSQL
    """
    if settings.replica_url is None:
        return None
    pool = Pool(settings.pool_size, settings.pool_timeout_s)
    try:
        standby = Database(settings.replica_url, pool=pool, wants=STANDBY)
    except InvalidInputError as error:
        raise InvalidInputError(f"PROMPTGRAPH_REPLICA_URL: {error}", field="replica_url") from error
    if {"postgresql"} != {db.dialect, standby.dialect}:
        raise InvalidInputError(
            "PROMPTGRAPH_REPLICA_URL: only a PostgreSQL has a standby that can be asked.", field="replica_url"
        )
    return Replica(db, standby, lag=settings.replica_lag_s)


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

    raises  InvalidInputError  the file of prices is wrong, or there is no such redaction hook
    """
    folder = Folder(db)
    prices = PriceBook() if settings.prices_file is None else read_prices(settings.prices_file)
    unlinked = settings.unlinked_calls is Unlinked.ACCEPT

    def wake() -> None:
        for tell in (folder.wake, *told):
            tell()

    days, keeper = settings.retention_days, keeping(settings)
    recorder = Recorder(
        db,
        prices,
        now=now,
        unlinked=unlinked,
        retention_days=days,
        keeper=keeper,
        wake=wake,
        pace=folder.pace,
    )
    return folder, recorder


def keeping(settings: Settings) -> Keeper:
    """What decides how much is stored of what calls are about.

    raises  InvalidInputError  there is no such redaction hook
    """
    key = settings.content_key
    redactor = None if settings.redact is None else Redactor(hook_of(settings.redact))
    return Keeper(policy_of(settings.content), key.get_secret_value() if key else None, redactor)


async def prepare(db: Database, settings: Settings, now: Clock = clock) -> None:
    """What comes before the first request: development mode migrates, counts adopted calls and syncs;
    production checks, and says what is missing.

    raises  StoreUnavailableError  out of reach, not at this release's revision, or without a key; it says
                                   what to do
    """
    if settings.mode is Mode.PRODUCTION:
        await require_head(db)
        await require_active_key(db, now())
        if await rebuild_is_due(db):
            log.warning(UNCOUNTED)
        return
    await upgrade(db)
    if await rebuild_is_due(db):
        await count_adopted(db)
    try:
        tell(await publish(db, settings.prompts_dir, now=now), settings.prompts_dir)
    except InvalidInputError as error:
        log.warning("The server starts with what the registry has. %s", error)


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
        log.warning("The server starts with what the registry has. %s", outcome.error)
    elif outcome.run is not None:
        log.info("Synced %s: %d added, %d unchanged.", folder, outcome.run.added, outcome.run.unchanged)
