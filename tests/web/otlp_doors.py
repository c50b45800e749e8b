"""The door for traces in tests: the application around it, and what it answers."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from google.protobuf.json_format import Parse
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from promptgraph.store.database import Database
from promptgraph.web.application import Application, application
from promptgraph.web.gate import Gate
from promptgraph.web.http import Door
from promptgraph.web.otlp import TracesDoor
from tests.graph.registry import pipeline
from tests.web.doors import OPEN, nothing_open
from tests.web.otlp_bodies import PROTOBUF

URL = "/v1/traces"


def door(db: Database, record: Any, *, seconds: float = 20, turns: int = 2, gate: Gate = OPEN) -> Application:
    """An application whose door for traces gives them to `record`; so many large bodies have their turn."""
    traces = TracesDoor(gate, record, asyncio.Semaphore(turns), seconds)
    return application(Door(pipeline(db), gate), nothing_open, ["localhost"], traces)


def answered(answer: httpx.Response) -> ExportTraceServiceResponse:
    """What a request that was understood is answered, read in the form of its media type."""
    assert 200 == answer.status_code, answer.text
    if answer.headers["content-type"] == PROTOBUF:
        return ExportTraceServiceResponse.FromString(answer.content)
    return Parse(answer.content, ExportTraceServiceResponse())


def refused(answer: httpx.Response) -> Status:
    """What every other one is answered."""
    assert answer.status_code >= 400
    if answer.headers["content-type"] == PROTOBUF:
        return Status.FromString(answer.content)
    return Parse(answer.content, Status())


async def calls(web: httpx.AsyncClient) -> int:
    answer = await web.post("/graphql", json={"query": "{metrics{calls}}"})
    return int(answer.json()["data"]["metrics"]["calls"])


async def sent(web: httpx.AsyncClient, body: bytes, media: str = PROTOBUF, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await web.post(URL, content=body, headers={"content-type": media} | named)
