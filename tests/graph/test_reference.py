"""The reference page of the graph: whole, and with links that lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

from graphql import build_schema, is_introspection_type, is_specified_scalar_type

from promptgraph.graph.reference import reference
from promptgraph.graph.schema import sdl

SCHEMA = build_schema(sdl())
PAGE = reference()
DOCS = Path(__file__).parents[2] / "docs"


def section(name: str) -> str:
    return re.split(r"^#+ ", PAGE[PAGE.index(f"# {name}\n") + 2 :], maxsplit=1, flags=re.MULTILINE)[0]


def test_the_page_is_fresh() -> None:
    """docs/reference/graphql.md is what the schema says: run `make gen`."""
    assert (DOCS / "reference/graphql.md").read_text() == PAGE


def test_every_type_has_its_section() -> None:
    """Once, with all of its fields or values."""
    for name, kind in SCHEMA.type_map.items():
        if is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        assert 1 == len(re.findall(rf"^###? {name}$", PAGE, re.MULTILINE)), name
        for part in [*getattr(kind, "fields", {}), *getattr(kind, "values", {})]:
            assert f"| `{part}` |" in section(name), f"{name}.{part}"


def test_links_lead_somewhere() -> None:
    """To a heading of the page, or to a file."""
    anchors = {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)}
    targets = set(re.findall(r"\]\(([^)]+)\)", PAGE))
    assert {target[1:] for target in targets if target.startswith("#")} <= anchors
    for target in targets:
        assert target.startswith("#") or (DOCS / "reference" / target).exists(), target


def test_a_row_says_all_of_a_field() -> None:
    """Its type, what it means, its own arguments with their defaults, and what stands in its place."""
    assert (
        "| `prompt` | [`Prompt`](#prompt) | The prompt for a role: that of the role's first assignment whose"
        " `when` matches; null if none does.<br>· `role` `String!`: What the prompt is to the agent, e.g."
        " `triage`.<br>· `context` [`JSON!`](#json): The circumstances: an object. Default: `{}`. |"
    ) in section("Agent")
    assert "**Deprecated:** Legacy rows only." in section("LlmCall")
    assert "`after`" not in section("Agent")
    assert "Implemented by [`CallMetrics`](#callmetrics)," in section("CallFigures")
    assert "Implements [`Node`](#node)." in section("Agent")
