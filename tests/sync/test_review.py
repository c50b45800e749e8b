"""What a branch does to prompts, before anything is synced."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from promptgraph.domain.change import Impact
from promptgraph.sync.review import Branch, Fate, Review
from tests.factories import prompt_yaml
from tests.sync.trees import tree

A, B, KEPT = "a.prompt.yaml", "b.prompt.yaml", "a@1.prompt.yaml"
LABELS, BOT, WIDGET = "labels.yaml", "agents/bot.agent.yaml", "agents/widget.agent.yaml"
BEGAN = {
    A: prompt_yaml(1, "{{ x }}"),
    LABELS: "production: {a: 1}\n",
    BOT: "prompts: {r: a@production}\n",
    WIDGET: "prompts: {r: a}\n",
}
NEW = {A: prompt_yaml(2, "{{ x }} {{ tone }}"), KEPT: prompt_yaml(1, "{{ x }}")}


def branch(now: Mapping[str, str | None], target: Mapping[str, str] = BEGAN) -> Branch:
    """The branch that changes these files of BEGAN; None takes one away."""
    merged = {path: text for path, text in {**BEGAN, **now}.items() if text is not None}
    return Branch(tree(merged), tree(BEGAN), tree(target), "main")


def only(found: Branch) -> Review:
    (review,) = found.reviews()
    return review


def test_says_what_agents_must_do() -> None:
    """A change that breaks callers names those that follow the prompt, by label or by its latest version."""
    review = only(branch(NEW))
    assert (Fate.CHANGED, Impact.MAJOR) == (review.fate, review.impact)
    told = [review.sentence(change) for change in review.changes]
    assert "New required variable `tone`: agents bot and widget must send it." in told
    assert ["widget"] == review.getting
    assert [] == branch(NEW).problems()


def test_follows_labels() -> None:
    """A label that moves brings its agents the other version; nothing else has changed."""
    review = only(branch(NEW | {LABELS: "production: {a: 2}\n"}))
    assert {"production": (1, 2)} == review.moves
    assert ["bot", "widget"] == review.getting


def test_leaves_out_what_stays() -> None:
    """No change, no review; a description is no change of a version."""
    assert [] == branch({}).reviews()
    assert [] == branch({A: prompt_yaml(1, "{{ x }}", description="y")}).reviews()


@pytest.mark.parametrize(
    ("now", "target", "expected"),
    [
        (
            {A: prompt_yaml(1, "{{ x }}!")},
            BEGAN,
            (
                "a.prompt.yaml:1:1: The content of a changed, and its version is still 1."
                " Run: promptgraph bump a"
            ),
        ),
        (
            NEW | {KEPT: prompt_yaml(1, "{{ x }}?")},
            BEGAN,
            (
                "a@1.prompt.yaml:1:1: Version 1 of a is published, and this copy says something else."
                " A version never changes: bring the copy's text back."
            ),
        ),
        (
            NEW,
            BEGAN | {A: prompt_yaml(2, "{{ x }} of theirs")},
            (
                "a.prompt.yaml:1:1: Version 2 of a was published on main meanwhile, with another content:"
                " both branches took the same number. Merge main into this branch,"
                " then run: promptgraph bump a"
            ),
        ),
        (
            {A: None, LABELS: None, BOT: None, WIDGET: None, B: prompt_yaml(1, "{{ x }}")},
            BEGAN,
            (
                "b.prompt.yaml:1:1: b says what a said, which is gone: calls and pinned agents stay with a."
                " If it was renamed, add: formerly: [a]"
            ),
        ),
    ],
    ids=["not-bumped", "copy-changed", "number-taken", "moved-away"],
)
def test_finds_versions_with_two_meanings(
    now: Mapping[str, str | None], target: Mapping[str, str], expected: str
) -> None:
    """Each with its place and the mend."""
    assert [expected] == [str(problem) for problem in branch(now, target).problems()]


def test_finds_a_version_that_goes_back() -> None:
    """The number of a revert lies below what was published."""
    began = BEGAN | {A: prompt_yaml(3, "{{ x }} now")}
    (problem,) = Branch(tree(BEGAN), tree(began), tree(began), "main").problems()
    assert "a goes back from version 3 to 1." == problem.message
    assert "Old text gets a new number, too. Run: promptgraph bump a" == problem.hint


def test_the_same_change_on_both_branches_is_none() -> None:
    """What was merged already, or picked from there, took the same number for the same text."""
    assert [] == branch(NEW, BEGAN | NEW).problems()


def test_a_renamed_prompt_keeps_its_agents() -> None:
    """`formerly` ties the new file to the old one: nothing is gone, nothing is new."""
    moved = {A: None, B: prompt_yaml(1, "{{ x }}", formerly=["a"]), LABELS: "production: {b: 1}\n"}
    review = only(branch(moved))
    assert (Fate.RENAMED, Impact.NONE) == (review.fate, review.impact)
    assert (["bot", "widget"], []) == (review.following, review.getting)


def test_a_prompt_in_use_that_goes_breaks_its_agents() -> None:
    """Gravest of all, where somebody names it; else a note."""
    assert Impact.MAJOR is only(branch({A: None})).impact
    assert Impact.MINOR is only(branch({A: None, BOT: None, WIDGET: None})).impact
