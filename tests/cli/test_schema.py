"""`promptgraph schema`."""

import json
from pathlib import Path

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
    """A folder that is a file is named."""
    (here / "api").write_text("x")
    assert "error: api: File exists.\n" == cli("schema", "export", "api/schema.graphql", code=1).stderr


def test_compares_with_files_that_are_no_text(here: Path, cli: Command) -> None:
    """A binary file is stale, not a crash."""
    (here / "schema.graphql").write_bytes(b"\xff\xfe\x00")
    cli("schema", "check", code=1)
