"""The day of somebody who keeps prompts, on each database."""

from pathlib import Path

import pytest

from tests.cli.conftest import Answer, Command
from tests.cli.repository import ANSWER, edit


def test_nobody_overwrites_an_old_version_by_mistake(
    prompts: Path, cli: Command, answer: Answer, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sync, edit, be refused, bump, sync, promote: version 1 says what it always said."""
    monkeypatch.setenv("PROMPTGRAPH_DATABASE_URL", empty_url)
    cli("db", "upgrade")
    assert answer("sync")["applied"]
    edit(prompts / ANSWER, "You answer", "You always answer")
    assert "run: promptgraph bump support/answer" in cli("sync", code=1).stdout
    cli("bump", "support/answer")
    (added,) = [step for step in answer("sync")["steps"] if step["action"] == "ADD"]
    assert ("support/answer", 2, "MINOR") == (added["name"], added["version"], added["impact"])
    cli("label", "set", "support/answer", "production", "2")
    (prompts / "support/answer@1.prompt.yaml").unlink()
    assert answer("sync")["applied"]
    moves = [move["toVersion"] for move in answer("label", "history", "support/answer")["moves"]]
    assert [2, 1] == moves
    first = answer("render", "support/answer", "--version", "1", "--var", "question=x")
    assert "registry" == first["from"]
    assert "You answer" in first["text"]
    assert [] == answer("db", "check")["findings"]
    assert {"ok"} == {c["status"] for c in answer("doctor")["checks"] if c["check"] == "database"}
