"""What operators ask: whether the process can work, and what it has done."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from promptgraph.app import readiness_of
from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.domain.names import global_id
from promptgraph.record.recorder import Recorder
from promptgraph.store.database import Database
from promptgraph.store.memory import RegistryMemory
from promptgraph.web.application import Application, application
from promptgraph.web.board import Board
from promptgraph.web.figures import METRICS, Kind, Sources
from promptgraph.web.gate import Gate
from promptgraph.web.http import Door
from promptgraph.web.operating import Operating
from promptgraph.web.readiness import Readiness
from promptgraph.web.streams import Streams
from tests.graph.registry import pipeline
from tests.recorders import recorder
from tests.web.doors import JSON, OPEN, asking, client, nothing_open

LOCAL, ABROAD = ("127.0.0.1", 5), ("203.0.113.9", 5)
RECORD = "mutation Record($i: [LlmCallInput!]!) { recordLlmCalls(input: $i) { results { status } } }"


class NoKeys:
    """A store in which there is no key."""

    async def find(self, public_ids: set[str]) -> dict[str, Any]:
        return dict.fromkeys(public_ids)

    async def used(self, public_id: str, at: dt.datetime) -> None:
        raise NotImplementedError


def operated(db: Database, gate: Gate = OPEN) -> Application:
    """A server with all that operators may ask."""
    line = pipeline(db)
    door = Door(line, gate, streams=Streams())
    made: Recorder = recorder(db)
    sources = Sources(door.watch, line, door.streams, made, db.pools)
    ready = readiness_of(db, RegistryMemory(db))
    operating = Operating(ready, Board(sources.figures), gate)
    return application(door, nothing_open, ["localhost"], None, operating)


@pytest.fixture
async def web(registry: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with client(operated(registry)) as opened:
        yield opened
    await recorder(registry).stop()


async def test_a_server_that_can_work_is_ready(web: httpx.AsyncClient) -> None:
    """The database answers, its tables are right, the registry is known."""
    answer = await web.get("/readyz")
    checks = {"database": "ok", "migrations": "ok", "registry": "ok"}
    assert (200, {"status": "ready", "checks": checks}) == (answer.status_code, answer.json())
    assert "no-store" == answer.headers["cache-control"]


async def test_a_database_without_tables_is_not_ready(line: object, tmp_path: Any) -> None:
    """It says which checks fail, to come again, and nothing of why: the log does, once."""
    del line
    db = Database(f"sqlite:///{tmp_path}/none/secret.db")
    async with client(operated(db)) as web:
        answer = await web.get("/readyz")
    assert (503, "1") == (answer.status_code, answer.headers["retry-after"])
    assert "not ready" == answer.json()["status"]
    assert "failed" == answer.json()["checks"]["migrations"]
    assert "secret" not in answer.text
    await db.close()


async def test_a_look_serves_all_that_ask(caplog: pytest.LogCaptureFixture) -> None:
    """However many ask, and however often; what changes is said in the log, and never to who asks."""
    looks = 0
    flaws = ["away", "away", ""]

    async def check() -> None:
        nonlocal looks
        looks += 1
        if flaw := flaws[looks - 1]:
            raise StoreUnavailableError(flaw)

    readiness = Readiness({"database": check}, fresh_for=60)
    assert [{"database": False}] * 5 == await asyncio.gather(*(readiness.look() for _ in range(5)))
    assert 1 == looks
    readiness = Readiness({"database": check}, fresh_for=0)
    with caplog.at_level(logging.WARNING):
        assert [False, True] == [(await readiness.look())["database"] for _ in range(2)]
    assert ["away", "Ready again"] == [
        word for word in ("away", "Ready again") if caplog.text.count(word) >= 1
    ]


async def test_a_look_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that hangs has failed; the others have not."""
    monkeypatch.setattr("promptgraph.web.readiness.LOOK_SECONDS", 0.05)

    async def hangs() -> None:
        await asyncio.Event().wait()

    async def holds() -> None:
        pass

    assert {"a": False, "b": True} == await Readiness({"a": hangs, "b": holds}).look()


