"""`promptgraph calls`."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from promptgraph.domain.call import CallStatus
from tests.children import surroundings
from tests.cli.conftest import Command
from tests.cli.processes import running
from tests.cli.recorded import new_call, record, synced

pytestmark = pytest.mark.usefixtures(synced.__name__)
__all__ = ["synced"]

SECRET = {"question": "my card is 1234"}


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_prints_the_newest_calls(cli: Command) -> None:
    """The newest last, with what one looks for; control characters of a caller stay harmless."""
    record(
        new_call(0, model="first"),
        new_call(1, status=CallStatus.ERROR, error_type="timeout", latency_ms=12.6),
        new_call(
            2, agent="support-bot", input_tokens=5, output_tokens=7, model="m\x1b[31m".replace("\x1b", "e")
        ),
    )
    older, newer = cli("calls", "tail", "-n", "2").stdout.splitlines()
    assert "2026-03-01 12:01:00Z  ERROR timeout  support/answer@1  gpt-5-mini  default  13 ms" in older
    assert "support-bot  default  5 → 7 tokens" in newer


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--model", "a"], [0, 2]),
        (["--model", "a", "--model", "b"], [0, 1, 2, 3]),
        (["--agent", "bot"], [3]),
        (["--prompt", "support/answer", "--version", "1", "--environment", "test"], [1]),
        (["--prompt", "other"], []),
        (["--status", "error"], [2]),
        (["--since", "2026-03-01T12:01Z", "--until", "2026-03-01T12:03Z"], [1, 2]),
    ],
    ids=lambda value: " ".join(value) if value and isinstance(value[0], str) else "",
)
def test_lets_through_what_is_asked_for(cli: Command, words: list[str], expected: list[int]) -> None:
    """Each option asks for any of its values, all of them together."""
    record(
        new_call(0, model="a"),
        new_call(1, model="b", environment="test"),
        new_call(2, model="a", status=CallStatus.ERROR),
        new_call(3, model="b", agent="bot"),
    )
    for command in (["tail", "--json"], ["export"]):
        found = rows(cli("calls", *command, *words).stdout)
        assert expected == [int(row["startedAt"][14:16]) for row in found]


def test_exports_json_lines(cli: Command, here: Path) -> None:
    """One object a line; what a call was about only where it is asked for."""
    record(new_call(variables=SECRET, output="Sure.", metadata={"team": "a"}, provider="openai"))
    (row,) = rows(cli("calls", "export").stdout)
    assert ("support/answer", 1, "openai", None) == tuple(
        row[key] for key in ("prompt", "version", "provider", "costUsd")
    )
    assert not {"variables", "output", "metadata"} & row.keys()
    result = cli("calls", "export", "--contents", "calls.ndjson")
    assert ("", "1 call: calls.ndjson\n") == (result.stdout, result.stderr.splitlines(keepends=True)[-1])
    (whole,) = rows((here / "calls.ndjson").read_text())
    assert (SECRET, "Sure.", {"team": "a"}) == tuple(
        whole[key] for key in ("variables", "output", "metadata")
    )
    assert 0o600 == (here / "calls.ndjson").stat().st_mode & 0o777


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0"])
def test_exports_csv_that_no_spreadsheet_runs(cli: Command, text: str) -> None:
    """A text that begins like a formula is a text; numbers, commas, quotes and lines survive."""
    record(new_call(error_message=text, conversation_id='a,"b"', latency_ms=1.5, status=CallStatus.ERROR))
    (row,) = csv.DictReader(io.StringIO(cli("calls", "export", "--format", "csv").stdout))
    assert (f"'{text}", 'a,"b"', "1.5") == (row["errorMessage"], row["conversationId"], row["latencyMs"])


def test_exports_many_in_order(cli: Command) -> None:
    """More than are in memory at once, each once, the oldest first."""
    for start in range(0, 2500, 500):
        record(*(new_call(number) for number in range(start, start + 500)))
    starts = [row["startedAt"] for row in rows(cli("calls", "export").stdout)]
    assert 2500 == len(set(starts)) and sorted(starts) == starts


def test_leaves_no_broken_file(cli: Command, here: Path) -> None:
    """A file that was there stays when the export fails; no half of another is left beside it."""
    (here / "calls.csv").write_text("mine")
    cli("calls", "export", "calls.csv", "--database-url", "sqlite:///none.db", code=75)
    assert "mine" == (here / "calls.csv").read_text()
    assert [] == list(here.glob(".calls.csv*"))


@pytest.mark.parametrize("made", ["fifo", "link", "folder above"])
def test_replaces_no_device_and_follows_no_link(cli: Command, here: Path, made: str) -> None:
    """Only a regular file is written, in a folder that is there; anything else stays as it is."""
    file = here / "above" / "calls" if made == "folder above" else here / "calls"
    if made == "fifo":
        os.mkfifo(file)
    elif made == "link":
        file.symlink_to(here / "elsewhere")
    assert "so nothing was written" in cli("calls", "export", file, code=2).stderr
    assert made != "fifo" or file.is_fifo()
    assert not (here / "elsewhere").exists()


def test_says_that_there_are_none(cli: Command) -> None:
    """A filter that no call passes is told, beside the output."""
    result = cli("calls", "tail", "--prompt", "nobody/knows")
    assert ("", "There are no such calls.\n") == (result.stdout, result.stderr)


def test_refuses_an_empty_window(cli: Command) -> None:
    """Wrong usage, in words."""
    result = cli("calls", "export", "--since", "2026-03-02", "--until", "2026-03-01", code=2)
    assert "until must be later than since" in result.stderr


def test_is_quiet_when_the_reader_has_seen_enough(here: Path) -> None:
    """`| head` is no failure."""
    record(*(new_call(number) for number in range(900)))
    process = subprocess.Popen(
        [sys.executable, "-m", "promptgraph.cli.main", "calls", "export"],
        cwd=here,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=surroundings(),
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert (0, b"") == (process.wait(60), b"".join(line for line in process.stderr if b"SQLite" not in line))
    process.stderr.close()


def test_follows_what_is_recorded(here: Path) -> None:
    """New calls are printed as they come, each once, and only those that are asked for."""
    record(new_call(0, model="old"))
    words = ("calls", "tail", "--follow", "--environment", "default")
    with running(here, *words) as (process, wait_for):
        wait_for("old")
        record(new_call(1, model="other", environment="test"), new_call(2, model="new-a"))
        assert "new-a" in wait_for("  ")
        record(new_call(1, model="new-b"))
        assert "new-b" in wait_for("  ")
        process.terminate()
