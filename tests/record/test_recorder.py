"""What becomes of calls: each on disk once, or refused by itself, and figures to match."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from promptgraph.domain.call import CallContent, ContentState, CostSource, LlmCall, NewCall, RecordStatus
from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.errors import TooManyRowsError
from promptgraph.domain.figures import Figures
from promptgraph.domain.names import global_id
from promptgraph.domain.prompt import Prompt
from promptgraph.domain.registry import Agent
from promptgraph.domain.sums import summed
from promptgraph.record import callers, linking
from promptgraph.record.prices import PriceBook
from promptgraph.record.recorder import Recorded, Recorder
from promptgraph.store import registry
from promptgraph.store.agents import agents_by_name
from promptgraph.store.call_tables import CALL_CONTENTS, CALL_SCORES, LLM_CALLS, RECORD_BATCHES
from promptgraph.store.calls import calls_by_id, contents_by_call
from promptgraph.store.database import Database
from tests.conftest import Statements
from tests.record.conftest import CANARY, now
from tests.store.call_stock import deltas
from tests.store.stock import stock, stock_agent, stock_version

RECORDED, DUPLICATE, REJECTED = RecordStatus
TICKET: JsonObject = {"ticket": "My invoice is wrong"}


def new(prompt: Prompt, **more: Any) -> NewCall:
    facts: dict[str, Any] = {"call_id": uuid4(), "prompt_id": prompt.global_id, "model": "gpt-4o"}
    return NewCall(**facts | more)


def codes(results: Sequence[Recorded]) -> list[str]:
    """For each its status, or why it was rejected."""
    return [each.error.code if each.error else each.status.value for each in results]


async def stored_calls(db: Database) -> int:
    async with db.read() as session:
        return int((await session.execute(select(func.count()).select_from(LLM_CALLS))).scalar_one())


async def figures(db: Database) -> Figures:
    """All that the ledger adds up to."""
    async with db.read() as session:
        return summed(await deltas(session)).get((), Figures())


async def test_recorded_call_is_on_disk(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """The answer is the row, with what the server adds: ids, price, instants, state of the content."""
    call = new(
        prompt,
        prompt_hash=prompt.content_hash,
        agent="bot",
        provider="openai",
        input_tokens=1000,
        output_tokens=100,
        latency_ms=12.3456,
        finish_reasons=("stop",),
        variables=TICKET,
        output={"queue": "billing"},
        metadata={"run": 7},
    )
    before = now()
    (result,) = await recorder.record([call])
    assert (RECORDED, call.call_id, (), None) == (
        result.status,
        result.call_id,
        result.warnings,
        result.error,
    )
    async with db.read() as session:
        (stored,) = await calls_by_id(session, [result.call_id or uuid4()])
        (content,) = await contents_by_call(session, [result.call_id or uuid4()])
        (bot,) = await agents_by_name(session, ["bot"])
    assert stored == result.call
    assert stored is not None and bot is not None
    assert (prompt.id, bot.id, ContentState.FULL) == (stored.prompt_id, stored.agent_id, stored.content_state)
    assert (12_346, CostSource.COMPUTED) == (stored.latency_us, stored.cost_source)
    assert stored.cost_usd is not None and stored.cost_usd > 0
    assert stored.started_at == stored.recorded_at
    assert abs(stored.recorded_at - before) < dt.timedelta(minutes=1)
    assert (
        CallContent(call_id=stored.id, variables=TICKET, output={"queue": "billing"}, metadata={"run": 7})
        == content
    )


async def test_bare_call_is_recorded(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """Without an id it gets one of version 7; without contents there is no row of contents."""
    start = dt.datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    (result,) = await recorder.record([new(prompt, call_id=None, model="nobody's", started_at=start)])
    assert result.call is not None and result.call_id is not None
    assert (7, start, None) == (result.call_id.version, result.call.started_at, result.call.cost_usd)
    assert ContentState.NONE == result.call.content_state
    async with db.read() as session:
        assert [None] == await contents_by_call(session, [result.call_id])


async def test_reported_cost_goes_before_a_computed_one(recorder: Recorder, prompt: Prompt) -> None:
    """What the caller says it cost is kept to the nano-USD."""
    call = new(prompt, provider="openai", input_tokens=1, output_tokens=1, cost_usd=Decimal("0.000000001"))
    (result,) = await recorder.record([call])
    assert result.call is not None
    assert (1, CostSource.REPORTED) == (result.call.cost_nano_usd, result.call.cost_source)


async def test_prompt_may_be_named_by_either_id(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """The global id and the row's own are the same prompt, also to a retry; a retired one is recorded too."""
    call = new(prompt)
    async with db.write() as session:
        await registry.retire_family(session, prompt.family.id, at=now())
    by_row = call._replace(prompt_id=str(prompt.id))
    assert ["RECORDED", "DUPLICATE"] == codes(
        [*await recorder.record([call]), *await recorder.record([by_row])]
    )


