"""plan(files, stored), as a pure function."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptgraph.domain.diff import Impact
from promptgraph.domain.errors import SyncOutdatedError
from promptgraph.domain.inventory import Inventory
from promptgraph.domain.prompt import PromptContent
from promptgraph.domain.registry import Assignment, SyncAction, SyncOrigin
from promptgraph.sync.changes import AddPrompt, MakeFirm, Plan, ReplaceDraft
from promptgraph.sync.plan import plan
from promptgraph.sync.scope import Scope
from tests.factories import prompt_yaml
from tests.sync.trees import NOON, stored_as, tree

Files = Mapping[str, str]
TRIAGE = {"support/triage.prompt.yaml": prompt_yaml(3, "Pick a queue for {{ ticket }}")}
KEPT = {"support/triage@2.prompt.yaml": prompt_yaml(2, "Route {{ ticket }}")}
LABELS = {"labels.yaml": "production: {support/triage: 2}\nstaging: {support/triage: 3}\n"}
AGENT = {"agents/bot.agent.yaml": "prompts:\n  triage: support/triage@production\n"}
FULL = TRIAGE | KEPT | LABELS | AGENT
EMPTY = Inventory()


def planned(files: Files, stored: Inventory = EMPTY, *, force: bool = False, **scope: Any) -> Plan:
    return plan(Scope(tree(files), stored, **scope), force=force)


def steps(found: Plan) -> list[tuple[str, str, str, int | None]]:
    return [(s.action.value, s.kind, s.name, s.version) for s in found.steps]


def changed(found: Plan) -> list[tuple[str, str, str, int | None]]:
    return [step for step in steps(found) if step[0] != "UNCHANGED"]


def stored(files: Files, **how: Any) -> Inventory:
    return stored_as(tree(files), **how)


def test_first_sync_adds_everything() -> None:
    """An empty registry gets family, versions, labels and agents."""
    found = planned(FULL)
    assert found.problems == ()
    assert steps(found) == [
        ("ADD", "prompt", "support/triage", 2),
        ("ADD", "prompt", "support/triage", 3),
        ("MOVE_LABEL", "label", "support/triage", 2),
        ("MOVE_LABEL", "label", "support/triage", 3),
        ("ADD", "agent", "bot", None),
    ]


def test_second_sync_changes_nothing() -> None:
    """What is stored is UNCHANGED, and no change is planned."""
    found = planned(FULL, stored(FULL))
    assert changed(found) == []
    assert found.changes == ()
    assert {step.action for step in found.steps} == {SyncAction.UNCHANGED}


def test_same_version_with_other_content_is_a_conflict_that_names_the_mend() -> None:
    """Nothing stored is overwritten: the sentence names the version and the command."""
    found = planned(FULL | {"support/triage.prompt.yaml": prompt_yaml(3, "Other {{ ticket }}")}, stored(FULL))
    (conflict,) = found.conflicts
    assert conflict.path == "support/triage.prompt.yaml"
    assert conflict.version == 3
    assert "Version 3 is already stored with other content" in conflict.sentence
    assert conflict.sentence.endswith("run: promptgraph bump support/triage")


def test_what_is_stored_of_calls_changes_without_a_version() -> None:
    """`record` is no content: the family alone changes."""
    recorded = prompt_yaml(3, "Pick a queue for {{ ticket }}", record={"output": "none"})
    found = planned(FULL | {"support/triage.prompt.yaml": recorded}, stored(FULL))
    assert changed(found) == [("UPDATE", "family", "support/triage", None)]


def test_changed_partial_is_a_conflict_of_every_prompt_that_includes_it() -> None:
    """The hash covers partials, so their includers need a new version."""
    files = {
        "_partials/tone.j2": "Be kind.\n",
        "a.prompt.yaml": prompt_yaml(1, '{% include "tone.j2" %} {{ x }}'),
        "b.prompt.yaml": prompt_yaml(1, '{% include "tone.j2" %} {{ y }}'),
        "c.prompt.yaml": prompt_yaml(1, "{{ z }}"),
    }
    found = planned(files | {"_partials/tone.j2": "Be brief.\n"}, stored(files))
    assert [(c.name, "partial" in c.sentence) for c in found.conflicts] == [("a", True), ("b", True)]


def test_new_version_says_what_changed_and_its_impact() -> None:
    """With the stored content at hand a new version's step carries the impact and the sentences."""
    files = FULL | {
        "support/triage.prompt.yaml": prompt_yaml(4, "Pick a queue for {{ ticket }} in {{ tone }}")
    }
    before: dict[str, PromptContent] = {"support/triage": tree(FULL).newest()["support/triage"].content}
    found = planned(files, stored(FULL), contents=before)
    (step,) = [s for s in found.steps if s.action is SyncAction.ADD]
    assert (step.version, step.impact) == (4, Impact.MAJOR)
    assert "`tone`" in step.sentence


