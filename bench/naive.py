"""What one writes first: strawberry's own ASGI application with its caches of documents on, an ORM, and a
session and a transaction per request, as durable as ours.

It knows the fields that the bench sends, checks no value and keeps no figures. BENCH_DATABASE is SQLAlchemy's
URL.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import strawberry
from sqlalchemy import BigInteger, ForeignKey, event, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache


class Base(DeclarativeBase):
    pass


class NaivePrompt(Base):
    __tablename__ = "naive_prompts"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class NaiveCall(Base):
    __tablename__ = "naive_calls"
    id: Mapped[str] = mapped_column(primary_key=True)
    prompt_id: Mapped[int] = mapped_column(ForeignKey("naive_prompts.id"), index=True)
    model: Mapped[str]
    provider: Mapped[str]
    input_tokens: Mapped[int] = mapped_column(BigInteger)
    output_tokens: Mapped[int] = mapped_column(BigInteger)
    latency_ms: Mapped[float]


@strawberry.input
class CallInput:
    call_id: str
    prompt_id: str
    model: str
    provider: str
    input_tokens: int
    output_tokens: int
    latency_ms: float


@strawberry.type
class Result:
    status: str


@strawberry.type
class Payload:
    results: list[Result]


@strawberry.type
class Query:
    ok: bool = True


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def record_llm_calls(self, input: list[CallInput]) -> Payload:
        return Payload(results=[Result(status=status) for status in await stored(input)])


FACTS = ("model", "provider", "input_tokens", "output_tokens", "latency_ms")
engine = create_async_engine(os.environ["BENCH_DATABASE"], pool_size=10, max_overflow=0, pool_timeout=60)
sessions = async_sessionmaker(engine)


if engine.dialect.name == "sqlite":

    @event.listens_for(engine.sync_engine, "connect")
    def safe(connection: Any, _: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=60000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")


async def stored(calls: list[CallInput]) -> list[str]:
    """What became of each: a call whose id is there already is a duplicate."""
    async with sessions.begin() as session:
        prompt = await session.get_one(NaivePrompt, 1)
        ids = [call.call_id for call in calls]
        known = set(await session.scalars(select(NaiveCall.id).where(NaiveCall.id.in_(ids))))
        for call in calls:
            if call.call_id not in known:
                facts = {name: value for name, value in vars(call).items() if name in FACTS}
                session.add(NaiveCall(id=call.call_id, prompt_id=prompt.id, **facts))
    return ["DUPLICATE" if id_ in known else "RECORDED" for id_ in ids]


@asynccontextmanager
async def running(_: Starlette) -> AsyncIterator[None]:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with sessions.begin() as session:
        session.add(NaivePrompt(id=1, name="support/triage"))
    yield
    await engine.dispose()


schema = strawberry.Schema(Query, Mutation, extensions=[ParserCache, ValidationCache])
app = Starlette(routes=[Route("/graphql", GraphQL(schema))], lifespan=running)
