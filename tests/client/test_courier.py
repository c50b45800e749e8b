"""The background recorder: what is in the outbox reaches the server, whatever the server says meanwhile."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from promptgraph.client.async_client import AsyncClient
from promptgraph.client.calls import CallDraft
from promptgraph.client.client import Client
from promptgraph.client.courier import Delivered, Flushed, deliver_batch
from promptgraph.client.http import Shell
from promptgraph.client.limits import Bounds
from promptgraph.client.outbox import Outbox
from promptgraph.client.prompts import Prompt
from promptgraph.domain.call_ids import new_call_id
from promptgraph.domain.errors import StoreUnavailableError
from tests.children import surroundings
from tests.client.serving import Network, asked, away, stored, within

METRICS = "query($e: [String!]) { metrics(filter: {environments: $e}) { calls inputTokens } }"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


def background(server: str, path: Path, network: Network | None = None, **options: Any) -> Client:
    return Client(server, recorder="background", outbox=path, transport=network, **options)


def prompt_of(client: Client) -> Prompt:
    return client.prompt("support/enterprise")


def names() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("promptgraph")}


def test_calls_and_scores_arrive(server: str, path: Path) -> None:
    """`record` returns at once, `flush` says what arrived; no thread runs before or after."""
    environment = str(new_call_id())
    with background(server, path, environment=environment) as client:
        prompt = prompt_of(client)
        assert set() == names()
        calls = [client.record(prompt, model="m", input_tokens=number) for number in range(50)]
        assert {None} == {call.status for call in calls}
        assert {"promptgraph-courier"} == names()
        client.score(calls[0].call_id, "ok", value=1)
        assert Flushed(51, 0) == client.flush(30)
        assert {"calls": 50, "inputTokens": 1225} == asked(server, METRICS, e=[environment])["metrics"]
        assert {"scores": [{"value": 1.0}]} == stored(server, calls[0].call_id, "scores { value }")
        client.record_many([{"prompt": prompt, "model": "m", "facts": {"input_tokens": 0}}])
    assert set() == names()
    assert {"calls": 51, "inputTokens": 1225} == asked(server, METRICS, e=[environment])["metrics"]


def test_sensitive_variables_never_reach_the_disk(server: str, path: Path) -> None:
    """Nor do variables whose sensitivity nobody can tell."""
    network = Network()
    with background(server, path, network) as client:
        rendered = client.render("support/triage", ticket="plain", card="canary-4711")
        network.always = away()
        client.record(rendered, model="m")
        client.record(rendered.prompt, model="m", variables={"card": "canary-4711", "ticket": "plain"})
        client.record(rendered.prompt.id, model="m", variables={"card": "canary-4711", "ticket": "plain"})
        client.record("UHJvbXB0CmEKMQ", model="m", variables={"anything": "canary-4711"})
        written = b"".join(file.read_bytes() for file in path.parent.glob("outbox*"))
        assert b"plain" in written
        assert b"canary-4711" not in written
        network.always = None
        client.close(0)


@pytest.mark.parametrize(
    "happens",
    [
        away(),
        httpx.Response(500, text="oh"),
        httpx.Response(429, headers={"retry-after": "0"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"data": {"recordLlmCalls": {"results": []}}}),
        httpx.Response(401),
        httpx.Response(404),
        httpx.Response(
            200, json={"errors": [{"message": "oops", "extensions": {"code": "INTERNAL"}}], "data": None}
        ),
    ],
    ids=["away", "500", "429", "garbage", "another answer", "wrong key", "no graph", "INTERNAL"],
)
def test_nothing_is_lost_while_the_server_takes_nothing(server: str, path: Path, happens: object) -> None:
    """Rows wait, and arrive once each when it takes them again."""
    network = Network()
    with background(server, path, network) as client:
        prompt = prompt_of(client)
        network.always = happens
        calls = [client.record(prompt, model="m") for _ in range(3)]
        flushed = client.flush(0.5)
        assert Flushed(0, 3) == flushed
        network.always = None
        assert Flushed(3, 0) == client.flush(30)
        assert {"callId": str(calls[0].call_id)} == stored(server, calls[0].call_id)


def test_a_pause_that_the_server_asks_for_is_kept(path: Path) -> None:
    """Not even a flush cuts it short."""
    network = Network(httpx.Response(429, headers={"retry-after": "60"}))
    network.always = away()
    client = background("http://localhost:1", path, network)
    client.record(None, model="m")
    within(lambda: network.asked)
    client.flush(1.0)
    assert 1 == len(network.asked)
    client.close(0)


def refusing(poison: set[str], server: str) -> Callable[[httpx.Request], httpx.Response]:
    """A server that refuses a request as a whole where it holds one of these ids."""

    def answer(request: httpx.Request) -> httpx.Response:
        rows = json.loads(request.read())["variables"]["input"]
        if poison & {row["callId"] for row in rows}:
            return httpx.Response(400, json={"errors": [{"message": "Int cannot represent 'x'."}]})
        return httpx.post(
            f"{server}/graphql", content=request.content, headers={"content-type": "application/json"}
        )

    return answer


def test_a_poisoned_row_is_set_aside_alone(server: str, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A batch that is refused whole is halved until the culprits are alone; all others arrive."""
    outbox, network = Outbox(path), Network()
    poison = {str(new_call_id()) for _ in range(3)}
    network.always = refusing(poison, server)
    with background(server, path, Network()) as client:
        prompt = prompt_of(client)
        client._core.courier.wake = lambda: None  # type: ignore[method-assign, union-attr]  # noqa: SLF001  # nobody delivers yet
        ids = [*poison, *(str(new_call_id()) for _ in range(200))]
        for call_id in sorted(ids):
            client.record(prompt, model="m", call_id=call_id)
        shell = Shell(client._core.server, network)  # noqa: SLF001  # the same server, through this network
        one = deliver_batch(outbox, shell)
        assert one is not None
        assert (200, 3) == (one.recorded, one.refused)
        assert poison == {str(call_id) for call_id, _ in outbox.refusals()}
        assert (0, 3) == (outbox.status().waiting, outbox.status().set_aside)
        assert len(network.asked) < 60
        assert next(iter(poison)) in caplog.text
        shell.close()
    outbox.close()