UNKNOWN = {
    "another version": (global_id("Prompt", "triage", 9), "NOT_FOUND"),
    "another name": (global_id("Prompt", "none", 1), "NOT_FOUND"),
    "no row": ("999999", "NOT_FOUND"),
    "beyond every row": ("9" * 19, "NOT_FOUND"),
    "an agent's": (global_id("Agent", "bot"), "INVALID_INPUT"),
    "a family's": (global_id("PromptFamily", "triage"), "INVALID_INPUT"),
    "no version": (global_id("Prompt", "triage"), "INVALID_INPUT"),
    "a text for a version": (global_id("Prompt", "triage", "x"), "INVALID_INPUT"),
    "version nought": (global_id("Prompt", "triage", 0), "NOT_FOUND"),
    "a huge version": (global_id("Prompt", "triage", 10**18), "NOT_FOUND"),
    "nonsense": ("triage@2", "INVALID_INPUT"),
    "nothing": ("", "INVALID_INPUT"),
    "other digits": ("٣", "INVALID_INPUT"),
    "a negative": ("-1", "INVALID_INPUT"),
    "NUL": (global_id("Prompt", "tri\x00age", 1), "INVALID_INPUT"),
    "a megabyte": ("9" * 1_000_000, "INVALID_INPUT"),
}


async def test_unknown_prompts_are_refused_row_by_row(
    db: Database, recorder: Recorder, prompt: Prompt
) -> None:
    """Every kind of wrong id has its error, at its place, and rejects its own row alone."""
    calls = [new(prompt, prompt_id=id_) for id_, _ in UNKNOWN.values()]
    results = await recorder.record([new(prompt), *calls, new(prompt)])
    expected = {name: code for name, (_, code) in UNKNOWN.items()}
    assert expected == dict(zip(UNKNOWN, codes(results[1:-1]), strict=True))
    assert {"promptId"} == {each.error.field for each in results[1:-1] if each.error}
    assert all(len(str(each.error)) < 400 for each in results[1:-1])
    assert ["RECORDED", "RECORDED"] == codes([results[0], results[-1]])
    assert 2 == await stored_calls(db)


