"""What a client keeps: served at once, looked at again behind the scenes, and never a text without its name,
version and hash.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from promptgraph.client.async_client import AsyncClient
from promptgraph.client.bundle import Bundle, Bundled, bundle_text, read_bundle
from promptgraph.client.client import Client
from promptgraph.client.live import Events
from promptgraph.domain.errors import (
    InvalidInputError,
    NotFoundError,
    PromptMismatchError,
    StoreUnavailableError,
)
from promptgraph.domain.prompt import Message, MessageRole, PromptContent
from tests.client.conftest import TREE
from tests.client.serving import PATIENCE_S, Network, asked, away, serving, stored, within
from tests.factories import write_tree

NAME = "support/triage"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[str]:
    """A server of this test alone, whose labels may move."""
    write_tree(tmp_path / "prompts", TREE)
    with serving(tmp_path) as url:
        yield url


def move(server: str, version: int, label: str = "canary") -> None:
    """Point a label of the API's at a version."""
    given = {"name": NAME, "label": label, "version": version}
    sent = "mutation($i: SetPromptLabelInput!) { setPromptLabel(input: $i) { errors { message } } }"
    assert {"setPromptLabel": {"errors": []}} == asked(server, sent, i=given)


def questions(network: Network) -> list[str]:
    """The names of what was asked."""
    return [body["query"].split("(")[0].split()[1] for body in network.asked]


