"""`promptgraph outbox`: what is in it, and off with it."""

from __future__ import annotations

from pathlib import Path

from promptgraph.client.client import Client
from promptgraph.domain.prompt import prompt_global_id
from tests.cli.conftest import Answer, Command
from tests.client.conftest import TREE
from tests.client.serving import serving, stored
from tests.factories import write_tree

AWAY = "http://127.0.0.1:9"


def test_what_an_agent_left_is_delivered(here: Path, cli: Command, answer: Answer) -> None:
    """Counted before, sent once, and what the server refuses is named."""
    write_tree(here / "prompts", TREE)
    client = Client(AWAY, recorder="background")
    good = client.record(prompt_global_id("chat", 1), model="m")
    bad = client.record(prompt_global_id("chat", 7), model="m")
    client.close(0)
    assert 2 == answer("outbox", "status")["outbox"]["waiting"]
    cli("outbox", "deliver", "--server", AWAY, code=75)
    with serving(here) as url:
        told = cli("outbox", "deliver", "--server", url, code=1).stderr
        assert "1 row delivered, 0 known before, 1 refused." in told
        assert {"callId": str(good.call_id)} == stored(url, good.call_id)
        (refused,) = answer("outbox", "status")["refusals"]
        assert str(bad.call_id) == refused["callId"]
        assert "no prompt" in refused["reason"]
        assert str(bad.call_id) in cli("outbox", "status").stderr
        cli("outbox", "deliver", "--server", url)
        assert "1 refused" in cli("outbox", "deliver", "--server", url, "--retry-refused", code=1).stderr


def test_what_is_not_there_is_told(here: Path, cli: Command) -> None:
    """No outbox is made by asking; without a server nothing is sent."""
    assert "no outbox" in cli("outbox", "status", "--outbox", here / "none.db", code=2).stderr
    assert not (here / "none.db").exists()
    client = Client(AWAY, recorder="background", outbox=here / "o.db")
    client.record(None, model="m")
    client.close(0)
    assert "--server" in cli("outbox", "deliver", "--outbox", here / "o.db", code=2).stderr
