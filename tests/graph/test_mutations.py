"""What can be done through the graph, and how it is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from promptgraph.domain.names import global_id
from promptgraph.store.database import Database
from tests.factories import prompt_yaml
from tests.graph.registry import FILES, ask, refused, sync

SYNC = """mutation($i:SyncPromptsInput!){syncPrompts(input:$i){
  plan{action kind name version sentence impact path prompt{id name}}
  problems{path line column message hint warning}
  run{id source commitSha added moved retired unchanged} errors{code field message retryable}}}"""
SET = """mutation($i:SetPromptLabelInput!){setPromptLabel(input:$i){
  move{label name from{version} to{version} movedBy reason source{path}}
  family{labels{label prompt{version} overridden}}
  errors{code field message}}}"""
REMOVE = """mutation($i:RemovePromptLabelInput!){removePromptLabel(input:$i){
  move{to{version} from{version}} family{labels{label}} errors{code field message}}}"""
ASSIGN = """mutation($i:AssignPromptInput!){assignPrompt(input:$i){
  assignment{id role selector when metadata managedByFile prompt{version}}
  agent{name declared assignments{role}} errors{code field}}}"""
UNASSIGN = """mutation($i:UnassignPromptInput!){unassignPrompt(input:$i){
  agent{name assignments{role}} errors{code field}}}"""


def tree(files: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"files": [{"path": path, "text": text} for path, text in files.items()], **more}


async def act(db: Database, query: str, **given: Any) -> dict[str, Any]:
    """The payload of the one mutation in `query`."""
    (payload,) = (await ask(db, query, i=given)).values()
    return dict(payload)


def codes(payload: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(error["code"], error.get("field")) for error in payload["errors"]]


async def test_a_sync_publishes_a_tree(db: Database) -> None:
    """The plan with every step's prompt, the run with its commit; the same again changes nothing."""
    done = await act(db, SYNC, **tree(FILES, commitSha="c0ffee", sequence=7, author="Ann"))
    assert ([], "c0ffee") == (done["errors"], done["run"]["commitSha"])
    added = [step for step in done["plan"] if (step["action"], step["kind"]) == ("ADD", "prompt")]
    assert all(step["prompt"]["name"] == step["name"] for step in added)
    assert 5 == len(added)
    again = await act(db, SYNC, **tree(FILES, sequence=7))
    assert ([], 0) == (again["errors"], again["run"]["added"])
    assert {"UNCHANGED"} == {step["action"] for step in again["plan"] if step["kind"] == "prompt"}


async def test_a_dry_run_writes_nothing(db: Database) -> None:
    """The same plan, no run, and the prompts are not there afterwards."""
    done = await act(db, SYNC, **tree(FILES, dryRun=True))
    assert ([], None) == (done["errors"], done["run"])
    assert any(step["action"] == "ADD" and step["prompt"] is None for step in done["plan"])
    assert {"prompts": {"totalCount": 0}} == await ask(db, "{prompts{totalCount}}")


async def test_a_sync_never_overwrites(db: Database) -> None:
    """The same version with other content: refused, with the command that mends it."""
    await sync(db, FILES)
    changed = FILES | {"summarize/thread.prompt.yaml": prompt_yaml(1, "Shorten {{ thread }}")}
    done = await act(db, SYNC, **tree(changed))
    assert ([("SYNC_CONFLICT", None)], None) == (codes(done), done["run"])
    conflict = next(step for step in done["plan"] if step["action"] == "CONFLICT")
    assert "promptgraph bump summarize/thread" in conflict["sentence"]
    assert "summarize/thread.prompt.yaml" == conflict["path"]


async def test_a_late_sync_is_refused_unless_forced(db: Database) -> None:
    """A tree older than the last one of its source comes too late."""
    await sync(db, FILES, sequence=9)
    late = await act(db, SYNC, **tree(FILES, sequence=8))
    assert [("SYNC_OUTDATED", "sequence")] == codes(late)
    assert [] == (await act(db, SYNC, **tree(FILES, sequence=8, force=True)))["errors"]


async def test_every_problem_of_the_files_comes_back(db: Database) -> None:
    """All of them, with place and hint; nothing is written."""
    broken = {
        "a.prompt.yaml": "version: 1\nmesages: []\n",
        "b.prompt.yaml": prompt_yaml(1, "{{ a }}", input=None),
        "c.prompt.yaml": "version: [1\n",
        "fine.prompt.yaml": prompt_yaml(1),
    }
    done = await act(db, SYNC, **tree(broken))
    assert ([("INVALID_INPUT", None)], None) == (codes(done), done["run"])
    assert {"a.prompt.yaml", "b.prompt.yaml", "c.prompt.yaml"} == {
        problem["path"] for problem in done["problems"]
    }
    assert all(problem["message"] and not problem["warning"] for problem in done["problems"])
    assert {"prompts": {"totalCount": 0}} == await ask(db, "{prompts{totalCount}}")


