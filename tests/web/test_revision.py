"""The registry's revision and tags of answers, in headers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from promptgraph.graph.executors import Executing
from promptgraph.graph.trusted import Trusted, digest
from promptgraph.store.database import Database
from promptgraph.store.memory import RegistryMemory
from promptgraph.web.etag import is_named
from tests.factories import prompt_yaml
from tests.graph.registry import FILES, pipeline, sync
from tests.web.doors import client, served

NAMES = "query Names { prompts { nodes { name version } } }"
CALLS = "query Calls { prompts { nodes { llmCalls { totalCount } } } }"
MOVE = """mutation { setPromptLabel(input: {name: "support/answer", label: "beta", version: 1}) {
  errors { message } } }"""
KNOWN = {digest(text): text for text in (NAMES, CALLS)}
REVISION, LEAST, PATH = "x-promptgraph-revision", "x-promptgraph-min-revision", "x-promptgraph-path"


@pytest.fixture
async def door(registry: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server that has the registry in memory, and allows GET."""
    executing = Executing(memory=RegistryMemory(registry))
    line = pipeline(registry, trusted=Trusted(KNOWN), executing=executing)
    async with client(served(line, allow_get=True)) as opened:
        yield opened


async def got(door: httpx.AsyncClient, text: str, **headers: str) -> httpx.Response:
    return await door.get("/graphql", params={"documentId": digest(text)}, headers=headers)


async def test_an_answer_of_the_registry_has_a_tag(door: httpx.AsyncClient) -> None:
    """Who names it is told that nothing has changed, without a body, whether or not it is remembered here."""
    first = await got(door, NAMES)
    tag = first.headers["etag"]
    assert ("private, no-cache", "Accept") == (first.headers["cache-control"], first.headers["vary"])
    for named in (tag, f'W/{tag}, "other"', "*"):
        same = await got(door, NAMES, **{"if-none-match": named})
        assert (304, b"", tag) == (same.status_code, same.content, same.headers["etag"])
        assert first.headers[REVISION] == same.headers[REVISION]
        assert "content-length" not in same.headers
    other = await got(door, NAMES, **{"if-none-match": '"other"'})
    assert (200, first.json(), tag) == (other.status_code, other.json(), other.headers["etag"])


async def test_another_registry_has_another_tag(door: httpx.AsyncClient, registry: Database) -> None:
    """A change that the answer shows gives another tag; one that it does not show leaves it the same."""
    tag = (await got(door, NAMES)).headers["etag"]
    await door.post("/graphql", json={"query": MOVE})
    moved = await got(door, NAMES, **{"if-none-match": tag})
    assert 304 == moved.status_code
    await sync(registry, FILES | {"support/new.prompt.yaml": prompt_yaml()})
    more = await got(door, NAMES, **{"if-none-match": tag})
    assert 200 == more.status_code
    assert tag != more.headers["etag"]
    assert int(moved.headers[REVISION]) + 1 == int(more.headers[REVISION])


async def test_other_answers_have_none(door: httpx.AsyncClient) -> None:
    """One that counts calls, one to a POST, one that says what it cost, and one about a name that nobody has
    here: they are not to be kept.
    """
    unknown = {"query": 'query { prompt(name: "nobody") { id } }'}
    for answer in (
        await got(door, CALLS),
        await door.post("/graphql", json={"documentId": digest(NAMES)}),
        await got(door, NAMES, **{"graphql-cost": "report"}),
        await door.get("/graphql", params=unknown),
    ):
        assert (200, "fast") == (answer.status_code, answer.headers[PATH])
        assert "no-store" == answer.headers["cache-control"]
        assert "etag" not in answer.headers


async def test_what_is_remembered_is_of_one_way_and_form(door: httpx.AsyncClient) -> None:
    """A body that reads like a known URL is no request; each form of an answer has its own type."""
    await got(door, NAMES)
    body = f"documentId={digest(NAMES).replace(':', '%3A')}"
    sent = await door.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert 400 == sent.status_code
    for media in ("application/json", "application/graphql-response+json"):
        answer = await got(door, NAMES, accept=media)
        assert answer.headers["content-type"].startswith(media)


async def test_own_writes_are_in_the_revision(door: httpx.AsyncClient) -> None:
    """The answer to a label move has the revision that it made, and what comes after it sees that."""
    before = int((await got(door, NAMES)).headers[REVISION])
    moved = await door.post("/graphql", json={"query": MOVE})
    assert str(before + 1) == moved.headers[REVISION]
    after = await got(door, NAMES, **{LEAST: moved.headers[REVISION]})
    assert (200, str(before + 1)) == (after.status_code, after.headers[REVISION])


@pytest.mark.parametrize("named", ["", "newest", "-1", "1.0", "٣", "9" * 40, "1, 2"])
async def test_what_is_no_revision_is_refused(door: httpx.AsyncClient, named: str) -> None:
    """In one sentence that says where one is to be had; nothing at all is no condition."""
    answer = await got(door, NAMES, **{LEAST: named.encode("latin-1", "ignore").decode("latin-1")})
    if named.encode("latin-1", "ignore"):
        assert 400 == answer.status_code
        assert f"{LEAST} must be one whole number: the {REVISION} of an answer." in answer.text
    else:
        assert 200 == answer.status_code


@pytest.mark.parametrize(
    ("named", "known"),
    [(b'"a"', True), (b'W/"a"', True), (b'"b", "a"', True), (b"*", True), (b'"b"', False), (b"a", False)],
)
def test_if_none_match(named: bytes, known: bool) -> None:  # noqa: FBT001  # a table of cases
    """Tags are compared weakly, as the standard has it for GET."""
    assert known is is_named(b'"a"', named)


async def test_a_revision_is_waited_for_whoever_executes(registry: Database) -> None:
    """Without the fast executor, too."""
    executing = Executing(fast=False, memory=RegistryMemory(registry))
    async with client(served(pipeline(registry, executing=executing))) as web:
        moved = await web.post("/graphql", json={"query": MOVE})
        asked = {"query": NAMES}
        found = await web.post("/graphql", json=asked, headers={LEAST: moved.headers[REVISION]})
        assert (200, "standard") == (found.status_code, found.headers[PATH])
        assert moved.headers[REVISION] == found.headers[REVISION]