def test_a_call_that_waited_for_too_long_is_sent_when_somebody_says_so(server: str, path: Path) -> None:
    """A week is what every server keeps calls for, and more; a call whose id tells no age is sent."""
    outbox, made = Outbox(path), int((time.time() - 8 * 86_400) * 1000)
    late = UUID(int=(made << 80) | new_call_id().int & (1 << 80) - 1)
    with background(server, path) as client:
        prompt = prompt_of(client)
        client._core.courier.wake = lambda: None  # type: ignore[method-assign, union-attr]  # noqa: SLF001  # nobody delivers yet
        for call_id in (late, uuid4(), new_call_id()):
            client.record(prompt, model="m", call_id=str(call_id))
        shell = Shell(client._core.server)  # noqa: SLF001  # the same server
        done = [deliver_batch(outbox, shell) for _ in range(2)]
        assert [Delivered(refused=1), Delivered(recorded=2)] == done
        ((call_id, reason),) = outbox.refusals()
        assert late == call_id and "7 days" in reason
        assert 1 == outbox.retry_refused()
        assert Delivered(recorded=1) == deliver_batch(outbox, shell, late=True)
        shell.close()
    outbox.close()


def test_a_row_that_the_server_refuses_is_set_aside(server: str, path: Path) -> None:
    """Its reason is kept; others of the batch arrive."""
    with background(server, path) as client:
        prompt = prompt_of(client)
        client.record(prompt, model="m", latency_ms=-1.0)
        client.record(prompt, model="m")
        assert Flushed(1, 0, 1) == client.flush(30)
        ((_, reason),) = client._core.courier.outbox.refusals()  # type: ignore[union-attr]  # noqa: SLF001  # it has one
        assert "latencyMs" in reason


UNFIT: dict[str, dict[str, Any]] = {
    "too large": {"output": "x" * 300_000},
    "too deep": {"variables": {"a": [[[[[[[[[[[[]]]]]]]]]]]]}},
    "not to be stored": {"output": "a\x00b"},
    "metadata": {"metadata": {"k": "x" * 20_000}},
}


