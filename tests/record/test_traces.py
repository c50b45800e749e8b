"""What becomes of spans: each call on disk once, and what is refused said in the words of spans."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from promptgraph.domain.call import CallStatus, NewCall, RecordStatus
from promptgraph.domain.canonical import Json
from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.domain.prompt import Prompt
from promptgraph.record.conventions import call_of
from promptgraph.record.prices import PriceBook
from promptgraph.record.recorder import Recorder
from promptgraph.record.span import Span
from promptgraph.record.traces import NO_PROMPT, Taken, Traces
from promptgraph.store.calls import calls_by_id, contents_by_call
from promptgraph.store.database import Database
from tests.record.conftest import now
from tests.record.test_recorder import figures, stored_calls

SECOND = 1_000_000_000
PROMPT: dict[str, Json] = {"gen_ai.prompt.name": "triage", "gen_ai.prompt.version": 2}


def span(attributes: dict[str, Json] | None = None, **more: Any) -> Span:
    """A span of a call of `triage@2`, unless `attributes` say otherwise."""
    start = int(now().timestamp()) * SECOND
    told = PROMPT | {"gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 7} | (attributes or {})
    fields: dict[str, Any] = {"started_ns": start, "ended_ns": start + SECOND, "attributes": told}
    return Span(uuid4().hex, uuid4().hex[:16], **fields | more)


async def test_spans_become_calls(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """Answered once they are on disk, linked to the version that they name, counted in the figures."""
    told = span({"gen_ai.output.messages": "billing"}, failed=True, message="late")
    id_ = call_of(told).call_id or uuid4()
    assert Taken() == await Traces(recorder).record([told, span()])
    async with db.read() as session:
        (call,) = await calls_by_id(session, [id_])
        (content,) = await contents_by_call(session, [id_])
    assert call is not None and content is not None
    assert (prompt.id, CallStatus.ERROR, "late") == (call.prompt_id, call.status, call.error_message)
    assert (1_000_000, told.trace_id, "billing") == (call.latency_us, call.trace_id, content.output)
    assert (2, 14) == (await stored_calls(db), (await figures(db))["input_tokens"])


async def test_span_that_is_sent_again_is_no_other_call(
    db: Database, recorder: Recorder, prompt: Prompt
) -> None:
    """Exporters retry whole batches; nothing of a batch that is stored is refused."""
    assert prompt.version == 2
    spans = [span() for _ in range(20)]
    traces = Traces(recorder)
    answers = await asyncio.gather(*(traces.record(spans) for _ in range(5)))
    assert [Taken()] * 5 == answers
    assert (20, 20) == (await stored_calls(db), (await figures(db))["calls"])


async def test_span_of_another_content_is_refused(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """The ids of trace and span are unique: the first stays, and the second is told."""
    assert prompt.version == 2
    first, traces = span(), Traces(recorder)
    await traces.record([first])
    taken = await traces.record([replace(first, ended_ns=first.ended_ns + 1000)])
    assert (1, 1) == (taken.rejected, await stored_calls(db))
    assert "callId was used for another call" in taken.message


@pytest.mark.parametrize("first", ["span", "caller"])
async def test_caller_and_span_record_a_call_once(
    db: Database, recorder: Recorder, prompt: Prompt, first: str
) -> None:
    """By the id that both name, though the caller knows more: the first stays, and nobody is refused."""
    id_, traces = uuid4(), Traces(recorder)
    told = span({"promptgraph.call.id": str(id_)})
    own = NewCall(call_id=id_, prompt_id=prompt.global_id, model="gpt-4o", variables={"ticket": "My card"})
    other = replace(told, span_id="1" * 16)  # a wrapper's span that was given the same attribute
    if first == "span":
        assert Taken() == await traces.record([told])
    (mine,) = await recorder.record([own])
    assert [Taken()] * 2 == [await traces.record([told, other]), await traces.record([told])]
    (again,) = await recorder.record([own])
    expected = RecordStatus.DUPLICATE if first == "span" else RecordStatus.RECORDED
    assert (expected, RecordStatus.DUPLICATE) == (mine.status, again.status)
    assert (1, 1) == (await stored_calls(db), (await figures(db))["calls"])


async def test_told_call_stays_a_duplicate_when_its_prompt_is_gone(
    db: Database, recorder: Recorder, prompt: Prompt
) -> None:
    """A caller's call that would be refused today is stored all the same: its span is no news."""
    id_ = uuid4()
    await recorder.record([NewCall(call_id=id_, prompt_id=prompt.global_id, model="gpt-4o")])
    late = span({"promptgraph.call.id": str(id_), "gen_ai.prompt.name": "gone"})
    assert Taken() == await Traces(recorder).record([late])
    assert 1 == await stored_calls(db)