async def test_prompt_that_comes_later_is_found(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """That a prompt was unknown is not remembered."""
    call = new(prompt, prompt_id=global_id("Prompt", "triage", 3))
    assert ["NOT_FOUND"] == codes(await recorder.record([call]))
    async with db.write() as session:
        await stock_version(session, prompt.family.id, "triage", 3)
    assert ["RECORDED"] == codes(await recorder.record([call]))


async def test_other_text_than_the_version_has_is_refused(recorder: Recorder, prompt: Prompt) -> None:
    """A promptHash that is not the stored one is PROMPT_MISMATCH, and the row is not kept."""
    results = await recorder.record(
        [new(prompt, prompt_hash="0" * 64), new(prompt, prompt_hash=prompt.content_hash)]
    )
    assert ["PROMPT_MISMATCH", "RECORDED"] == codes(results)


@pytest.mark.parametrize(("unlinked", "code"), [(False, "INVALID_INPUT"), (True, "RECORDED")])
async def test_call_without_a_prompt(db: Database, unlinked: bool, code: str) -> None:  # noqa: FBT001  # a table's column
    """Refused, unless the server accepts and counts them."""
    recorder = Recorder(db, PriceBook(), now=now, unlinked=unlinked)
    results = await recorder.record([NewCall(call_id=uuid4(), model="m", variables={"any": "thing"})])
    await recorder.stop()
    assert [code] == codes(results)
    assert int(unlinked) == (await figures(db))["unlinked_calls"]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no model": ({"model": ""}, "INVALID_INPUT"),
    "a model of blanks": ({"model": "  "}, "INVALID_INPUT"),
    "tokens beyond 2^31": ({"input_tokens": 2**31}, "INVALID_INPUT"),
    "negative tokens": ({"output_tokens": -1}, "INVALID_INPUT"),
    "NaN": ({"latency_ms": float("nan")}, "INVALID_INPUT"),
    "infinite": ({"latency_ms": float("inf")}, "INVALID_INPUT"),
    "negative latency": ({"latency_ms": -0.001}, "INVALID_INPUT"),
    "latency of two days": ({"latency_ms": 172_800_000.0}, "INVALID_INPUT"),
    "cost NaN": ({"cost_usd": Decimal("NaN")}, "INVALID_INPUT"),
    "cost of ten decimals": ({"cost_usd": Decimal("0.0000000001")}, "INVALID_INPUT"),
    "year 9999": ({"started_at": dt.datetime(9999, 12, 31, tzinfo=dt.UTC)}, "INVALID_INPUT"),
    "year 1969": ({"started_at": dt.datetime(1969, 12, 31, tzinfo=dt.UTC)}, "TOO_OLD"),
    "no zone": ({"started_at": dt.datetime(2026, 1, 1)}, "INVALID_INPUT"),  # noqa: DTZ001  # the flaw itself
    "metadata of a megabyte": ({"metadata": {"x": "y" * 1_000_000}}, "INVALID_INPUT"),
    "NUL in variables": ({"variables": {"ticket": "a\x00b"}}, "INVALID_INPUT"),
    "surrogate in the output": ({"output": "\ud800"}, "INVALID_INPUT"),
    "NUL in the error": ({"error_message": "\x00"}, "INVALID_INPUT"),
    "agent of two lines": ({"agent": "a\nb"}, "INVALID_INPUT"),
    "integer beyond 2^53": ({"variables": {"x": 2**53}}, "INVALID_INPUT"),
    "deep": ({"metadata": {"a": [[[[[[[[[[[[1]]]]]]]]]]]]}}, "INVALID_INPUT"),
    "a label that is none": ({"label": "Latest!"}, "INVALID_INPUT"),
}