def test_file_that_goes_back_below_the_latest_is_a_conflict() -> None:
    """A git revert does not turn the registry back; bump publishes the old text anew."""
    held = stored(FULL)
    old = {"support/triage.prompt.yaml": prompt_yaml(2, "Route {{ ticket }}")} | AGENT
    found = planned(old | {"labels.yaml": "production: {support/triage: 2}\n"}, held)
    (conflict,) = found.conflicts
    assert "older than version 3" in conflict.sentence
    assert "promptgraph bump support/triage" in conflict.sentence


def test_file_that_is_gone_retires_its_family() -> None:
    """Never deleted: calls point at it."""
    other = {"other.prompt.yaml": prompt_yaml(1, "{{ x }}")}
    found = planned(TRIAGE, stored(TRIAGE | other))
    assert changed(found) == [("RETIRE", "family", "other", None)]


def test_file_that_comes_back_restores_it() -> None:
    """The same version is found again, and the family lives."""
    held = stored(TRIAGE)
    family = dataclasses.replace(held.families["support/triage"], retired_at=NOON)
    held = dataclasses.replace(held, families={"support/triage": family})
    assert changed(planned(TRIAGE, held)) == [("RESTORE", "family", "support/triage", None)]


def test_empty_tree_is_refused_unless_forced() -> None:
    """A wrong folder must not retire every prompt."""
    found = planned({}, stored(TRIAGE))
    assert "no prompt at all" in found.conflicts[0].sentence
    assert planned({}, stored(TRIAGE), force=True).conflicts == ()


def test_renamed_prompt_keeps_its_family() -> None:
    """`formerly` carries versions over; nothing retires, nothing is added twice."""
    renamed = {
        "support/routing.prompt.yaml": TRIAGE["support/triage.prompt.yaml"] + "formerly: [support/triage]\n"
    }
    found = planned(renamed, stored(TRIAGE))
    assert changed(found) == [("UPDATE", "family", "support/routing", None)]
    assert "It was support/triage" in found.steps[0].sentence


def test_agent_that_names_a_former_name_still_finds_it() -> None:
    """Pinned agents follow a rename, also in the very sync that renames."""
    renamed = {
        "support/routing.prompt.yaml": TRIAGE["support/triage.prompt.yaml"] + "formerly: [support/triage]\n",
        "agents/bot.agent.yaml": "prompts: {triage: support/triage@3}\n",
    }
    assert planned(renamed, stored(TRIAGE)).problems == ()


def test_name_that_another_prompt_had_is_refused() -> None:
    """Ids made from a former name keep their meaning."""
    held = stored({"b.prompt.yaml": prompt_yaml(1, "{{ x }}") + "formerly: [a]\n"})
    found = planned({"a.prompt.yaml": prompt_yaml(1, "{{ y }}")}, held)
    assert "former name of b" in found.conflicts[0].sentence


