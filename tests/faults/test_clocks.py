"""Servers whose clocks are wrong: what comes first stays first."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.conftest import Tell
from tests.faults.driver import ANSWER_S, call_of
from tests.faults.history import stored_in
from tests.faults.sites import sites

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(400)]
DAYS = (30, -2)
CALLS, PAGE = 40, 7
LATENCY_MS = 12.5
RECORD = "mutation($c: LlmCallInput!) { recordLlmCall(input: $c) { errors { code } llmCall { recordedAt } } }"
LISTED = """query($n: Int!, $after: String) { prompt(name: "triage") { llmCalls(first: $n, after: $after) {
  nodes { inputTokens latencyMs startedAt recordedAt } pageInfo { hasNextPage endCursor } } } }"""
SYNCED = "{ syncRuns(first: 2) { nodes { startedAt } } }"


async def asked(http: httpx.AsyncClient, url: str, query: str, **variables: Any) -> Any:
    body = (await http.post(f"{url}/graphql", json={"query": query, "variables": variables})).json()
    assert "errors" not in body, body
    return body["data"]


async def listed(http: httpx.AsyncClient, url: str) -> list[dict[str, Any]]:
    """Every call, newest first, page by page."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = (await asked(http, url, LISTED, n=PAGE, after=after))["prompt"]["llmCalls"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


@pytest.fixture
def apart(url: str, tmp_path: Path) -> Iterator[list[str]]:
    """The addresses of two servers, one of them far ahead of its time, and one behind."""
    with sites(tmp_path, url, *(f"late {days}" for days in DAYS)) as at:
        yield [site.url for site in at]


@pytest.mark.parametrize("engine", ["postgres"])
async def test_wrong_clocks_change_no_order(apart: list[str], url: str, tell: Tell) -> None:
    """Calls that the two record in turn are listed, by both, in the order in which they were acknowledged;
    each is on one page, no latency is negative, and no figure wrong (R14). The control: what they time by
    their own clocks, their syncs, is a month apart.
    """
    async with httpx.AsyncClient(timeout=ANSWER_S) as http:
        for number in range(CALLS):
            call = call_of(None, number, latencyMs=LATENCY_MS)
            payload = (await asked(http, apart[number % 2], RECORD, c=call))["recordLlmCall"]
            assert [] == payload["errors"]
        runs = (await asked(http, apart[0], SYNCED))["syncRuns"]["nodes"]
        lists = await asyncio.gather(*(listed(http, each) for each in apart))
    stored = await stored_in(url)
    tell("R14 clocks wrong by +30 and -2 days", None, calls=CALLS, **{"wrong figures": stored.drifts})
    for calls in lists:
        assert [*range(CALLS)][::-1] == [call["inputTokens"] for call in calls]
        assert {LATENCY_MS} == {call["latencyMs"] for call in calls}
        for name in ("startedAt", "recordedAt"):
            assert sorted((call[name] for call in calls), reverse=True) == [call[name] for call in calls]
    assert 0 == stored.drifts
    one, other = (dt.datetime.fromisoformat(run["startedAt"]) for run in runs)
    assert abs(one - other) > dt.timedelta(days=31)