async def test_the_page_says_what_was_done(web: httpx.AsyncClient) -> None:
    """Every metric that is declared, in a form that Prometheus reads, with what has just happened."""
    query = asking("query Names{prompts{nodes{name}}}")
    for _ in range(2):
        await web.post("/graphql", content=query, headers=JSON)
    await web.post("/graphql", content=asking("query Names{nope}"), headers=JSON)
    await web.post("/graphql", content=asking("query Schema{__schema{queryType{name}}}"), headers=JSON)
    page = await web.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=")
    families = {family.name: family for family in text_string_to_metric_families(page.text)}
    assert [metric.name for metric in METRICS] == list(families)
    for metric in METRICS:
        expected = "gauge" if metric.kind is Kind.GREATEST else metric.kind.value
        assert (expected, metric.help) == (families[metric.name].type, families[metric.name].documentation)
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert 2 == found["promptgraph_requests_total", "Names", "data"]
    assert 1 == found["promptgraph_requests_total", "Names", "refused"]
    assert 3 == found["promptgraph_request_duration_seconds_count", "Names"]
    assert 3 == found["promptgraph_request_duration_seconds_bucket", "+Inf", "Names"]
    assert 1 == found["promptgraph_errors_total", "INVALID_INPUT"]
    assert 3 == sum(found["promptgraph_executions_total", path] for path in ("fast", "standard"))
    assert 4 == found["promptgraph_responses_total", "200"]
    assert 1 == found["promptgraph_workers",]


async def test_the_page_counts_calls_and_commits(web: httpx.AsyncClient) -> None:
    """Each call by what became of it; each commit by its rows, and by how long its first call waited."""
    known, unknown = (global_id("Prompt", "support/answer", version) for version in (2, 9))
    calls = [{"promptId": id_, "model": "m"} for id_ in (known, known, unknown)]
    answer = await web.post("/graphql", content=asking(RECORD, variables={"i": calls}), headers=JSON)
    results = answer.json()["data"]["recordLlmCalls"]["results"]
    assert ["RECORDED", "RECORDED", "REJECTED"] == [result["status"] for result in results]
    page = (await web.get("/metrics")).text
    for line in (
        'promptgraph_calls_total{status="recorded"} 2.0',
        'promptgraph_calls_total{status="rejected"} 1.0',
        "promptgraph_commit_rows_sum 2.0",
        "promptgraph_commit_rows_count 1.0",
        "promptgraph_commit_wait_seconds_count 1.0",
        "promptgraph_recorder_queue 0.0",
    ):
        assert f"\n{line}\n" in page


async def test_openmetrics_is_spoken_to_who_asks_for_it(web: httpx.AsyncClient) -> None:
    """The newer form ends with a mark of its own."""
    page = await web.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert page.headers["content-type"].startswith("application/openmetrics-text")
    assert page.text.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        (LOCAL, {}, 200),
        (LOCAL, {"x-forwarded-for": "203.0.113.9"}, 401),
        (LOCAL, {"via": "1.1 proxy"}, 401),
        (ABROAD, {}, 401),
        (ABROAD, {"authorization": "Bearer nonsense"}, 401),
        (ABROAD, {"x-forwarded-for": "127.0.0.1"}, 401),
    ],
    ids=["this machine", "by a proxy here", "by another proxy here", "elsewhere", "no key", "forged"],
)
async def test_where_keys_are_asked_for_figures_are_not_for_all(
    registry: Database, address: tuple[str, int], headers: dict[str, str], status: int
) -> None:
    """This machine sees them without a key, elsewhere it takes one; who may work is no secret."""
    app = operated(registry, Gate(NoKeys(), lambda: dt.datetime.now(dt.UTC)))
    transport = httpx.ASGITransport(app, client=address)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as web:
        assert status == (await web.get("/metrics", headers=headers)).status_code
        assert 200 == (await web.get("/readyz", headers=headers)).status_code