def test_rename_can_be_taken_back() -> None:
    """The conflict says how, and that is what works."""
    held = stored({"b.prompt.yaml": prompt_yaml(1, "{{ x }}") + "formerly: [a]\n"})
    (conflict,) = planned({"a.prompt.yaml": prompt_yaml(1, "{{ x }}")}, held).conflicts
    assert "add `formerly: [b]`" in conflict.sentence
    back = planned({"a.prompt.yaml": prompt_yaml(1, "{{ x }}") + "formerly: [b]\n"}, held)
    assert changed(back) == [("UPDATE", "family", "a", None)]


def test_rename_out_of_retirement_is_told_whole() -> None:
    """Both things happened."""
    held = stored(TRIAGE)
    family = dataclasses.replace(held.families["support/triage"], retired_at=NOON)
    held = dataclasses.replace(held, families={"support/triage": family})
    renamed = {"routing.prompt.yaml": TRIAGE["support/triage.prompt.yaml"] + "formerly: [support/triage]\n"}
    (step,) = [s for s in planned(renamed, held).steps if s.action is SyncAction.RESTORE]
    assert step.sentence == "Its file is back. It was support/triage."


def test_name_of_another_source_is_a_conflict() -> None:
    """A sync moves only what its source owns, and retires nothing else."""
    found = planned(TRIAGE, stored(TRIAGE, source="team-b"))
    assert "belongs to the source 'team-b'" in found.conflicts[0].sentence
    other = {"mine.prompt.yaml": prompt_yaml(1, "{{ x }}")}
    assert changed(planned(other, stored(TRIAGE, source="team-b"))) == [
        ("ADD", "prompt", "mine", 1),
    ]


@pytest.mark.parametrize(
    ("given", "last", "force", "refused"),
    [
        (4, 5, False, True),
        (5, 5, False, False),
        (6, 5, False, False),
        (4, 5, True, False),
        (None, 5, False, False),
        (4, None, False, False),
    ],
)
def test_older_commit_is_outdated(given: int | None, last: int | None, force: bool, refused: bool) -> None:  # noqa: FBT001  # a table's column
    """A late or restarted deploy cannot turn back the clock, unless forced."""
    held = dataclasses.replace(stored(TRIAGE), sequences={} if last is None else {"default": last})
    scope = Scope(tree(TRIAGE), held, SyncOrigin(sequence=given))
    if refused:
        with pytest.raises(SyncOutdatedError, match="number 5"):
            plan(scope, force=force)
    else:
        assert plan(scope, force=force).conflicts == ()


# ---------------------------------------------------------------- drafts

DRAFT = frozenset({("support/triage", 3)})
DRAFT_4 = frozenset({("support/triage", 4)})
KEPT_3 = {"support/triage@3.prompt.yaml": TRIAGE["support/triage.prompt.yaml"]}
EDITED = {"support/triage.prompt.yaml": prompt_yaml(3, "Edited {{ ticket }}")}


def test_draft_sync_adds_a_draft() -> None:
    """What the version's number does not hold yet is stored as a draft."""
    (change,) = [c for c in planned(TRIAGE, draft=True).changes if isinstance(c, AddPrompt)]
    assert change.draft


def test_draft_is_replaced_by_a_draft_sync() -> None:
    """No bump per save."""
    found = planned(EDITED, stored(TRIAGE, drafts=DRAFT), draft=True)
    assert [type(c) for c in found.changes] == [ReplaceDraft]


def test_plain_sync_makes_an_equal_draft_firm() -> None:
    """The draft's content is what the file says: it becomes the version."""
    found = planned(TRIAGE, stored(TRIAGE, drafts=DRAFT))
    assert [type(c) for c in found.changes] == [MakeFirm]


def test_plain_sync_refuses_another_draft() -> None:
    """A draft with other content is not made firm in silence."""
    found = planned(EDITED, stored(TRIAGE, drafts=DRAFT))
    assert "sync --draft" in found.conflicts[0].sentence