REFUSED: list[tuple[str, dict[str, Json], str]] = [
    ("no prompt", {"gen_ai.prompt.name": None}, NO_PROMPT),
    ("no version", {"gen_ai.prompt.version": None}, NO_PROMPT),
    (
        "an unknown version",
        {"gen_ai.prompt.version": 9},
        "There is no prompt triage of version 9 here: sync it.",
    ),
    ("an unknown row", {"promptgraph.prompt.id": "999999"}, "There is no prompt with the id '999999' here."),
    ("no id", {"promptgraph.prompt.id": "x"}, "Not an id of this API: 'x'."),
    ("another text", {"promptgraph.prompt.hash": "0" * 64}, "another text was rendered"),
    ("a long user", {"user.id": "x" * 201}, "userId must hold 1 to 200 characters"),
    ("a control character", {"user.id": "a\0b"}, "userId holds the character U+0000."),
    ("half a character", {"user.id": "\ud800"}, "userId holds the character U+D800."),
    (
        "huge tokens",
        {"gen_ai.usage.output_tokens": 2**63 - 1},
        "outputTokens must be a whole number from 0 to",
    ),
    ("negative tokens", {"gen_ai.usage.output_tokens": -1}, "outputTokens must be a whole number from 0 to"),
    ("a wrong type", {"gen_ai.usage.output_tokens": "1"}, "gen_ai.usage.output_tokens must be a whole"),
]


async def test_what_is_refused_holds_up_no_other(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """Each by itself, in a sentence that says what to mend; the rest of the batch is recorded."""
    assert prompt.version == 2
    traces = Traces(recorder)
    for count, (name, attributes, words) in enumerate(REFUSED, 1):
        taken = await traces.record([span(), span(attributes), span(attributes)])
        assert (2, True) == (taken.rejected, taken.message.startswith("2 x: ")), name
        assert words in taken.message, name
        assert count == await stored_calls(db)


async def test_spans_of_other_things_are_passed_over(
    db: Database, recorder: Recorder, prompt: Prompt
) -> None:
    """A program sends all its spans to one place: those of HTTP, databases, tools and agents are no news."""
    assert prompt.version == 2
    others: list[dict[str, Json]] = [
        {"http.request.method": "POST"},
        {"db.system.name": "postgresql"},
        {"gen_ai.operation.name": "execute_tool"},
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "m"},
    ]
    spans = [Span("", "", attributes=attributes) for attributes in others]
    assert Taken() == await Traces(recorder).record([*spans, span()])
    assert 1 == await stored_calls(db)


async def test_unlinked_calls_are_taken_where_that_is_set(db: Database) -> None:
    """UNLINKED_CALLS=accept: a span that names no prompt, or somebody else's, is a call without one."""
    recorder = Recorder(db, PriceBook(), now=now, unlinked=True)
    await recorder.start()
    spans = [span({"gen_ai.prompt.name": None}), span({"gen_ai.prompt.version": "v2"})]
    assert Taken() == await Traces(recorder).record(spans)
    await recorder.stop()
    async with db.read() as session:
        calls = await calls_by_id(session, [call_of(each).call_id or UUID(int=0) for each in spans])
    assert [None, None] == [call and call.prompt_id for call in calls]
    assert 2 == await stored_calls(db)


async def test_any_number_of_spans_is_recorded(db: Database, recorder: Recorder, prompt: Prompt) -> None:
    """More than the rows of one request of the graph: a collector's batches are larger."""
    assert prompt.version == 2
    spans = [span() for _ in range(2_001)]
    assert Taken() == await Traces(recorder).record(spans)
    assert 2_001 == await stored_calls(db)


async def test_many_reasons_are_told_shortly(recorder: Recorder, prompt: Prompt) -> None:
    """The most frequent ones; how many are refused is exact."""
    assert prompt.version == 2
    versions = [*range(100, 140), 100, 100]
    taken = await Traces(recorder).record([span({"gen_ai.prompt.version": v}) for v in versions])
    assert 42 == taken.rejected
    assert taken.message.startswith("3 x: There is no prompt triage of version 100 here")
    assert taken.message.endswith("35 for other reasons.")
    assert len(taken.message) < 600


async def test_recorder_that_stops_has_them_sent_again(
    db: Database, recorder: Recorder, prompt: Prompt
) -> None:
    """Nothing is called refused that may yet be stored."""
    assert prompt.version == 2
    await recorder.stop()
    with pytest.raises(StoreUnavailableError, match="stopping"):
        await Traces(recorder).record([span({"gen_ai.prompt.name": None}), span()])
    await recorder.start()
    assert 0 == await stored_calls(db)