@pytest.mark.parametrize("facts", UNFIT.values(), ids=UNFIT)
def test_a_call_whose_contents_are_refused_is_linked_all_the_same(
    server: str, path: Path, facts: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It is recorded without them, and the log says why."""
    with background(server, path) as client:
        with client.llm_call(prompt_of(client), model="m", **facts) as call:
            call.finish(input_tokens=7)
        assert Flushed(1, 0) == client.flush(30)
    expected = {"inputTokens": 7, "prompt": {"name": "support/enterprise"}, "output": None}
    assert expected == stored(server, call.call_id, "inputTokens prompt { name } output")
    assert f"The call {call.call_id} was recorded without its contents" in caplog.text


def test_many_are_kept_each_for_itself(path: Path) -> None:
    """Those for which there is no room say so; the others are in the outbox."""
    client = background("http://127.0.0.1:9", path)
    courier = client._core.courier  # noqa: SLF001  # a smaller outbox
    assert courier is not None
    courier.outbox = Outbox(path, bounds=Bounds(rows=2))
    made = client.record_many([CallDraft(prompt=None, model="m")] * 3)
    assert [None, None, StoreUnavailableError] == [each.error and type(each.error) for each in made]
    assert 2 == courier.outbox.waiting()
    client.close(0)


def test_a_program_that_moves_keeps_its_outbox(
    server: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path is meant where the client was made, though the file is opened again later."""
    monkeypatch.chdir(path.parent)
    with background(server, Path(path.name)) as client:
        prompt = prompt_of(client)
        client.record(prompt, model="m")
        monkeypatch.chdir("/")
        client.record(prompt, model="m")
        assert Flushed(2, 0) == client.flush(30)
    assert path.exists()


def test_a_server_that_understands_nothing_costs_nothing(path: Path) -> None:
    """Where even an empty batch is refused, it is not the rows that are to blame: they stay."""
    network = Network()
    network.always = httpx.Response(
        400, json={"errors": [{"message": "Cannot query field 'recordLlmCalls'."}]}
    )
    client = background("http://localhost:1", path, network)
    outbox = Outbox(path)
    for _ in range(5):
        client.record(None, model="m")
    client._core.courier.stop()  # type: ignore[union-attr]  # noqa: SLF001  # it has one
    shell = Shell(client._core.server, network)  # noqa: SLF001  # as above
    with pytest.raises(StoreUnavailableError, match="does not understand"):
        deliver_batch(outbox, shell)
    assert (5, 0, 0) == (outbox.status().waiting, outbox.status().leased, outbox.status().set_aside)
    client.close(0)
    outbox.close()


def test_a_row_that_breaks_the_server_holds_up_no_other(server: str, path: Path) -> None:
    """It stays, for it may be the server's fault; the rest arrives."""
    bad = str(new_call_id())

    def answer(request: httpx.Request) -> httpx.Response:
        found = refusing({bad}, server)(request)
        code = {"errors": [{"message": "oops", "extensions": {"code": "INTERNAL"}}], "data": None}
        return httpx.Response(200, json=code) if found.status_code == 400 else found

    network = Network()
    with background(server, path, network) as client:
        prompt = prompt_of(client)
        network.always = answer
        client.record(prompt, model="m", call_id=bad)
        for _ in range(9):
            client.record(prompt, model="m")
        within(lambda: client._core.courier.outbox.waiting() == 1)  # type: ignore[union-attr]  # noqa: SLF001  # it has one
        network.always = None
        assert Flushed(1, 0) == client.flush(30)


def test_the_next_process_delivers(server: str, path: Path) -> None:
    """What one left behind goes with the next one's first call."""
    network = Network()
    first = background(server, path, network)
    prompt = prompt_of(first)
    network.always = away()
    left = first.record(prompt, model="m")
    first.close(0)
    with background(server, path) as second:
        second.record(prompt, model="m")
        assert Flushed(2, 0) == second.flush(30)
    assert {"callId": str(left.call_id)} == stored(server, left.call_id)


def _records(client: Client, prompt: Prompt, count: int) -> None:
    for _ in range(count):
        client.record(prompt, model="m")
    client.flush(30)
    os._exit(0)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_it_goes_on_after_a_fork(server: str, path: Path) -> None:
    """Each child delivers by its own thread and connections."""
    environment = str(new_call_id())
    with background(server, path, environment=environment) as client:
        prompt = prompt_of(client)
        client.record(prompt, model="m")
        client.flush(30)
        context = multiprocessing.get_context("fork")
        children = [context.Process(target=_records, args=(client, prompt, 20)) for _ in range(3)]
        for child in children:
            child.start()
        for child in children:
            child.join()
        client.record(prompt, model="m")
        client.flush(30)
    assert 62 == asked(server, METRICS, e=[environment])["metrics"]["calls"]


def test_the_end_of_a_program_delivers(server: str, path: Path, tmp_path: Path) -> None:
    """Without a word to the client; one whose server is away does not hold up the end."""
    script = tmp_path / "agent.py"
    script.write_text(
        "import sys\nfrom promptgraph import Client\n"
        "client = Client(sys.argv[1], recorder='background', outbox=sys.argv[2])\n"
        "print(client.record('UHJvbXB0CnN1cHBvcnQvZW50ZXJwcmlzZQox', model='m').call_id)\n"
    )
    for url in (server, "http://127.0.0.1:9"):
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, str(script), url, str(path)],
            env=surroundings(),
            capture_output=True,
            text=True,
            check=True,
        )
        assert time.monotonic() - began < 30
        there = stored(server, done.stdout.strip())
        assert (there is not None) is (url == server)
    assert "1 rows wait" in done.stderr


async def test_the_async_client_has_the_same_outbox(server: str, path: Path) -> None:
    """Delivered by a thread, so that a loop that is busy holds up nothing."""
    async with AsyncClient(server, recorder="background", outbox=path) as client:
        prompt = await client.prompt("support/enterprise")
        recorded = await client.record(prompt, model="m")
        time.sleep(1)  # noqa: ASYNC251  # the loop is busy
        assert {"callId": str(recorded.call_id)} == stored(server, recorded.call_id)
        await client.record(prompt, model="m")
        assert Flushed(1, 0) == await client.flush(30)


def test_trouble_is_told_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not with every try; and each kind of trouble for itself."""
    network = Network(*[away()] * 3, httpx.Response(401))
    network.always = away()
    client = background("http://localhost:1", path, network)
    client.record(None, model="m")
    within(lambda: len(network.asked) > 4)
    client.close(0)
    told = [record.message for record in caplog.records if "stay in the outbox" in record.message]
    assert ["out of reach", "refuses the API key", "out of reach"] == [
        next(words for words in ("out of reach", "refuses the API key") if words in line) for line in told
    ]
