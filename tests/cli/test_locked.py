"""The command line with a server that executes trusted documents alone."""

from __future__ import annotations

from pathlib import Path

from promptgraph.client.client import Client
from promptgraph.domain.prompt import prompt_global_id
from tests.cli.conftest import Command
from tests.client.conftest import TREE
from tests.client.serving import locked
from tests.factories import write_tree


def test_what_goes_through_a_server_goes_through_a_locked_one(here: Path, cli: Command) -> None:
    """Bundles, an outbox, and a sync."""
    write_tree(here / "prompts", TREE)
    client = Client("http://127.0.0.1:9", recorder="background")
    client.record(prompt_global_id("chat", 1), model="m")
    client.close(0)
    with locked(here) as url:
        cli("lock", "--server", url)
        cli("verify", "--server", url)
        assert "1 row delivered" in cli("outbox", "deliver", "--server", url).stderr
        (here / "prompts/chat.prompt.yaml").unlink()
        assert "1 retired" in cli("sync", "--server", url).output
