"""`promptgraph schema`."""

import json
import os
from pathlib import Path

import pytest

from promptgraph.app import sdl
from tests.cli.conftest import Answer, Command


def test_writes_what_it_checks(here: Path, answer: Answer) -> None:
    """The SDL and the JSON Schemas of the files, and nothing stale afterwards."""
    written = answer("schema", "export")["written"]
    assert "schema.graphql" in written
    assert {"stale": [], "differences": []} == answer("schema", "check")
    assert sdl() == (here / "schema.graphql").read_text()
    assert "$schema" in json.loads((here / "schema/prompt.schema.json").read_text())


def test_prints_the_sdl(here: Path, cli: Command) -> None:
    """`-` is stdout, and nothing is written."""
    assert sdl() == cli("schema", "export", "-").stdout
    assert [] == list(here.iterdir())


def test_shows_what_is_stale(here: Path, cli: Command, answer: Answer) -> None:
    """A changed and a missing file are findings, with the command that mends them."""
    (here / "api").mkdir()
    cli("schema", "export", "api/schema.graphql")
    (here / "api/schema.graphql").write_text(sdl().replace("type Query", "type Quarry"))
    (here / "api/schema/agent.schema.json").unlink()
    found = answer("schema", "check", "api/schema.graphql", code=1)
    assert ["api/schema.graphql", "api/schema/agent.schema.json"] == found["stale"]
    shown = cli("schema", "check", "api/schema.graphql", code=1).stdout
    assert "-type Quarry {" in shown
    assert "api/schema/agent.schema.json is missing." in shown
    assert "Run: promptgraph schema export api/schema.graphql" in shown


def test_says_where_it_cannot_write(here: Path, cli: Command) -> None:
    """A folder that is a file, or not there, is named; none is made."""
    (here / "api").write_text("x")
    said = cli("schema", "export", "api/schema.graphql", code=2).stderr
    assert said.startswith("error: api is no folder, so nothing was written.")
    said = cli("schema", "export", "none/schema.graphql", code=2).stderr
    assert said.startswith("error: There is no folder none, so nothing was written.")
    assert not (here / "none").exists()


@pytest.mark.parametrize("kind", ["link", "fifo", "dangling"])
def test_writes_regular_files_alone(here: Path, cli: Command, kind: str) -> None:
    """What is there and is no regular file stays as it is, and nothing else is written."""
    (here / "elsewhere").write_text("x")
    target = here / "schema.graphql"
    if kind == "fifo":
        os.mkfifo(target)
    else:
        target.symlink_to(here / ("elsewhere" if kind == "link" else "nothing"))
    assert cli("schema", "export", code=2).stderr.startswith("error: schema.graphql is ")
    assert ("x", False) == ((here / "elsewhere").read_text(), (here / "schema").exists())


def test_checks_files_alone(cli: Command) -> None:
    """`-` is for export."""
    assert "`-` is no file to check" in cli("schema", "check", "-", code=2).stderr


def test_compares_with_files_that_are_no_text(here: Path, cli: Command) -> None:
    """A binary file is stale, not a crash."""
    (here / "schema.graphql").write_bytes(b"\xff\xfe\x00")
    cli("schema", "check", code=1)
