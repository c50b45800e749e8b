"""`promptgraph schema`."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from promptgraph.app import sdl
from tests.children import surroundings
from tests.cli.conftest import Answer, Command


def test_writes_what_it_checks(here: Path, answer: Answer) -> None:
    """The SDL and the JSON Schemas of the files, and nothing stale afterwards."""
    written = answer("schema", "export")["written"]
    assert "schema.graphql" in written
    assert {"stale": [], "differences": []} == answer("schema", "check")
    assert sdl() == (here / "schema.graphql").read_text()
    assert "$schema" in json.loads((here / "schema/prompt.schema.json").read_text())
    assert "Node" in json.loads((here / "schema/possibleTypes.json").read_text())
    assert "export const typePolicies" in (here / "schema/typePolicies.ts").read_text()


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


GONE = ("type ServerInfo {", "type ServerInfo { gone: Int")
NEW = ('  """The primary key; valid in this database only."""\n  databaseId: Int!\n', "")


@pytest.mark.parametrize(
    ("edits", "code", "counts"),
    [
        ([], 0, (0, 0, 0)),
        ([NEW], 0, (0, 0, 1)),
        ([("PromptLabel implements Node", "PromptLabel")], 0, (0, 1, 0)),
        ([GONE, NEW], 1, (1, 0, 1)),
    ],
    ids=["same", "additive", "dangerous", "breaking"],
)
def test_tells_what_breaks_clients(
    here: Path, cli: Command, answer: Answer, edits: list[tuple[str, str]], code: int, counts: tuple[int, ...]
) -> None:
    """Against another file: only what breaks them is a finding, everything is listed."""
    text = sdl()
    for now, then in edits:
        text = text.replace(now, then, 1)
    (here / "frontend.graphql").write_text(text)
    found = answer("schema", "check", "--against", "frontend.graphql", code=code)
    assert counts == tuple(len(found[gravity]) for gravity in ("breaking", "dangerous", "additive"))
    *lines, last = cli("schema", "check", "--against", "frontend.graphql", code=code).stdout.splitlines()
    assert "Since frontend.graphql: {} breaking, {} dangerous, {} additive.".format(*counts) == last
    words = ("breaks", "warning", "new")
    assert [word for word, count in zip(words, counts, strict=True) for _ in range(count)] == [
        line.split()[0] for line in lines
    ]


def test_compares_with_a_revision(here: Path, cli: Command, answer: Answer) -> None:
    """What the file said there; the one in the folder may be missing, or another."""
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "x")):
        (here / "schema.graphql").write_text(sdl().replace(*GONE))
        who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
        subprocess.run(["git", *who, *words], cwd=here, check=True, env=surroundings())
    (here / "schema.graphql").unlink()
    found = answer("schema", "check", "--against", "HEAD", code=1)
    assert [{"kind": "FIELD_REMOVED", "sentence": "Field ServerInfo.gone was removed."}] == found["breaking"]
    said = cli("schema", "check", "other.graphql", "--against", "HEAD", code=2).stderr
    assert said.startswith("error: other.graphql is no file in HEAD")


@pytest.mark.parametrize(
    ("against", "expected"),
    [
        ("nope", "error: There is no git repository here, so there is no revision nope."),
        ("text", "error: text is no GraphQL schema: Syntax Error: Unexpected Name 'hello'."),
        ("raw", "error: raw is not UTF-8 text."),
        (".", "error: . is no regular file."),
    ],
)
def test_says_what_it_cannot_compare_with(here: Path, cli: Command, against: str, expected: str) -> None:
    """Usage errors, each with what to do."""
    (here / "text").write_text("hello")
    (here / "raw").write_bytes(b"\xff")
    assert cli("schema", "check", "--against", against, code=2).stderr.startswith(expected)
