"""The same id from many sides at once, with the same content and with another."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest

from tests.conftest import ENGINES, migrated
from tests.faults.conftest import Tell
from tests.faults.driver import ANSWER_S, PAUSE_S, call_of
from tests.faults.history import Stored, stored_in
from tests.faults.sites import Site, sites
from tests.postgres import Cluster

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(400)]
IDS, COPIES = 10, 30
RECORD = """mutation($c: [LlmCallInput!]!) { recordLlmCalls(input: $c) {
  results { status error { code } llmCall { callId inputTokens recordedAt } } } }"""
ORDERS = random.Random(5)  # noqa: S311  # an order, not a secret
BLOCKS = itertools.count()
RECORDED, DUPLICATE, CONFLICT = "RECORDED", "DUPLICATE", "IDEMPOTENCY_CONFLICT"


class Place(NamedTuple):
    """A database, and two servers of it."""

    url: str
    at: list[Site]

    async def held(self, numbers: range) -> Stored:
        """What it holds of a test's own numbers, in order; and how many of all its figures are wrong."""
        stored = await stored_in(self.url)
        return Stored({number: stored.ids.get(number, []) for number in numbers}, stored.drifts)


@pytest.fixture(scope="module", params=ENGINES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """For all tests of this file, on each engine."""
    home = tmp_path_factory.mktemp("copies")
    url = f"sqlite:///{home}/promptgraph.db"
    if request.param == "postgres":
        postgres: Cluster = request.getfixturevalue("postgres")
        url = postgres.url(asyncio.run(postgres.create()))
    asyncio.run(migrated(url))
    with sites(home, url, "", "") as at:
        yield Place(url, at)


@pytest.fixture
def numbers() -> range:
    """What the calls of a test have to themselves."""
    start = 2 * IDS * next(BLOCKS)
    return range(start, start + 2 * IDS)


Asked = list[dict[str, Any]]


async def all_at_once(at: list[Site], requests: list[Asked]) -> list[dict[str, Any]]:
    """The results of all requests, which go to the two servers in turn, all at once and in any order. One
    that is to be sent again is.
    """
    urls = itertools.cycle(site.url for site in at)
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=ANSWER_S, limits=limits) as http:

        async def answered(url: str, calls: Asked) -> list[dict[str, Any]]:
            while True:
                body = {"query": RECORD, "variables": {"c": calls}}
                data = (await http.post(f"{url}/graphql", json=body)).json()["data"]
                found: list[dict[str, Any]] = data["recordLlmCalls"]["results"] if data else []
                if found and "UNAVAILABLE" not in map(code, found):
                    return found
                await asyncio.sleep(PAUSE_S)

        shuffled = ORDERS.sample(requests, len(requests))
        answers = await asyncio.gather(*(answered(next(urls), calls) for calls in shuffled))
    return [result for results in answers for result in results]


def code(result: dict[str, Any]) -> str:
    """Why a row was refused, else what became of it."""
    return str(result["error"]["code"] if result["error"] else result["status"])


async def test_storm_of_copies_is_one_call_each(place: Place, numbers: range, tell: Tell) -> None:
    """Thirty copies of each of ten ids, all at once: ten rows, ten counted, one answer to all (R8)."""
    calls = [call_of(uuid4(), number) for number in numbers[:IDS]]
    results = await all_at_once(place.at, [[call] for call in calls * COPIES])
    codes = Counter(map(code, results))
    stored = await place.held(numbers[:IDS])
    tell("R8  retry storm", None, **codes, rows=rows(stored), **{"wrong figures": stored.drifts})
    assert {RECORDED, DUPLICATE} == set(codes) and codes[RECORDED] <= IDS
    assert IDS == len({str(result["llmCall"]) for result in results})
    assert {number: [call["callId"]] for number, call in zip(numbers, calls, strict=False)} == named(stored)
    assert 0 == stored.drifts


async def test_storm_without_ids_is_a_call_each(place: Place, numbers: range, tell: Tell) -> None:
    """The control: copies without an id are calls of their own."""
    calls = [call_of(None, number) for number in numbers[:IDS]]
    await all_at_once(place.at, [[call] for call in calls * COPIES])
    stored = await place.held(numbers[:IDS])
    tell("    control: copies without ids", None, rows=rows(stored))
    assert rows(stored) >= IDS * COPIES


def rows(stored: Stored) -> int:
    return sum(map(len, stored.ids.values()))


def named(stored: Stored) -> dict[int, list[str]]:
    """The ids of calls, by number, as GraphQL has them."""
    return {number: [str(id_) for id_ in ids] for number, ids in stored.ids.items() if ids}


@pytest.mark.parametrize("together", [False, True], ids=["in requests of their own", "in one batch"])
async def test_same_id_with_another_content_is_refused(
    place: Place,
    numbers: range,
    together: bool,  # noqa: FBT001  # a table's column
    tell: Tell,
) -> None:
    """Of two that come at once one is stored, and stays as it is; the other is told that it differs (R9)."""
    ids = [uuid4() for _ in range(IDS)]
    calls = [call_of(id_, number) for id_, number in zip(ids * 2, numbers, strict=True)]
    results = await all_at_once(place.at, [calls] if together else [[call] for call in calls])
    codes = Counter(map(code, results))
    stored = await place.held(numbers)
    tell(f"R9  same id, other content{', in one batch' * together}", None, **codes, rows=rows(stored))
    assert IDS == codes.pop(CONFLICT) == codes.total()
    told = [each["llmCall"] for each in results if each["llmCall"]]
    assert {each["inputTokens"]: [each["callId"]] for each in told} == named(stored)
    assert 0 == stored.drifts


async def test_other_contents_without_ids_are_all_stored(place: Place, numbers: range, tell: Tell) -> None:
    """The control: without an id there is nothing to refuse a call by."""
    await all_at_once(place.at, [[call_of(None, number)] for number in numbers])
    stored = await place.held(numbers)
    tell("    control: contents without ids", None, rows=rows(stored))
    assert rows(stored) >= 2 * IDS
