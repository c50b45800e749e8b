"""What is told of a program."""

from __future__ import annotations

from promptgraph.graph.admission import chosen
from promptgraph.graph.fast.explaining import BATCH, LOADER, READ, RESOLVER, Explanation, explained
from tests.graph.both import prepared
from tests.graph.registry import schema


def told(query: str) -> Explanation:
    document = prepared(query)
    return explained(schema(), document, chosen(document, None))


def test_links_are_told_level_by_level() -> None:
    """Each with the way in which it is read, from the top down."""
    found = told(
        "query Q($x:Boolean!){prompts{nodes{family{labels{label}} llmCalls{nodes{model}} name @skip(if:$x)}}}"
    )
    assert ("Q", None, False, ("x",)) == found[:4]
    assert [
        ("prompts", "Query.prompts", RESOLVER, False),
        ("prompts.nodes", "PromptConnection.nodes", READ, False),
        ("prompts.nodes.family", "Prompt.family", READ, False),
        ("prompts.nodes.family.labels", "PromptFamily.labels", LOADER, False),
        ("prompts.nodes.llmCalls", "Prompt.llmCalls", BATCH, True),
    ] == [(each.place, each.field, each.how, each.waits) for each in found.links]
    assert "labels_of_family" in {each.what for each in found.links}
    assert any("'label': v if type(v := r.label) is str" in text for text in found.functions)


def test_what_is_left_says_why() -> None:
    """The reason, and nothing else."""
    assert Explanation(None, left="operation") == told("subscription{promptSynced{name}}")


def test_written_functions_are_python() -> None:
    """They can be read, and compiled as they are."""
    for text in told("{prompts{nodes{id tags messages{role} source{path} createdAt}}}").functions:
        compile(text, "a function", "exec")
