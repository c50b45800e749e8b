"""Pages of other sites: those that are named may ask, and no others."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from promptgraph.graph.pipeline import Pipeline
from promptgraph.web.application import Application, application
from promptgraph.web.http import Door
from promptgraph.web.origins import origins_of
from tests.web.connections import Closed, connected
from tests.web.doors import HELLO, JSON, OPEN, client, nothing_open

PAGE = "https://app.example"
ASKING = {
    "origin": PAGE,
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type",
}
STRANGERS = ["https://app.example.evil", "http://app.example", "https://app.example:8443", "null", "", "*"]


@pytest.fixture
def app(line: Pipeline) -> Application:
    origins = origins_of([PAGE], reading=True)
    return application(Door(line, OPEN, allow_get=True), nothing_open, ["localhost"], origins=origins)


@pytest.fixture
async def web(app: Application) -> AsyncIterator[httpx.AsyncClient]:
    async with client(app) as opened:
        yield opened


async def test_a_named_page_gets_leave(web: httpx.AsyncClient) -> None:
    """For the headers that clients need, without the pipeline, never for cookies."""
    answer = await web.options("/graphql", headers=ASKING)
    assert (204, PAGE) == (answer.status_code, answer.headers["access-control-allow-origin"])
    assert "Origin" in answer.headers["vary"]
    allowed = answer.headers["access-control-allow-headers"].lower()
    for name in (
        "content-type",
        "authorization",
        "x-request-id",
        "x-promptgraph-min-revision",
        "graphql-cost",
    ):
        assert name in allowed.split(", ")
    assert "GET, POST" == answer.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_named_page_may_read_the_answer(web: httpx.AsyncClient) -> None:
    """By POST and, where that is on, by GET; the headers that are ours, too."""
    browser = {"origin": PAGE, "sec-fetch-site": "cross-site"}
    posted = await web.post("/graphql", content=HELLO, headers={**JSON, **browser})
    fetched = await web.get("/graphql", params={"query": "{__typename}"}, headers=browser)
    for answer in (posted, fetched):
        assert (200, PAGE) == (answer.status_code, answer.headers["access-control-allow-origin"])
        assert "Origin" in answer.headers["vary"]
        exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
        assert {"etag", "x-request-id", "x-promptgraph-path", "x-promptgraph-revision"} <= set(exposed)


@pytest.mark.parametrize("origin", STRANGERS)
async def test_no_other_page_may(web: httpx.AsyncClient, origin: str) -> None:
    """It gets no leave, may not read an answer, and may not ask by GET; caches are told why."""
    refused = await web.options("/graphql", headers={**ASKING, "origin": origin})
    assert 403 == refused.status_code
    posted = await web.post("/graphql", content=HELLO, headers={**JSON, "origin": origin})
    browser = {"origin": origin, "sec-fetch-site": "cross-site"}
    fetched = await web.get("/graphql", params={"query": "{__typename}"}, headers=browser)
    assert 403 == fetched.status_code
    for answer in (refused, posted, fetched):
        assert "access-control-allow-origin" not in answer.headers
        assert "Origin" in answer.headers["vary"]


async def test_two_origins_are_none(web: httpx.AsyncClient) -> None:
    """Who reads them could differ about which one counts."""
    headers = [("origin", PAGE), ("origin", PAGE), *JSON.items()]
    answer = await web.post("/graphql", content=HELLO, headers=headers)
    assert "access-control-allow-origin" not in answer.headers


async def test_without_pages_nothing_is_said_of_them(line: Pipeline) -> None:
    """No header, and what asks for leave is no request of ours."""
    async with client(application(Door(line, OPEN), nothing_open, ["localhost"])) as web:
        answer = await web.options("/graphql", headers=ASKING)
        assert 405 == answer.status_code
        posted = await web.post("/graphql", content=HELLO, headers={**JSON, "origin": PAGE})
        assert "Accept" == posted.headers["vary"]
        assert "access-control-allow-origin" not in posted.headers


@pytest.mark.parametrize(
    ("origin", "greeted"), [(PAGE, True), ("http://localhost:3000", True), ("http://app.example", False)]
)
async def test_a_websocket_goes_by_the_same_list(app: Application, origin: str, *, greeted: bool) -> None:
    """A page that is named connects, as one of our own does; another one is turned away."""
    async with connected(app, origin=origin) as socket:
        socket.say({"type": "connection_init"})
        heard = await socket.heard()
        assert greeted == (heard == {"type": "connection_ack"})
        assert greeted or isinstance(heard, Closed)