@pytest.mark.parametrize(
    "path",
    [
        "../x.prompt.yaml",
        "/x.prompt.yaml",
        "a//x.prompt.yaml",
        "a\\x.prompt.yaml",
        "",
        ".",
        "X.prompt.yaml",
        "x.prompt.yaml/",
    ],
)
async def test_paths_stay_in_the_folder(db: Database, path: str) -> None:
    """A path that no folder of prompts has is an error, whatever it means."""
    done = await act(db, SYNC, **tree({path: prompt_yaml(1)}))
    assert None is done["run"]
    assert "INVALID_INPUT" == done["errors"][0]["code"]


async def test_a_file_comes_once(empty: Database) -> None:
    """Two files of one path: nobody could say which is meant."""
    twice = tree({"x.prompt.yaml": prompt_yaml(1)})
    twice["files"] += tree({"x.prompt.yaml": prompt_yaml(2)})["files"]
    done = await act(empty, SYNC, **twice)
    assert ([("INVALID_INPUT", "files[1].path")], None) == (codes(done), done["run"])


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"source": "x" * 201}, "source"),
        ({"author": "x" * 201}, "author"),
        ({"url": "x" * 2001}, "url"),
        ({"commitSha": "x" * 201}, "commitSha"),
        ({"files": [{"path": "a.prompt.yaml", "text": "", "author": "x" * 201}]}, "files[0].author"),
        ({"files": [{"path": "x" * 501, "text": ""}]}, "files[0].path"),
    ],
)
async def test_facts_about_a_sync_are_short(empty: Database, more: dict[str, Any], field: str) -> None:
    """Too long is refused by the input's field."""
    assert [("INVALID_INPUT", field)] == codes(await act(empty, SYNC, **({"files": []} | more)))


async def test_a_tree_has_an_end(empty: Database) -> None:
    """More files than a folder may hold."""
    files = [{"path": f"p{number}.prompt.yaml", "text": ""} for number in range(10_001)]
    assert [("TOO_MANY_ROWS", "files")] == codes(await act(empty, SYNC, files=files))


async def test_labels_move_by_hand_where_no_file_owns_them(db: Database) -> None:
    """The move is in the history with who and why; the same again is no move."""
    await sync(db, FILES)
    wanted = {"name": "support/triage", "label": "nightly", "version": 2, "reason": "try it"}
    done = await act(db, SET, **wanted)
    assert {
        "label": "nightly", "name": "support/triage", "from": None, "to": {"version": 2},
        "movedBy": "api", "reason": "try it", "source": None,
    } == done["move"]  # fmt: skip
    assert {"nightly", "production", "staging"} == {label["label"] for label in done["family"]["labels"]}
    again = await act(db, SET, **wanted)
    assert (None, []) == (again["move"], again["errors"])
    gone = await act(db, REMOVE, name="support/triage", label="nightly")
    assert {"to": None, "from": {"version": 2}} == gone["move"]
    assert ["production", "staging"] == [label["label"] for label in gone["family"]["labels"]]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"name": "nobody"}, ("NOT_FOUND", "name")),
        ({"name": "x" * 201}, ("INVALID_INPUT", "name")),
        ({"version": 9}, ("NOT_FOUND", "version")),
        ({"version": -1}, ("INVALID_INPUT", "version")),
        ({"label": "latest"}, ("INVALID_INPUT", "label")),
        ({"label": "Bad Label"}, ("INVALID_INPUT", "label")),
        ({"label": "production"}, ("MANAGED_BY_FILE", "label")),
        ({"label": "production", "override": True}, ("INVALID_INPUT", "reason")),
        ({"reason": "x" * 501}, ("INVALID_INPUT", "reason")),
    ],
)
async def test_labels_that_may_not_move_stay(
    db: Database, wanted: dict[str, Any], expected: tuple[str, str]
) -> None:
    """With the code and the field that say why; nothing has moved."""
    await sync(db, FILES)
    done = await act(db, SET, **({"name": "support/triage", "label": "nightly", "version": 1} | wanted))
    assert ([expected], None) == (codes(done), done["move"])
    moves = await ask(db, '{promptFamily(name:"support/triage"){labelMoves{totalCount}}}')
    assert 2 == moves["promptFamily"]["labelMoves"]["totalCount"]


async def test_an_emergency_moves_even_a_label_of_git(db: Database) -> None:
    """With override and reason; it shows as overridden."""
    await sync(db, FILES)
    wanted = {
        "name": "support/triage",
        "label": "production",
        "version": 2,
        "override": True,
        "reason": "outage",
    }
    done = await act(db, SET, **wanted)
    assert {"label": "production", "prompt": {"version": 2}, "overridden": True} == done["family"]["labels"][
        0
    ]
    assert "MANAGED_BY_FILE" in str(await act(db, REMOVE, name="support/triage", label="production"))


