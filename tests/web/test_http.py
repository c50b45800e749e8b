"""GraphQL over HTTP: what is answered, in which form, and by which ways."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from promptgraph.graph.pipeline import Pipeline
from promptgraph.graph.wire import encoded
from promptgraph.web.application import application
from promptgraph.web.http import Door
from tests.web.doors import GRAPHQL, HELLO, JSON, OPEN, asking, client, nothing_open, served


def asking_many_ids() -> str:
    return '{nodes(ids:["' + '","'.join("x" * 101) + '"]){id}}'


CIRCLE = "{...a} fragment a on Query{...b} fragment b on Query{...a}"
LARGE = '{"query":"{__typename}","variables":{"a":"' + "x" * 20_000_000 + '"}}'


def errors_of(answer: httpx.Response) -> list[str]:
    """The messages; every refusal is a GraphQL response whose errors have codes."""
    found = answer.json()["errors"]
    assert all(error["extensions"]["code"] for error in found)
    return [error["message"] for error in found]


# ---------------------------------------------------------------- the form of answers


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/json", "application/json"),
        ("application/graphql-response+json", "application/graphql-response+json"),
        ("application/graphql-response+json, application/json;q=0.9", "application/graphql-response+json"),
        ("application/json, application/graphql-response+json;q=0.9", "application/json"),
        ("application/graphql-response+json, */*", "application/graphql-response+json"),
        ("application/json;q=0, */*", "application/graphql-response+json"),
        ("text/html, APPLICATION/JSON;Charset=UTF-8", "application/json"),
        ("application/json;q=abc, */*;q=-1", "application/json"),
    ],
)
async def test_answers_in_the_form_that_is_wanted_most(
    web: httpx.AsyncClient, accept: str | None, expected: str
) -> None:
    """The Accept header decides; what it does not say, JSON decides."""
    headers = JSON | ({"accept": accept} if accept else {})
    request = web.build_request("POST", "/graphql", content=HELLO, headers=headers)
    if accept is None:
        del request.headers["accept"]
    answer = await web.send(request)
    assert (200, f"{expected}; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
    assert {"data": {"__typename": "Query"}} == answer.json()


@pytest.mark.parametrize(
    "accept", ["text/xml", "text/html", "application/json;q=0", "application/json;charset=latin-1"]
)
async def test_says_so_when_no_form_is_acceptable(web: httpx.AsyncClient, accept: str) -> None:
    """406, with a JSON body that names the two forms."""
    answer = await web.post("/graphql", content=HELLO, headers=JSON | {"accept": accept})
    assert 406 == answer.status_code
    assert "application/graphql-response+json" in errors_of(answer)[0]


@pytest.mark.parametrize(
    ("query", "as_graphql", "as_json"),
    [
        ("{__typename}", 200, 200),
        ("{", 400, 200),
        ("{nothing}", 400, 200),
        ('query($a:Int!){__typename @skip(if:false) __type(name:"a"){name} node(id:$a){id}}', 400, 200),
        (CIRCLE, 400, 200),
        ("subscription{__typename}", 400, 400),
        (asking_many_ids(), 200, 200),
        ('{a:__typename node(id:"x"){id}}', 294, 200),
    ],
    ids=["data", "syntax", "unknown field", "variable", "circle", "subscription", "null", "partial"],
)
async def test_status_says_what_became_of_a_request(
    web: httpx.AsyncClient, query: str, as_graphql: int, as_json: int
) -> None:
    """application/graphql-response+json carries the outcome in the status, application/json in the body."""
    by_graphql = await web.post("/graphql", content=asking(query), headers=JSON | GRAPHQL)
    by_json = await web.post("/graphql", content=asking(query), headers=JSON)
    assert (as_graphql, as_json) == (by_graphql.status_code, by_json.status_code)
    assert by_graphql.json() == by_json.json()
    assert ("data" in by_json.json()) == (as_graphql in (200, 294))


async def test_every_answer_is_private_and_stays_what_it_says_it_is(web: httpx.AsyncClient) -> None:
    """No cache keeps it, no browser guesses its type, no page frames it."""
    answer = await web.post("/graphql", content=HELLO, headers=JSON)
    assert "no-store" == answer.headers["cache-control"]
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert "Accept" == answer.headers["vary"]
    assert "access-control-allow-origin" not in answer.headers


# ---------------------------------------------------------------- large requests


async def test_large_bodies_in_pieces_are_refused_early(web: httpx.AsyncClient) -> None:
    """A body that never says its length is read up to the limit and no further."""
    taken = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal taken
        for start in range(0, len(LARGE), 65536):
            taken += 1
            yield LARGE[start : start + 65536].encode()

    answer = await web.post("/graphql", content=pieces(), headers=JSON)
    assert (413, True) == (answer.status_code, taken < 20)


async def test_syncs_may_be_large(web: httpx.AsyncClient) -> None:
    """A body beyond 1 MiB is decoded when it names the sync, and refused when it then does something else."""
    padding = "x" * 2_000_000
    sneaky = asking("query syncPrompts{__typename}", variables={"a": padding})
    assert 413 == (await web.post("/graphql", content=sneaky, headers=JSON)).status_code
    mutation = "mutation syncPrompts($a:String!){syncPrompts(input:{files:[{path:$a}]}){errors{code}}}"
    wrong = asking(mutation, variables={"a": padding})
    answer = await web.post("/graphql", content=wrong, headers=JSON)
    assert 200 == answer.status_code
    assert "text" in errors_of(answer)[0]


async def test_few_large_bodies_at_once(line: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """While two are held, a third waits, and is asked to come again when it has waited long enough."""
    monkeypatch.setattr("promptgraph.web.body.TURN_SECONDS", 0.2)
    door = Door(line, OPEN)
    large = asking("mutation syncPrompts{__typename}", variables={"a": "x" * 2_000_000})
    async with client(application(door, nothing_open, ["localhost"])) as web:
        async with door.bulky, door.bulky:
            answer = await web.post("/graphql", content=large, headers=JSON)
            assert (503, "1") == (answer.status_code, answer.headers["retry-after"])
            assert "UNAVAILABLE" == answer.json()["errors"][0]["extensions"]["code"]
            assert 200 == (await web.post("/graphql", content=HELLO, headers=JSON)).status_code
        assert 413 == (await web.post("/graphql", content=large, headers=JSON)).status_code


async def test_waiting_for_its_turn_is_not_sending(line: Pipeline) -> None:
    """A large body that waits longer than a client has for sending is read; one that stops coming is not."""
    door = Door(line, OPEN, body_s=0.3)
    large = asking("mutation syncPrompts{__typename}", variables={"a": "x" * 1_500_000}).encode()

    async def stopping() -> AsyncIterator[bytes]:
        yield large[:1_200_000]
        await asyncio.sleep(1)

    async with client(application(door, nothing_open, ["localhost"])) as web:
        async with door.bulky, door.bulky:
            asked = asyncio.create_task(web.post("/graphql", content=large, headers=JSON))
            await asyncio.sleep(0.6)
            assert not asked.done()
        assert 413 == (await asked).status_code
        late = await web.post("/graphql", content=stopping(), headers=JSON)
        assert (408, "close") == (late.status_code, late.headers["connection"])
        assert not door.bulky.locked()


async def test_clients_that_go_away_get_no_answer(line: Pipeline) -> None:
    """Nothing is executed and nothing is sent when the body breaks off."""
    sent: list[object] = []
    pieces = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "headers": [(b"content-type", b"application/json")],
    }

    async def receive() -> Any:
        return pieces.pop(0)

    async def send(message: object) -> None:
        sent.append(message)

    await Door(line, OPEN)(scope, receive, send)
    assert [] == sent


RECORDING = "mutation recordLlmCalls($a:String!){recordLlmCalls(input:[{model:$a,status:FINE}]){recorded}}"


@pytest.mark.parametrize(
    ("query", "size", "expected"),
    [
        (RECORDING, 2_000_000, 200),
        (RECORDING, 16_000_000, 200),
        (RECORDING, 17_000_000, 413),
        (RECORDING + " # syncPrompts", 17_000_000, 413),
        ("mutation($a:String!){scoreLlmCalls(input:[{name:$a}]){errors{code}}}", 2_000_000, 200),
        ("query recordLlmCalls($a:String!){__type(name:$a){name}}", 2_000_000, 413),
    ],
    ids=["2 MB", "16 MB", "17 MB", "17 MB named a sync", "scores", "a query named so"],
)
async def test_recordings_may_be_large(web: httpx.AsyncClient, query: str, size: int, expected: int) -> None:
    """Up to 16 MiB; what the operation does decides, not what the body says."""
    body = asking(query, variables={"a": "x" * size})
    answer = await web.post("/graphql", content=body, headers=JSON)
    assert expected == answer.status_code, answer.text[:300]
    assert errors_of(answer)


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD"])
async def test_says_which_methods_there_are(web: httpx.AsyncClient, method: str) -> None:
    """405 comes with Allow."""
    answer = await web.request(method, "/graphql")
    assert (405, "POST") == (answer.status_code, answer.headers["allow"])


# ---------------------------------------------------------------- GET, where it is allowed


@pytest.mark.parametrize(
    ("params", "headers", "expected"),
    [
        ({"query": "{__typename}"}, {}, 200),
        ({"query": "query($n:String!){__type(name:$n){name}}", "variables": '{"n":"Query"}'}, {}, 200),
        ({"query": "query A{__typename} query B{__typename}", "operationName": "B"}, {}, 200),
        ({"query": "{__typename}", "extensions": "{}", "other": "x"}, {}, 200),
        ({"query": "{__typename}"}, {"sec-fetch-site": "same-origin"}, 200),
        ({"query": "{__typename}"}, {"sec-fetch-site": "cross-site"}, 403),
        ({"query": "{__typename}"}, {"sec-fetch-site": "same-site"}, 403),
        ({}, {}, 400),
        ({"query": "{__typename}", "variables": "[1]"}, {}, 400),
        ({"query": "{__typename}", "variables": "{"}, {}, 400),
        ({"query": "{__typename}", "variables": "NaN"}, {}, 400),
        ({"query": "mutation{__typename}"}, {}, 405),
        ({"query": "query A{__typename} mutation B{__typename}", "operationName": "B"}, {}, 405),
        ({"query": "subscription{__typename}"}, {}, 400),
    ],
)
async def test_queries_may_come_by_get_where_that_is_allowed(
    web_with_get: httpx.AsyncClient, params: dict[str, str], headers: dict[str, str], expected: int
) -> None:
    """Queries only, never mutations, never for a page of another site."""
    answer = await web_with_get.get("/graphql", params=params, headers=headers)
    assert expected == answer.status_code, answer.text
    if expected == 405:
        assert "POST" == answer.headers["allow"]


@pytest.mark.parametrize("query", ["query=%7B__typename%7D&query=x", "query=%ff", "a&" * 20])
async def test_query_strings_are_read_strictly(web_with_get: httpx.AsyncClient, query: str) -> None:
    """A parameter given twice, or in another encoding, is refused."""
    assert 400 == (await web_with_get.get(f"/graphql?{query}")).status_code


# ---------------------------------------------------------------- beside the door


async def test_browsers_get_graphiql_where_it_is_shown(line: Pipeline) -> None:
    """HTML comes to whoever names it, and to nobody else."""
    browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with client(served(line, page=True)) as shown, client(served(line)) as hidden:
        page = await shown.get("/graphql", params={"query": "mutation{__typename}"}, headers=browser)
        assert (200, "text/html; charset=utf-8") == (page.status_code, page.headers["content-type"])
        assert 405 == (await shown.get("/graphql", headers={"accept": "*/*"})).status_code
        assert (
            405 == (await hidden.get("/graphql", headers=browser | {"accept": "text/html, */*"})).status_code
        )
        assert 307 == (await shown.get("/")).status_code
        assert 404 == (await hidden.get("/")).status_code


async def test_healthz_answers_without_a_database(web: httpx.AsyncClient) -> None:
    """A supervisor learns that the process lives, whatever its database does."""
    answer = await web.get("/healthz")
    assert (200, "ok") == (answer.status_code, answer.json()["status"])


@pytest.mark.parametrize("path", ["/graphql/", "/nothing", "/static/../x", "/%00"])
async def test_other_paths_lead_nowhere(web: httpx.AsyncClient, path: str) -> None:
    """404, and no redirect by the Host header."""
    assert 404 == (await web.get(path)).status_code


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "localhost:1"])
async def test_the_port_of_a_host_does_not_matter(web: httpx.AsyncClient, host: str) -> None:
    """A name counts without its port, in whatever case."""
    assert 200 == (await web.get("/healthz", headers={"host": host})).status_code


@pytest.mark.parametrize("hosts", [["localhost"], ["*"]], ids=["named", "any"])
async def test_a_request_has_one_host(line: Pipeline, hosts: list[str]) -> None:
    """With two, a proxy may have looked at the other one."""
    async with client(application(Door(line, OPEN), nothing_open, hosts)) as web:
        both = [("host", "localhost"), ("host", "localhost")]
        assert 400 == (await web.get("/healthz", headers=both)).status_code
        assert 200 == (await web.get("/healthz", headers=both[:1])).status_code


def test_texts_that_utf8_cannot_write_are_escaped() -> None:
    """An answer can always be encoded."""
    assert {"a": "\ud800"} == json.loads(encoded({"a": "\ud800"}))
