"""What one writes first: strawberry, an ORM, a session per request, a transaction per call; parser cache on.

It keeps the fields that the bench sends and no figures. BENCH_DATABASE is SQLAlchemy's URL.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import strawberry
from sqlalchemy import BigInteger, ForeignKey, event
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
        return Payload(results=[Result(status=await stored(call)) for call in input])


engine = create_async_engine(os.environ["BENCH_DATABASE"], pool_size=10, max_overflow=0, pool_timeout=60)
sessions = async_sessionmaker(engine)


if engine.dialect.name == "sqlite":

    @event.listens_for(engine.sync_engine, "connect")
    def safe(connection: Any, _: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=60000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")


async def stored(call: CallInput) -> str:
    async with sessions.begin() as session:
        prompt = await session.get(NaivePrompt, 1)
        if prompt is None or await session.get(NaiveCall, call.call_id):
            return "DUPLICATE"
        facts = {name: value for name, value in vars(call).items() if name not in {"call_id", "prompt_id"}}
        session.add(NaiveCall(id=call.call_id, prompt_id=prompt.id, **facts))
    return "RECORDED"


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