def test_draft_sync_never_touches_a_firm_version() -> None:
    """Drafts are for numbers that hold nothing yet."""
    found = planned(EDITED, stored(TRIAGE), draft=True)
    assert "already stored" in found.conflicts[0].sentence


def test_reverted_draft_is_set_aside() -> None:
    """Files that go back below a draft are no conflict: the firm version is the latest again."""
    edited = {"support/triage.prompt.yaml": prompt_yaml(4, "Edited {{ ticket }}")}
    held = stored(FULL | edited | KEPT_3, drafts=DRAFT_4)
    for draft in (True, False):
        found = planned(FULL, held, draft=draft)
        assert changed(found) == [("UPDATE", "prompt", "support/triage", 3)]
        assert "latest again, instead of 4" in found.steps[1].sentence


# ---------------------------------------------------------------- labels

ONLY_PRODUCTION = {"labels.yaml": "production: {support/triage: 2}\n"}
MOVED = {"labels.yaml": "production: {support/triage: 3}\nstaging: {support/triage: 3}\n"}


def test_label_moves_with_its_line() -> None:
    """Promotion is one line."""
    found = planned(FULL | MOVED, stored(FULL))
    assert changed(found) == [("MOVE_LABEL", "label", "support/triage", 3)]
    assert "from version 2 to 3" in found.steps[-3].sentence


def test_label_without_a_line_goes() -> None:
    """labels.yaml owns what it named."""
    found = planned(FULL | ONLY_PRODUCTION, stored(FULL))
    assert changed(found) == [("MOVE_LABEL", "label", "support/triage", None)]
    assert "staging removed" in [s.sentence for s in found.steps if s.kind == "label"][-1]


def overridden(held: Inventory) -> Inventory:
    key = ("support/triage", "production")
    label = dataclasses.replace(
        held.labels[key], overridden=True, version=3, prompt_id=held.versions["support/triage", 3].id
    )
    return dataclasses.replace(held, labels={**held.labels, key: label})


def test_override_stays_until_its_entry_changes() -> None:
    """Break-glass shows as drift; an unchanged file does not undo it."""
    found = planned(FULL, overridden(stored(FULL)))
    assert changed(found) == []
    assert any("overridden" in step.sentence for step in found.steps)


def test_override_ends_with_the_next_change_of_its_entry() -> None:
    """The file speaks again, even when it now says what the override said."""
    found = planned(FULL | MOVED, overridden(stored(FULL)))
    assert [s[:2] for s in changed(found)] == [("UPDATE", "label")]


def test_label_of_a_retired_prompt_stays() -> None:
    """Retired prompts still answer by label."""
    other = {"other.prompt.yaml": prompt_yaml(1, "{{ x }}")}
    held = stored(FULL | other)
    found = planned(other, held)
    assert changed(found) == [("RETIRE", "family", "support/triage", None), ("RETIRE", "agent", "bot", None)]


@pytest.mark.parametrize(
    ("labels", "words", "hint"),
    [
        ("production: {support/triag: 2}\n", "there is no prompt", "Did you mean `support/triage`?"),
        ("production: {support/triage: 1}\n", "neither the files nor the registry", "keep it as"),
        ("production: {support/triage: 9}\n", "no version 9 of support/triage: its file has version 3", ""),
        ("production: {gone: 1}\n", "has no file here", "bring its file back"),
    ],
    ids=["no such name", "no such version", "version above", "retired"],
)
def test_label_that_names_nothing_is_a_problem_of_its_line(labels: str, words: str, hint: str) -> None:
    """File, line, what is wrong, what to do; and nothing else is lost."""
    gone = {"gone.prompt.yaml": prompt_yaml(1, "{{ x }}")}
    held = stored(TRIAGE | gone)
    family = dataclasses.replace(held.families["gone"], retired_at=NOON)
    held = dataclasses.replace(held, families={**held.families, "gone": family})
    (problem,) = planned(TRIAGE | {"labels.yaml": labels}, held).problems
    assert (problem.place.path, problem.place.line) == ("labels.yaml", 1)
    assert words in problem.message
    assert hint in (problem.hint or "")


