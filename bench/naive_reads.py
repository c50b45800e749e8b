"""The reads as one writes them first: strawberry as its docs recommend, with an async ORM and DataLoaders
over our tables, its own ASGI application, and its caches of documents on. It answers the queries as we do.

BENCH_DATABASE is SQLAlchemy's URL.
"""

from __future__ import annotations

import datetime as dt
import math
import os
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, ForeignKey, String, case, func, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, aliased, mapped_column, relationship
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache

from promptgraph.domain.prompt import prompt_global_id
from promptgraph.store.call_tables import CallId
from promptgraph.store.tables import Json, UtcDateTime

ROUND = dt.timedelta(hours=1)
engine = create_async_engine(os.environ["BENCH_DATABASE"], pool_size=8)
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class FamilyRow(Base):
    __tablename__ = "prompt_families"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str | None]
    latest_version: Mapped[int]
    retired_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class PromptRow(Base):
    __tablename__ = "prompts"
    id: Mapped[int] = mapped_column(primary_key=True)
    family_id: Mapped[int] = mapped_column(ForeignKey("prompt_families.id"))
    name: Mapped[str]
    version: Mapped[int]
    content_hash: Mapped[str]
    model: Mapped[str | None]
    messages: Mapped[Any] = mapped_column(Json)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    family: Mapped[FamilyRow] = relationship(lazy="joined", innerjoin=True)


class LabelRow(Base):
    __tablename__ = "prompt_labels"
    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]
    prompt_id: Mapped[int] = mapped_column(ForeignKey("prompts.id"))


class CallRow(Base):
    __tablename__ = "llm_calls"
    id: Mapped[UUID] = mapped_column(CallId, primary_key=True)
    prompt_id: Mapped[int]
    provider: Mapped[str | None]
    model: Mapped[str]
    status: Mapped[str] = mapped_column(String)
    input_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    cost_nano_usd: Mapped[int | None]
    latency_us: Mapped[int | None]
    conversation_id: Mapped[str | None]
    started_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


FACTS = ("provider", "model", "status", "input_tokens", "output_tokens", "conversation_id", "started_at")


@strawberry.enum
class TimeBin(Enum):
    HOUR = "HOUR"


@strawberry.enum
class MessageRole(Enum):
    SYSTEM = "system"
    USER = "user"


@strawberry.input
class Window:
    last: str


@strawberry.type
class Message:
    role: MessageRole
    content: str | None


@strawberry.type
class LlmCall:
    call_id: UUID
    provider: str | None
    model: str
    status: str
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: Decimal | None
    latency_ms: float | None
    conversation_id: str | None
    started_at: dt.datetime

    @classmethod
    def of(cls, row: CallRow) -> LlmCall:
        return cls(
            call_id=row.id,
            cost_usd=_usd(row.cost_nano_usd),
            latency_ms=None if row.latency_us is None else row.latency_us / 1000,
            **{name: getattr(row, name) for name in FACTS},
        )


@strawberry.type
class LlmCallConnection:
    nodes: list[LlmCall]


@strawberry.type
class LatencyStats:
    mean: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@strawberry.type
class Bin:
    since: dt.datetime
    calls: int
    errors: int
    cost_usd: Decimal
    latency_ms: LatencyStats


@strawberry.type
class Metrics:
    prompt_id: strawberry.Private[int]

    @strawberry.field
    async def series(self, bin: TimeBin) -> list[Bin]:
        _ = bin  # there is one
        return await stored_series(self.prompt_id)

    calls: int = 0
    error_share: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    latency_ms: LatencyStats = strawberry.field(default_factory=LatencyStats)


@strawberry.type
class Prompt:
    row_id: strawberry.Private[int]
    id: strawberry.ID
    name: str
    version: int
    content_hash: str
    description: str | None
    model: str | None
    is_latest: bool
    created_at: dt.datetime
    messages: list[Message]

    @classmethod
    def of(cls, row: PromptRow) -> Prompt:
        return cls(
            row_id=row.id,
            id=strawberry.ID(prompt_global_id(row.name, row.version)),
            name=row.name,
            version=row.version,
            content_hash=row.content_hash,
            description=row.family.description,
            model=row.model,
            is_latest=row.version == row.family.latest_version,
            created_at=row.created_at,
            messages=[
                Message(role=MessageRole(each["role"]), content=each["content"]) for each in row.messages
            ],
        )

    @strawberry.field
    async def llm_calls(self, info: strawberry.Info, first: int = 20) -> LlmCallConnection:
        rows = await info.context["loaders"].calls(first).load(self.row_id)
        return LlmCallConnection(nodes=[LlmCall.of(row) for row in rows])

    @strawberry.field
    async def metrics(self, info: strawberry.Info, window: Window | None = None) -> Metrics:
        if window is not None:  # only its series is asked for
            return Metrics(prompt_id=self.row_id)
        loaders: Loaders = info.context["loaders"]
        return await loaders.metrics.load(self.row_id)


@strawberry.type
class PromptConnection:
    nodes: list[Prompt]


@strawberry.type
class Query:
    @strawberry.field
    async def prompts(self, first: int = 20) -> PromptConnection:
        latest = PromptRow.version == FamilyRow.latest_version
        stmt = select(PromptRow).join(PromptRow.family).where(latest, FamilyRow.retired_at.is_(None))
        async with sessions() as session:
            rows = await session.scalars(stmt.order_by(PromptRow.name).limit(first))
        return PromptConnection(nodes=[Prompt.of(row) for row in rows])

    @strawberry.field
    async def prompt(self, name: str, label: str | None = None) -> Prompt | None:
        stmt = select(PromptRow).where(PromptRow.name == name)
        if label is None:
            stmt = stmt.join(PromptRow.family).where(PromptRow.version == FamilyRow.latest_version)
        else:
            stmt = stmt.join(LabelRow, LabelRow.prompt_id == PromptRow.id).where(LabelRow.label == label)
        async with sessions() as session:
            row = (await session.scalars(stmt)).first()
        return None if row is None else Prompt.of(row)