async def test_bad_values_reject_their_row_alone(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """Each flaw has its code at its place; the rows around it are recorded; no agent is made for it."""
    bad = [new(prompt, **values) for values, _ in BAD.values()]
    mixed = [call for each in bad for call in (new(prompt), each)]
    results = await recorder.record(mixed)
    expected = {name: code for name, (_, code) in BAD.items()}
    assert expected == dict(zip(BAD, codes(results[1::2]), strict=True))
    assert all(each.error and each.error.field for each in results[1::2])
    assert {"RECORDED"} == set(codes(results[::2]))
    assert len(BAD) == await stored_calls(db) == (await figures(db))["calls"]


async def test_as_many_as_fit(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """None gives none; 1 000 are recorded, over several commits; 1 001 are refused as a whole."""
    assert [] == await recorder.record([])
    results = await recorder.record([new(prompt) for _ in range(1000)])
    assert {"RECORDED"} == set(codes(results))
    with pytest.raises(TooManyRowsError, match="At most 1000 rows"):
        await recorder.record([new(prompt) for _ in range(1001)])
    assert 1000 == await stored_calls(db)
    async with db.read() as session:
        batches = list(await session.scalars(select(RECORD_BATCHES.c.call_ids)))
    assert 2 == len(batches)
    kept = [UUID(bytes=bytes(each[i : i + 16])) for each in batches for i in range(0, len(each), 16)]
    assert {each.call_id for each in results} == set(kept)


async def test_same_id_twice(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """In one batch and later: equal content is a duplicate of the first row, other content a conflict."""
    call = new(prompt, variables=TICKET, output_tokens=1)
    other = call._replace(output_tokens=2)
    results = await recorder.record([call, call, other, new(prompt), call])
    assert ["RECORDED", "DUPLICATE", "IDEMPOTENCY_CONFLICT", "RECORDED", "DUPLICATE"] == codes(results)
    again = await recorder.record([other, call])
    assert ["IDEMPOTENCY_CONFLICT", "DUPLICATE"] == codes(again)
    first = results[0].call
    assert [first] * 3 == [results[1].call, results[4].call, again[1].call]
    assert results[2].call is None and results[2].error is not None
    assert "callId" == results[2].error.field and not results[2].error.retryable
    assert (2, 1) == (await stored_calls(db), (await figures(db))["output_tokens"])


async def test_other_variables_are_another_call(recorder: Recorder, prompt: Prompt) -> None:
    """Contents count, also the sensitive ones that are not stored."""
    call = new(prompt, variables={**TICKET, "card": "1234"})
    changed = call._replace(variables={**TICKET, "card": "9999"})
    assert ["RECORDED", "IDEMPOTENCY_CONFLICT"] == codes(await recorder.record([call, changed]))


async def test_retry_storm(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """300 copies of 10 calls at once, through two recorders: 10 rows, figures of 10, 300 equal answers."""
    second = Recorder(db, PriceBook(), now=now)
    calls = [new(prompt, input_tokens=7, agent="bot", started_at=now()) for _ in range(10)]
    copies = calls * 30
    answers = await asyncio.gather(
        *((recorder, second)[i // 10 % 2].record([call]) for i, call in enumerate(copies))
    )
    await second.stop()
    rows: dict[UUID, set[LlmCall]] = {}
    for (answer,) in answers:
        assert answer.call is not None
        rows.setdefault(answer.call.id, set()).add(answer.call)
    assert {call.call_id for call in calls} == rows.keys()
    assert {1} == {len(each) for each in rows.values()}
    assert {RECORDED: 10, DUPLICATE: 290} == Counter(answer.status for (answer,) in answers)
    total = await figures(db)
    assert (10, 10, 70) == (await stored_calls(db), total["calls"], total["input_tokens"])


async def test_variables_that_do_not_fit_are_recorded_with_a_warning(
    recorder: Recorder, prompt: Prompt
) -> None:
    """A call that happened is a fact; of a sensitive variable the warning shows nothing."""
    hidden = "4929-1234-5678"
    results = await recorder.record(
        [
            new(prompt, variables={}),
            new(prompt, variables={"ticket": 7}),
            new(prompt, variables={**TICKET, "tickt": "x"}),
            new(prompt, variables={**TICKET, "card": hidden}),
            new(prompt, variables=TICKET, input_tokens=1, cache_read_input_tokens=5),
            new(prompt),
        ]
    )
    assert {"RECORDED"} == set(codes(results))
    found = [[(warning.code, warning.field) for warning in each.warnings] for each in results]
    misfits = [[("VARIABLES_MISFIT", f"variables.{name}")] for name in ("ticket", "ticket", "tickt", "card")]
    assert [*misfits, [("TOKENS_CONTRADICT", "inputTokens")], []] == found
    assert not any(hidden in warning.message for each in results for warning in each.warnings)


async def test_nothing_of_a_template_or_a_hidden_is_stored(
    db: Database, recorder: Recorder, prompt: Prompt
) -> None:
    """A sentence of the template and a sensitive value are in no column of any table of calls."""
    hidden = "4929"
    call = new(
        prompt, prompt_hash=prompt.content_hash, variables={**TICKET, "card": hidden}, output="billing"
    )
    await recorder.record([call])
    columns = [
        column for table in (LLM_CALLS, CALL_CONTENTS, CALL_SCORES, RECORD_BATCHES) for column in table.c
    ]
    seen = []
    async with db.read() as session:
        for column in columns:
            seen += [str(value) for value in await session.scalars(select(column))]
        (content,) = await contents_by_call(session, [call.call_id or uuid4()])
    everything = "\n".join(seen)
    assert "My invoice is wrong" in everything  # the search finds what is there
    assert CANARY not in everything
    assert content is not None and TICKET == content.variables


async def agent(db: Database, name: str) -> Agent | None:
    async with db.read() as session:
        return (await agents_by_name(session, [name]))[0]


async def test_agents_are_made_on_first_sight(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """Once, undeclared, and the registry's revision moves; a declared one stays what it is."""
    async with db.write() as session:
        declared = await stock_agent(session, "known")
        before = await registry.revision(session)
    names = ["Bot One", "known", None, "Bot One", "二号"]
    results = await recorder.record([new(prompt, agent=name) for name in names])
    made = [await agent(db, name) for name in ("Bot One", "known", "二号")]
    assert [False, True, False] == [each.declared for each in made if each]
    found = [each.call.agent_id for each in results if each.call]
    one, _, two = (each.id for each in made if each)
    assert [one, declared, None, one, two] == found
    async with db.read() as session:
        assert before < await registry.revision(session)


async def test_agents_first_seen_by_many_at_once(db: Database, prompt: Prompt) -> None:
    """Recorders that see a name at the same moment agree on one agent."""
    recorders = [Recorder(db, PriceBook(), now=now) for _ in range(4)]
    results = await asyncio.gather(*(each.record([new(prompt, agent="bot")]) for each in recorders))
    assert {"RECORDED"} == {code for each in results for code in codes(each)}
    assert 1 == len({each.call.agent_id for (each,) in results if each.call})
    for each in recorders:
        await each.stop()


async def test_too_many_agents_are_left_out(
    db: Database, recorder: Recorder, prompt: Prompt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the limit a call is kept without its agent, with a warning; known agents go on."""
    monkeypatch.setattr(callers, "MAX_UNDECLARED", 3)
    results = await recorder.record([new(prompt, agent=f"a{n}") for n in range(5)])
    results += await recorder.record([new(prompt, agent=name) for name in ("a0", "a7")])
    without = [each.call is not None and each.call.agent_id is None for each in results]
    assert [False, False, False, True, True, False, True] == without
    assert without == [[w.code for w in each.warnings] == ["TOO_MANY_AGENTS"] for each in results]
    assert await agent(db, "a7") is None


async def test_figures_equal_the_rows(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """What the ledger adds up to is what the stored calls add up to, duplicates left out."""
    calls = [
        new(prompt, input_tokens=n, latency_ms=n * 1.5, agent=f"a{n % 3}", provider="openai", output_tokens=n)
        for n in range(40)
    ]
    results = await recorder.record(calls[:30])
    results += await recorder.record(calls[10:])
    expected = Figures()
    for call in {each.call.id: each.call for each in results if each.call}.values():
        expected.add(Figures.of_call(call))
    assert expected == await figures(db)
    assert 40 == expected["calls"]


async def test_somebody_may_hear_of_each_commit(db: Database, prompt: Prompt) -> None:
    """After a commit that stored calls, and not after one that found duplicates."""
    heard: list[int] = []
    recorder = Recorder(db, PriceBook(), now=now, wake=lambda: heard.append(1))
    call = new(prompt)
    await recorder.record([call])
    await recorder.record([call])
    await recorder.stop()
    assert [1] == heard


async def test_known_names_cost_no_look_up(
    recorder: Recorder, prompt: Prompt, statements: Statements, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once prompt and agent are known, a call costs the statements of its commit and no more."""
    monkeypatch.setattr(linking, "FRESH_SECONDS", 1_000)  # however slow this machine is
    await recorder.record([new(prompt, agent="bot")])
    before = len(statements)
    await recorder.record([new(prompt, agent="bot", variables=TICKET)])
    sent = statements[before:]
    assert len(sent) <= 5, sent  # on SQLite; the clock is none there, the limit of age one
    assert not any("FROM prompts" in statement or "FROM agents" in statement for statement in sent)


async def test_renamed_prompt_is_noticed(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """An id that is remembered is looked up again when the registry has changed."""
    await recorder.record([new(prompt)])
    async with db.write() as session:
        other = await stock(session, "other")
        await registry.advance_revision(session)
    await asyncio.sleep(1.1)
    (result,) = await recorder.record([new(prompt, prompt_id=global_id("Prompt", "other", 1))])
    assert result.call is not None and other.prompts[1] == result.call.prompt_id