def test_a_prompt_is_looked_up_once(server: str) -> None:
    """While it is fresh nothing is asked, by any number of threads."""
    network = Network()
    with Client(server, transport=network) as client:
        first = client.prompt(NAME)
        threads = [threading.Thread(target=client.render, args=(NAME, {"ticket": "x"})) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert first is client.prompt(NAME, label="production")
    assert ["Look"] == questions(network)


def test_a_stale_prompt_is_served_and_looked_at_again(own: str) -> None:
    """At once as it was, soon as it is; while the registry is the same, its revision is all that is asked."""
    move(own, 2)
    network = Network()
    with Client(own, transport=network, ttl=0.0) as client:
        assert 2 == client.prompt(NAME, label="canary").version
        assert 2 == client.prompt(NAME, label="canary").version
        within(lambda: "Revision" in questions(network))
        assert 1 == questions(network).count("Look")
        move(own, 3)
        assert 2 == client.prompt(NAME, label="canary").version
        within(lambda: client.prompt(NAME, label="canary").version == 3)
        assert "Look" in questions(network)[2:]


def test_a_version_is_never_looked_up_again(server: str) -> None:
    """It cannot change."""
    network = Network()
    with Client(server, transport=network, ttl=0.0) as client:
        for _ in range(3):
            assert 3 == client.prompt(NAME, version=3).version
    assert ["Look"] == questions(network)


def test_what_is_known_is_served_while_the_server_is_away(
    server: str, caplog: pytest.LogCaptureFixture
) -> None:
    """For as long as it takes; the log says so once."""
    network = Network()
    with Client(server, transport=network, ttl=0.0) as client:
        known = client.prompt(NAME)
        network.always = away()
        for _ in range(20):
            assert known is client.prompt(NAME)
        within(lambda: "could not be refreshed" in caplog.text)
        client._core.cache.drop()  # noqa: SLF001  # as an event does
        assert known is client.prompt(NAME)
        with pytest.raises(StoreUnavailableError):
            client.prompt("chat")
    told = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == len(set(told))


def test_a_prompt_that_is_gone_is_told_by_the_next_look(server: str) -> None:
    """A label that was taken away leads nowhere."""
    network = Network()
    with Client(server, transport=network) as client:
        client.prompt(NAME, label="staging")
        client._core.cache.drop()  # noqa: SLF001  # as an event does
        node = {"serverInfo": {"revision": 9}, "prompt": None}
        network.script.append(httpx.Response(200, json={"data": node}))
        with pytest.raises(NotFoundError, match="no prompt"):
            client.prompt(NAME, label="staging")


@pytest.fixture
def bundle(client: Client, tmp_path: Path) -> Path:
    """A bundle of what the server serves."""
    found = [client.prompt(NAME), client.prompt("support/enterprise")]
    prompts = tuple(Bundled(p.name, p.version, p.hash, p.content, ("production",)) for p in found)
    path = tmp_path / "bundle.json"
    path.write_text(bundle_text(Bundle(prompts, {"bot": client.assignments("bot").assigned})))
    return path


def test_a_start_without_a_server_serves_the_bundle(
    server: str, bundle: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With name, version and hash: the call is linked once the server is back."""
    network = Network()
    network.always = away()
    options: dict[str, Any] = {"transport": network, "bundle": bundle, "ttl": 0.0}
    with Client(server, recorder="background", outbox=tmp_path / "o.db", **options) as client:
        rendered = client.render(NAME, ticket="Hi")
        assert ("bundle", 2, "production") == (
            rendered.prompt.origin,
            rendered.prompt.version,
            rendered.prompt.label,
        )
        assert "support/enterprise" == client.assignments("bot").prompt("triage", {"plan": "gold"}).name
        assert "comes from the bundle" in caplog.text
        with client.llm_call(rendered) as call:
            call.finish(output="billing")
        network.always = None
        assert 0 == client.flush(30).remaining
        assert {"prompt": {"version": 2}} == stored(server, call.call_id, "prompt { version }")
        within(lambda: client.prompt(NAME).origin == "server", 10)


def test_the_server_comes_before_the_bundle(server: str, bundle: Path) -> None:
    """While it answers, the bundle is not asked."""
    with Client(server, bundle=bundle) as client:
        assert "server" == client.prompt(NAME).origin


def test_a_bundle_reads_as_it_was_written(bundle: Path) -> None:
    """Byte for byte."""
    assert bundle.read_text() == bundle_text(read_bundle(bundle))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda facts: facts | {"promptgraph": 2}, "another release"),
        (lambda facts: facts | {"prompts": 7}, "broken"),
        (
            lambda facts: facts["prompts"][0]["content"]["messages"][0].update(content="!") or facts,
            "another hash",
        ),
    ],
    ids=["another format", "another shape", "edited"],
)
def test_a_bundle_that_is_none_is_refused(bundle: Path, change: Any, words: str) -> None:
    """At the start, with what to do."""
    bundle.write_text(json.dumps(change(json.loads(bundle.read_text()))))
    with pytest.raises(InvalidInputError, match=words):
        read_bundle(bundle)


ODD = {
    "a null default": PromptContent(
        messages=(Message(MessageRole.USER, "{{ a }}"),),
        input_schema={"type": "object", "properties": {"a": {"type": ["string", "null"]}}},
        input_default={"a": None},
    ),
    "a placeholder with a default": PromptContent(
        messages=(Message(placeholder="history"),),
        input_schema={"type": "object", "properties": {"history": {"type": "array"}}},
        input_default={"history": []},
    ),
    "parts": PromptContent(
        messages=(Message(MessageRole.USER, parts=[{"type": "image_url", "image_url": {"url": "{{ u }}"}}]),),
        input_schema={"type": "object", "properties": {"u": {"type": "string"}}},
        output_schema={"type": "object"},
        config={"temperature": 0.5},
        tools=[{"name": "f"}],
    ),
}


def node_of(content: PromptContent, **more: Any) -> dict[str, Any]:
    """The Prompt that the API would tell of."""
    return {
        "id": "x", "name": "odd", "version": 1, "draft": False, "contentHash": content.digest(),
        "model": content.model, "config": content.config, "tools": content.tools,
        "inputSchema": content.input_schema, "outputSchema": content.output_schema,
        "messages": [
            {
                "role": m.role and m.role.name, "content": m.content,
                "placeholder": m.placeholder, "parts": m.parts,
            }
            for m in content.messages
        ],
        "variables": [
            {"name": v.name, "required": v.required, "default": v.default} for v in content.variables
        ],
    } | more  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_contents_are_rebuilt_exactly(odd: str) -> None:
    """What the API does not tell is found by the hash."""
    content = ODD[odd]
    answer = {"data": {"serverInfo": {"revision": 1}, "prompt": node_of(content)}}
    with Client("http://localhost:1", transport=Network(httpx.Response(200, json=answer))) as client:
        assert content == client.prompt("odd").content


def test_a_content_with_another_hash_is_not_served() -> None:
    """Rather no prompt than another one than the call will name."""
    answer = {"data": {"serverInfo": {"revision": 1}, "prompt": node_of(ODD["parts"], contentHash="0" * 64)}}
    network = Network(httpx.Response(200, json=answer))
    with Client("http://localhost:1", transport=network) as client, pytest.raises(PromptMismatchError):
        client.prompt("odd")


LINES = {
    "news": (["event: next", 'data: {"data":{"promptSynced":{"id":"x"}}}', ""], 1),
    "signs of life": ([":", "", "event: ping", "data: {}"], 0),
    "twice": (["event: next", "data: {}", "", "event: next", "data: {}"], 2),
}


@pytest.mark.parametrize("case", LINES)
def test_events_are_read_line_by_line(case: str) -> None:
    """What changes something is news, what keeps the line open is not."""
    lines, expected = LINES[case]
    events = Events()
    assert expected == sum(events.is_news(line) for line in lines)


@pytest.mark.parametrize("line", ["event: complete", "data: {", 'data: {"errors":[{"message":"no"}]}'])
def test_news_that_end_are_told(line: str) -> None:
    """The connection is made again then."""
    events = Events()
    events.is_news("event: next")
    with pytest.raises(StoreUnavailableError):
        events.is_news(line)


def test_all_that_is_stale_is_looked_at_again(own: str) -> None:
    """Prompts, with and without the usual label, and agents; whether it is there still or not."""
    move(own, 2)
    network = Network()
    with Client(own, transport=network, ttl=0.0) as client:
        for name, label in (("chat", None), (NAME, None), (NAME, "canary")):
            client.prompt(name, label=label)
        bot = client.assignments("bot")
        move(own, 3)
        network.asked.clear()
        assert client._core.cache.claim_refresh()  # noqa: SLF001  # nobody else does
        client._shell.run(client._core.refreshed())  # noqa: SLF001  # as behind the scenes
        assert ["Revision", *["Look"] * 3, "LookAgent"] == questions(network)
        assert (3, bot) == (client.prompt(NAME, label="canary").version, client.assignments("bot"))


MOVES = (3, 2, 3)
"""Two may be noticed because a stream of news begins, of which there are two."""


def test_a_live_client_drops_at_once(own: str) -> None:
    """A label that moves counts from the moment that the server tells, however long prompts are kept."""
    move(own, 2)
    with Client(own, ttl=3600.0, live=True) as client:
        assert 2 == client.prompt(NAME, label="canary").version
        for version in MOVES:
            move(own, version)
            within(lambda: client.prompt(NAME, label="canary").version == version)  # noqa: B023  # called here


async def test_a_live_async_client_drops_at_once(own: str) -> None:
    """By tasks."""
    move(own, 2)
    async with AsyncClient(own, ttl=3600.0, live=True) as client:
        found = (await client.prompt(NAME, label="canary")).version
        assert 2 == found
        for version in MOVES:
            await asyncio.to_thread(move, own, version)
            for _ in range(int(PATIENCE_S / 0.02)):
                if (found := (await client.prompt(NAME, label="canary")).version) == version:
                    break
                await asyncio.sleep(0.02)
            assert version == found


async def test_an_async_client_refreshes_too(own: str) -> None:
    """By a task; the bundle and what is known serve it alike."""
    move(own, 2)
    async with AsyncClient(own, ttl=0.0) as client:
        assert 2 == (await client.prompt(NAME, label="canary")).version
        move(own, 3)
        for _ in range(200):
            if (await client.prompt(NAME, label="canary")).version == 3:
                break
            await asyncio.sleep(0.02)
        assert 3 == (await client.prompt(NAME, label="canary")).version
