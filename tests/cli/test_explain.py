"""`promptgraph explain`."""

from pathlib import Path

import pytest

from tests.cli.conftest import Answer, Command

QUERY = """query Page { prompts { nodes { name labelNames } } }
subscription News { promptSynced { name } }"""


@pytest.fixture
def file(here: Path) -> Path:
    """A document with two operations."""
    path = here / "page.graphql"
    path.write_text(QUERY)
    return path


def test_tells_how_an_operation_is_answered(file: Path, cli: Command, answer: Answer) -> None:
    """Its links and the functions written for it."""
    shown = cli("explain", file, "--operation", "Page").stdout
    assert shown.startswith("On the fast path; it reads the registry alone.\n")
    assert "prompts.nodes.labelNames" in shown
    assert "'name': v if type(v := r.name) is str" in shown
    found = answer("explain", file, "--operation", "Page")
    assert ["resolver", "record", "loader"] == [link["how"] for link in found["links"]]
    assert found["registryOnly"]


def test_tells_why_one_is_left(file: Path, cli: Command) -> None:
    """In one line."""
    shown = cli("explain", file, "--operation", "News").stdout
    assert "Left to the standard executor: operation.\n" == shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (QUERY, "This document has several operations: say which by `operationName`."),
        ("{ nothing }", "Cannot query field 'nothing' on type 'Query'."),
        ("{", "Syntax Error"),
    ],
    ids=["several", "unknown field", "no document"],
)
def test_refuses_what_is_no_operation(file: Path, cli: Command, text: str, said: str) -> None:
    """With what is wrong."""
    file.write_text(text)
    assert said in cli("explain", file, code=2).stderr


def test_says_what_it_cannot_read(here: Path, cli: Command) -> None:
    """A missing file, a folder, and what is no text."""
    assert "none.graphql cannot be read" in cli("explain", "none.graphql", code=2).stderr
    (here / "binary.graphql").write_bytes(b"\xff\xfe")
    assert "binary.graphql is no text in UTF-8." in cli("explain", "binary.graphql", code=2).stderr
