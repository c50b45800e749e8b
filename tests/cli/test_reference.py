"""docs/reference/cli.md."""

from pathlib import Path

from promptgraph.cli.program import PLACES
from promptgraph.cli.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


def test_tells_every_command() -> None:
    """A command that nobody described cannot be added."""
    page = reference()
    for name in PLACES:
        assert f"## promptgraph {name}" in page
    assert "| `--dry-run` | Print the plan and change nothing. |" in page


def test_is_what_the_commands_say() -> None:
    """The committed page is the generated one; `make gen` writes it."""
    assert reference() == PAGE.read_text(encoding="utf-8")