def _usd(nano: int | None) -> Decimal | None:
    return None if nano is None else Decimal(int(nano)) / 1_000_000_000


def quantile(values: Sequence[int], share: float) -> float | None:
    """Milliseconds, as PostgreSQL's percentile_disc has it, of sorted microseconds."""
    return values[math.ceil(share * len(values)) - 1] / 1000 if values else None


class Loaders:
    """One per request."""

    def __init__(self) -> None:
        self._calls: dict[int, DataLoader[int, list[CallRow]]] = {}
        self.metrics = DataLoader(load_fn=stored_metrics)

    def calls(self, first: int) -> DataLoader[int, list[CallRow]]:
        if first not in self._calls:

            async def load(ids: list[int]) -> list[list[CallRow]]:
                return await stored_calls(ids, first)

            self._calls[first] = DataLoader(load_fn=load)
        return self._calls[first]


async def stored_calls(ids: list[int], first: int) -> list[list[CallRow]]:
    order = (CallRow.started_at.desc(), CallRow.id.desc())
    rank = func.row_number().over(partition_by=CallRow.prompt_id, order_by=order).label("rank")
    ranked = select(CallRow, rank).where(CallRow.prompt_id.in_(ids)).subquery()
    call = aliased(CallRow, ranked)
    stmt = select(call).where(ranked.c.rank <= first).order_by(ranked.c.prompt_id, ranked.c.rank)
    found: defaultdict[int, list[CallRow]] = defaultdict(list)
    async with sessions() as session:
        for row in await session.scalars(stmt):
            found[row.prompt_id].append(row)
    return [found[id_] for id_ in ids]


async def stored_metrics(ids: list[int]) -> list[Metrics]:
    on_postgresql = engine.dialect.name == "postgresql"
    figures: list[ColumnElement[Any]] = [
        func.count(),
        func.avg(case((CallRow.status == "ERROR", 1.0), else_=0.0)),
        func.sum(CallRow.input_tokens),
        func.sum(CallRow.output_tokens),
        func.sum(CallRow.cost_nano_usd),
    ]
    if on_postgresql:
        figures += [func.percentile_disc(q).within_group(CallRow.latency_us) for q in (0.5, 0.95, 0.99)]
    stmt = select(CallRow.prompt_id, *figures).where(CallRow.prompt_id.in_(ids)).group_by(CallRow.prompt_id)
    latencies: defaultdict[int, list[int]] = defaultdict(list)
    async with sessions() as session:
        rows = (await session.execute(stmt)).all()
        if not on_postgresql:
            wanted = select(CallRow.prompt_id, CallRow.latency_us).where(
                CallRow.prompt_id.in_(ids), CallRow.latency_us.is_not(None)
            )
            for id_, latency in await session.execute(wanted.order_by(CallRow.latency_us)):
                latencies[id_].append(int(latency or 0))
    found = {}
    for id_, calls, share, sent, made, nano, *ranks in rows:
        values = latencies[id_]
        p50, p95, p99 = (
            [None if us is None else us / 1000 for us in ranks]
            if on_postgresql
            else [quantile(values, q) for q in (0.5, 0.95, 0.99)]
        )
        found[id_] = Metrics(
            prompt_id=id_,
            calls=calls,
            error_share=float(share),
            input_tokens=int(sent),
            output_tokens=int(made),
            cost_usd=_usd(nano) or Decimal(0),
            latency_ms=LatencyStats(p50=p50, p95=p95, p99=p99),
        )
    return [found.get(id_) or Metrics(prompt_id=id_) for id_ in ids]


async def stored_series(prompt_id: int) -> list[Bin]:
    """The last 30 days, hour by hour."""
    now = dt.datetime.now(dt.UTC)
    since = now - dt.timedelta(days=30)
    hour = (
        func.date_trunc("hour", CallRow.started_at)
        if engine.dialect.name == "postgresql"
        else func.strftime("%Y-%m-%dT%H:00:00+00:00", CallRow.started_at)
    ).label("hour")
    stmt = select(
        hour,
        func.count(),
        func.sum(case((CallRow.status == "ERROR", 1), else_=0)),
        func.sum(CallRow.cost_nano_usd),
        func.avg(CallRow.latency_us),
    ).where(CallRow.prompt_id == prompt_id, CallRow.started_at >= since)
    async with sessions() as session:
        rows = (await session.execute(stmt.group_by(hour))).all()
    found = {dt.datetime.fromisoformat(str(at)): figures for at, *figures in rows}
    bins, at = [], since.replace(minute=0, second=0, microsecond=0)
    while at < now:
        calls, errors, nano, mean = found.get(at, (0, 0, 0, None))
        latency = LatencyStats(mean=None if mean is None else float(mean) / 1000)
        bins.append(
            Bin(since=at, calls=calls, errors=errors, cost_usd=_usd(nano) or Decimal(0), latency_ms=latency)
        )
        at += ROUND
    return bins


class App(GraphQL[Any, None]):
    async def get_context(self, request: Request | Any, response: Response | Any) -> Any:
        return {"request": request, "response": response, "loaders": Loaders()}


schema = strawberry.Schema(Query, extensions=[ParserCache, ValidationCache])
app = Starlette(routes=[Route("/graphql", App(schema))])
