"""The calls of `promptgraph demo`."""

import json
from pathlib import Path

import pytest

from promptgraph.cli.pretending import pretend
from promptgraph.config import load
from tests.cli.conftest import Command
from tests.cli.processes import running


@pytest.mark.usefixtures("prompts")
def test_says_that_calls_are_simulated(cli: Command, capsys: pytest.CaptureFixture[str]) -> None:
    """On the screen, and on every call; the figures are those of the calls."""
    pretend(load())
    assert "SIMULATED, none was made: " in capsys.readouterr().out
    exported = cli("calls", "export", "--contents").stdout.splitlines()
    rows = [json.loads(line) for line in exported]
    assert len(rows) > 3000
    assert {("demo", True)} == {(row["release"], row["metadata"]["simulated"]) for row in rows}
    cli("rollup", "verify")


@pytest.mark.usefixtures("prompts")
def test_adds_nothing_twice(cli: Command, capsys: pytest.CaptureFixture[str]) -> None:
    """The second demo finds the calls of the first; at most a minute of new ones."""
    pretend(load())
    before = {json.loads(line)["callId"] for line in cli("calls", "export").stdout.splitlines()}
    capsys.readouterr()
    pretend(load())
    after = [json.loads(line)["callId"] for line in cli("calls", "export").stdout.splitlines()]
    assert len(after) == len(set(after)) <= len(before) + 5
    assert f"{len(before)} were there" in capsys.readouterr().out


@pytest.mark.timeout(400)
def test_leaves_them_out(here: Path, cli: Command) -> None:
    """`--no-calls`: a demo whose metrics are empty."""
    with running(here, "demo", "--port", "0", "--no-calls") as (process, wait_for):
        wait_for("promptgraph sync")
        process.terminate()
        process.wait()
    assert "" == cli("calls", "export").stdout