async def test_a_label_in_use_stays(db: Database) -> None:
    """The error names the agents that would lose their prompt."""
    await sync(db, FILES)
    await act(db, SET, name="support/answer", label="nightly", version=1)
    await act(db, ASSIGN, agent="night-bot", role="answer", selector="support/answer@nightly")
    done = await act(db, REMOVE, name="support/answer", label="nightly")
    assert "SYNC_CONFLICT" == done["errors"][0]["code"]
    assert "night-bot" in done["errors"][0]["message"]
    assert [("NOT_FOUND", "label")] == codes(await act(db, REMOVE, name="support/answer", label="none"))


async def test_assignments_come_and_go(db: Database) -> None:
    """The agent is made when it is new, and stays when its assignment goes."""
    await sync(db, FILES)
    wanted = {"agent": "night-bot", "role": "answer", "selector": "support/answer@1"}
    done = await act(db, ASSIGN, **wanted, when={"plan": ["free"]}, metadata={"by": "me"})
    made = done["assignment"]
    assert ({"plan": ["free"]}, {"by": "me"}, False, {"version": 1}) == (
        made["when"], made["metadata"], made["managedByFile"], made["prompt"],
    )  # fmt: skip
    assert {"name": "night-bot", "declared": False, "assignments": [{"role": "answer"}]} == done["agent"]
    again = await act(db, ASSIGN, **wanted)
    assert (made["id"], {}) == (again["assignment"]["id"], again["assignment"]["when"])
    gone = await act(db, UNASSIGN, id=made["id"])
    assert {"name": "night-bot", "assignments": []} == gone["agent"]
    assert [("NOT_FOUND", "id")] == codes(await act(db, UNASSIGN, id=made["id"]))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"agent": "Bad Name"}, ("INVALID_INPUT", "agent")),
        ({"role": "Bad Role"}, ("INVALID_INPUT", "role")),
        ({"selector": "support/answer@latest"}, ("INVALID_INPUT", "selector")),
        ({"selector": "nobody"}, ("NOT_FOUND", "selector")),
        ({"when": [1]}, ("INVALID_INPUT", "when")),
        ({"when": json.loads('{"a":' * 12 + "1" + "}" * 12)}, ("INVALID_INPUT", "when")),
        ({"metadata": "text"}, ("INVALID_INPUT", "metadata")),
        ({"metadata": {"a": "x" * 20_000}}, ("INVALID_INPUT", "metadata")),
        (
            {"agent": "support-bot", "role": "triage", "selector": "support/triage@production"},
            ("MANAGED_BY_FILE", "selector"),
        ),
    ],
)
async def test_assignments_that_cannot_be_are_refused(
    db: Database, wanted: dict[str, Any], expected: tuple[str, str]
) -> None:
    """With the code and the field that say why."""
    await sync(db, FILES)
    done = await act(
        db, ASSIGN, **({"agent": "bot", "role": "answer", "selector": "support/answer"} | wanted)
    )
    assert ([expected], None) == (codes(done), done["assignment"])


@pytest.mark.parametrize("wrong", ["", "zz", global_id("Agent", "support-bot")])
async def test_only_an_assignment_can_be_unassigned(db: Database, wrong: str) -> None:
    """Another id is refused in the payload."""
    done = await act(db, UNASSIGN, id=wrong)
    assert ([("INVALID_INPUT", "id")], None) == (codes(done), done["agent"])
    filed = global_id("Assignment", "support-bot", "triage", "support/triage@production")
    await sync(db, FILES)
    assert [("MANAGED_BY_FILE", "selector")] == codes(await act(db, UNASSIGN, id=filed))


async def test_mutations_of_one_request_see_each_other(db: Database) -> None:
    """They run one after the other, and what was loaded before is read anew."""
    await sync(db, FILES)
    one = 'setPromptLabel(input:{name:"support/answer",label:"x",version:1})'
    two = 'setPromptLabel(input:{name:"support/answer",label:"x",version:2})'
    gone = 'removePromptLabel(input:{name:"support/answer",label:"x"})'
    family = "{family{labels{label prompt{version}}}}"
    found = await ask(db, f"mutation{{a:{one}{family} b:{two}{family} c:{gone}{family}}}")
    labels = [found[name]["family"]["labels"] for name in "abc"]
    assert [[1], [2], []] == [[label["prompt"]["version"] for label in each] for each in labels]


async def test_what_the_types_refuse_is_refused_as_a_whole(db: Database) -> None:
    """A top-level error; no part of the request is done."""
    wrong = {"files": [{"path": "a.prompt.yaml", "text": prompt_yaml(1), "committedAt": "yesterday"}]}
    assert [("INVALID_INPUT", None)] == await refused(db, SYNC, i=wrong)
    assert {"prompts": {"totalCount": 0}} == await ask(db, "{prompts{totalCount}}")