def test_label_may_name_a_version_that_only_the_registry_holds() -> None:
    """The file of an older version may go once the registry has it."""
    assert planned(TRIAGE | LABELS, stored(FULL)).problems == ()


# ---------------------------------------------------------------- agents


def test_agent_file_that_is_gone_takes_its_assignments() -> None:
    """The agent stays, for its calls."""
    found = planned(TRIAGE | KEPT | LABELS, stored(FULL))
    assert changed(found) == [("RETIRE", "agent", "bot", None)]


def test_changed_circumstances_update_the_agent() -> None:
    """Role, selector, when and metadata are what counts."""
    bot = "prompts:\n  triage: [{prompt: support/triage@production, when: {plan: pro}}]\n"
    other = {"agents/bot.agent.yaml": bot}
    assert changed(planned(FULL | other, stored(FULL))) == [("UPDATE", "agent", "bot", None)]


@pytest.mark.parametrize(
    ("selector", "words", "hint"),
    [
        ("support/triag", "there is no prompt", "Did you mean `support/triage`?"),
        ("support/triage@1", "version 1", "Name a version that exists"),
        ("support/triage@prodution", "sets no label prodution", "Did you mean `production`?"),
        ("support/triage@canary", "sets no label canary", "promptgraph label set support/triage canary"),
    ],
    ids=["name", "version", "label misspelt", "label"],
)
def test_selector_that_finds_nothing_is_a_problem_of_its_line(selector: str, words: str, hint: str) -> None:
    """An agent never resolves to nothing by a typing error."""
    bot = {"agents/bot.agent.yaml": f"description: x\nprompts:\n  triage: {selector}\n"}
    (problem,) = planned(FULL | bot, stored(FULL)).problems
    assert (problem.place.path, problem.place.line) == ("agents/bot.agent.yaml", 3)
    assert words in problem.message
    assert hint in (problem.hint or "")


def test_label_in_use_by_an_assignment_made_by_hand_cannot_go() -> None:
    """The conflict names the agent."""
    held = stored(FULL)
    by_hand = Assignment(
        id=999,
        agent_id=77,
        agent_name="web-widget",
        role="route",
        position=0,
        selector="support/triage@staging",
        prompt_id=None,
    )
    held = dataclasses.replace(held, assignments=(*held.assignments, by_hand))
    (conflict,) = planned(FULL | ONLY_PRODUCTION, held).conflicts
    assert "in use by web-widget" in conflict.sentence


# ---------------------------------------------------------------- properties

names = st.sampled_from(["a", "b", "team/c"])
prompts = st.dictionaries(names, st.tuples(st.integers(1, 3), st.sampled_from(["x", "y"])), min_size=1)


def files_of(made: Mapping[str, tuple[int, str]]) -> dict[str, str]:
    return {
        f"{name}.prompt.yaml": prompt_yaml(version, f"{text} {{{{ v }}}}")
        for name, (version, text) in made.items()
    }


@given(before=prompts, after=prompts)
def test_plan_keeps_what_is_stored(
    before: Mapping[str, tuple[int, str]], after: Mapping[str, tuple[int, str]]
) -> None:
    """Any tree against any registry: a stored version is never written again, and a plan is deterministic."""
    held = stored(files_of(before))
    found = planned(files_of(after), held)
    added = {(c.spec.name, c.spec.version) for c in found.changes if isinstance(c, AddPrompt)}
    assert added.isdisjoint(held.versions)
    assert found == planned(files_of(after), held)


@given(made=prompts)
def test_planning_what_is_stored_plans_nothing(made: Mapping[str, tuple[int, str]]) -> None:
    """A sync is idempotent."""
    assert planned(files_of(made), stored(files_of(made))).changes == ()
