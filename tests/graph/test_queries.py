"""What the graph answers about prompts, labels, agents and syncs."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from promptgraph.domain.names import global_id
from promptgraph.store.database import Database
from tests.factories import prompt_yaml
from tests.graph.registry import FILES, NOW, answer, ask, refused, sync

TRIAGE = "support/triage"
VERSION = "query($n:String!,$v:Int,$l:String){prompt(name:$n,version:$v,label:$l){name version retiredAt}}"
LATER = NOW + dt.timedelta(hours=1)


def moved(label: str, version: int) -> dict[str, str]:
    """FILES with a label of triage at another version."""
    text = FILES["labels.yaml"].replace(
        f"{label}: {{support/triage: {3 - version}}}", f"{label}: {{support/triage: {version}}}"
    )
    return FILES | {"labels.yaml": text}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"n": TRIAGE}, 2),
        ({"n": TRIAGE, "v": 1}, 1),
        ({"n": TRIAGE, "l": "production"}, 1),
        ({"n": TRIAGE, "l": "staging"}, 2),
        ({"n": "support/route"}, 2),
        ({"n": "support/route", "l": "production"}, 1),
        ({"n": TRIAGE, "v": 9}, None),
        ({"n": TRIAGE, "v": 2147483647}, None),
        ({"n": TRIAGE, "l": "nightly"}, None),
        ({"n": "nobody"}, None),
        ({"n": ""}, None),
        ({"n": "%"}, None),
    ],
)
async def test_finds_the_version_that_is_meant(
    db: Database, asked: dict[str, Any], expected: int | None
) -> None:
    """By number, by label, or the latest; a former name leads to the same; null for what there is not."""
    await sync(db, FILES)
    found = (await ask(db, VERSION, **asked))["prompt"]
    assert expected == (found and found["version"])
    assert found is None or found["name"] == TRIAGE


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"n": TRIAGE, "v": 1, "l": "production"}, "version"),
        ({"n": TRIAGE, "v": 0}, "version"),
        ({"n": TRIAGE, "v": -1}, "version"),
        ({"n": TRIAGE, "l": "latest"}, "label"),
        ({"n": TRIAGE, "l": "No label"}, "label"),
        ({"n": TRIAGE, "l": ""}, "label"),
        ({"n": "x" * 201}, "name"),
    ],
)
async def test_refuses_what_names_no_version(empty: Database, asked: dict[str, Any], field: str) -> None:
    """A top-level error with code and field; the field itself is null."""
    assert [("INVALID_INPUT", field)] == await refused(empty, VERSION, **asked)


async def test_retired_prompts_still_answer(db: Database) -> None:
    """By name and by id, with the moment; lists leave them out unless they are asked for."""
    await sync(db, FILES)
    id_ = global_id("Prompt", "summarize/thread", 1)
    await sync(db, {path: text for path, text in FILES.items() if not path.startswith("summarize")}, LATER)
    found = await ask(db, VERSION, n="summarize/thread")
    assert "2026-11-22T11:00:00Z" == found["prompt"]["retiredAt"]
    assert {"node": {"name": "summarize/thread"}} == await ask(
        db, "query($i:ID!){node(id:$i){...on Prompt{name}}}", i=id_
    )
    names = "query($f:PromptFilter){prompts(filter:$f){totalCount} promptFamilies(filter:$f){nodes{name}}}"
    for retired, count in ((False, 2), (True, 1), (None, 3)):
        page = await ask(db, names, f={"retired": retired})
        assert count == page["prompts"]["totalCount"] == len(page["promptFamilies"]["nodes"])


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        (None, ["summarize/thread@1", "support/answer@2", "support/triage@2"]),
        ({"nameIn": ["support/answer", "nobody"]}, ["support/answer@2"]),
        ({"nameIn": []}, []),
        ({"namePrefix": "support/"}, ["support/answer@2", "support/triage@2"]),
        ({"namePrefix": "support_"}, []),
        ({"tagsAll": ["support"]}, ["support/answer@2", "support/triage@2"]),
        ({"tagsAll": ["support", "routing"]}, ["support/triage@2"]),
        ({"label": "production"}, ["support/triage@1"]),
        ({"search": "QUEUE"}, ["support/triage@2"]),
        ({"search": "100%"}, []),
        ({"allVersions": True, "namePrefix": "support/a"}, ["support/answer@2", "support/answer@1"]),
        (
            {"allVersions": None, "retired": False},
            ["summarize/thread@1", "support/answer@2", "support/triage@2"],
        ),
    ],
)
async def test_lists_what_the_filter_asks_for(
    db: Database, filter_: dict[str, Any] | None, expected: list[str]
) -> None:
    """Every condition holds; without one, the latest version of each live name, by name."""
    await sync(db, FILES)
    page = (
        await ask(db, "query($f:PromptFilter){prompts(filter:$f){nodes{name version} totalCount}}", f=filter_)
    )["prompts"]
    assert expected == [f"{node['name']}@{node['version']}" for node in page["nodes"]]
    assert len(expected) == page["totalCount"]


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ({"label": "latest"}, ("INVALID_INPUT", "filter.label")),
        ({"label": "production", "allVersions": True}, ("INVALID_INPUT", "filter.allVersions")),
        ({"namePrefix": "x" * 300}, ("INVALID_INPUT", "filter.namePrefix")),
        ({"search": "x" * 300}, ("INVALID_INPUT", "filter.search")),
        ({"nameIn": ["a"] * 1001}, ("TOO_MANY_ROWS", "filter.nameIn")),
        ({"tagsAll": [f"t{i}" for i in range(33)]}, ("TOO_MANY_ROWS", "filter.tagsAll")),
    ],
)
async def test_refuses_filters_that_ask_for_too_much(
    empty: Database, filter_: dict[str, Any], expected: tuple[str, str]
) -> None:
    """With the filter's field."""
    assert [expected] == await refused(
        empty, "query($f:PromptFilter){prompts(filter:$f){totalCount}}", f=filter_
    )


async def test_knows_what_a_label_served_then(db: Database) -> None:
    """By the time the move was applied here; before the first move it served nothing."""
    await sync(db, FILES)
    await sync(db, moved("production", 2), LATER)
    query = 'query($at:DateTime!){promptAt(name:"support/route",label:"production",at:$at){version}}'
    served = {
        at: (await ask(db, query, at=at))["promptAt"]
        for at in ("2026-11-22T09:59:59Z", "2026-11-22T11:30:00+01:00", "2026-11-22T11:00:00Z")
    }
    assert [None, {"version": 1}, {"version": 2}] == list(served.values())


async def test_knows_that_a_label_served_nothing_any_more(db: Database) -> None:
    """From the moment it was taken away; unknown names and labels served nothing ever."""
    await sync(db, FILES)
    await sync(db, FILES | {"labels.yaml": "production: {support/triage: 1}\n"}, LATER)
    query = """query($at:DateTime!){staging:promptAt(name:"support/triage",label:"staging",at:$at){version}
      production:promptAt(name:"support/triage",label:"production",at:$at){version}
      none:promptAt(name:"nobody",label:"staging",at:$at){version}
      never:promptAt(name:"support/triage",label:"nightly",at:$at){version}}"""
    before = await ask(db, query, at="2026-11-22T10:59:59.999999Z")
    rest = {"production": {"version": 1}, "none": None, "never": None}
    assert {"staging": {"version": 2}, **rest} == before
    assert {"staging": None, **rest} == await ask(db, query, at="2026-11-22T11:00:00Z")
    wrong = 'query($at:DateTime!){promptAt(name:"x",label:"latest",at:$at){version}}'
    assert [("INVALID_INPUT", "label")] == await refused(db, wrong, at="2026-11-22T11:00:00Z")


async def test_history_tells_how_labels_moved(db: Database) -> None:
    """The newest move first, each with where it came from and its line in git."""
    await sync(db, FILES)
    await sync(db, moved("production", 2), LATER)
    query = """{promptFamily(name:"support/triage"){labelMoves{totalCount nodes{
        label name from{version} to{version} movedAt movedBy reason source{path commitSha}}}}}"""
    moves = (await ask(db, query))["promptFamily"]["labelMoves"]
    assert 3 == moves["totalCount"]
    newest = moves["nodes"][0]
    assert ("production", {"version": 1}, {"version": 2}) == (newest["label"], newest["from"], newest["to"])
    assert ("2026-11-22T11:00:00Z", {"path": "labels.yaml", "commitSha": "c0ffee"}) == (
        newest["movedAt"],
        newest["source"],
    )


async def test_renders_with_its_record(db: Database) -> None:
    """The text, the variables as used, the hash, and the prompt they came from."""
    await sync(db, FILES)
    query = """query($v:JSON!){prompt(name:"support/triage",label:"production"){render(variables:$v){
        prompt{id version} text variables hash matchesSent messages{role content parts}}}}"""
    history = [{"role": "assistant", "content": "Hello!"}]
    found = (await ask(db, query, v={"ticket": "{{ 7*7 }}", "history": history}))["prompt"]["render"]
    assert "Be neutral.\nPick a queue.\n\n\nHello!\n\n{{ 7*7 }}" == found["text"]
    assert {"ticket": "{{ 7*7 }}", "history": history, "tone": "neutral"} == found["variables"]
    assert ["SYSTEM", "ASSISTANT", "USER"] == [message["role"] for message in found["messages"]]
    assert (1, None, 64) == (found["prompt"]["version"], found["matchesSent"], len(found["hash"]))


@pytest.mark.parametrize(
    ("variables", "field"),
    [
        ({}, "variables.ticket"),
        ({"ticket": "x", "tickt": "y"}, "variables.tickt"),
        ({"ticket": 1}, "variables.ticket"),
        ({"ticket": "x", "history": [{"content": "no role"}]}, "variables.history"),
        ([1], "variables"),
        ("text", "variables"),
    ],
)
async def test_rendering_says_which_variable_is_wrong(db: Database, variables: Any, field: str) -> None:
    """The field alone is null: everything else of the page is there."""
    await sync(db, FILES)
    query = 'query($v:JSON!){prompt(name:"support/triage"){name render(variables:$v){text}}}'
    found = (await answer(db, query, v=variables)).payload
    assert {"prompt": {"name": TRIAGE, "render": None}} == found["data"]
    assert ["INVALID_INPUT"] == [error["extensions"]["code"] for error in found["errors"]]
    assert found["errors"][0]["extensions"]["field"].startswith(field)


async def test_diff_tells_versions_apart(db: Database) -> None:
    """Against the previous version, or any other; what it means for callers is said."""
    await sync(db, FILES)
    query = """query($a:ID){prompt(name:"support/answer"){diff(against:$a){
        from{version} to{version} impact unified changes{path kind before after impact sentence}}}}"""
    found = (await ask(db, query))["prompt"]["diff"]
    assert ({"version": 1}, {"version": 2}, "MAJOR") == (found["from"], found["to"], found["impact"])
    assert "-" in found["unified"] and "support/answer@2" in found["unified"]
    assert any("plan" in change["path"] + change["sentence"] for change in found["changes"])
    same = (await ask(db, query, a=global_id("Prompt", "support/answer", 2)))["prompt"]["diff"]
    assert ("NONE", "", []) == (same["impact"], same["unified"], same["changes"])
    assert [("INVALID_INPUT", "against")] == await refused(db, query, a=global_id("Agent", "support-bot"))
    assert [("NOT_FOUND", "against")] == await refused(db, query, a=global_id("Prompt", "nobody", 1))
    first = await ask(
        db, '{prompt(name:"support/answer",version:1){diff{impact} previous{version} next{version}}}'
    )
    assert {"diff": None, "previous": None, "next": {"version": 2}} == first["prompt"]


@pytest.mark.parametrize(
    ("role", "context", "expected"),
    [
        ("answer", {"plan": "team"}, 2),
        ("answer", {"plan": "free"}, 3),
        ("answer", {}, 3),
        ("triage", {"plan": "team"}, 1),
        ("nothing", {}, None),
    ],
)
async def test_agents_get_the_prompt_for_the_circumstances(
    db: Database, role: str, context: dict[str, Any], expected: int | None
) -> None:
    """The first assignment of the role whose `when` matches."""
    await sync(db, FILES)
    newer = {
        "support/answer.prompt.yaml": prompt_yaml(3, "Answer {{ question }}, {{ plan }}", tags=["support"]),
        "support/answer@2.prompt.yaml": prompt_yaml(2, "Answer {{ question }} for {{ plan }}"),
    }
    await sync(db, FILES | newer, LATER)
    query = 'query($r:String!,$c:JSON!){agent(name:"support-bot"){prompt(role:$r,context:$c){version}}}'
    found = (await ask(db, query, r=role, c=context))["agent"]["prompt"]
    assert expected == (found and found["version"])
    default = await ask(
        db, 'query($r:String!){agent(name:"support-bot"){prompt(role:$r){version}}}', r="triage"
    )
    assert {"version": 1} == default["agent"]["prompt"]


@pytest.mark.parametrize("context", ["text", [1], 1, True])
async def test_circumstances_are_an_object(db: Database, context: Any) -> None:
    """Another kind of JSON is refused with the argument's name; the agent is answered."""
    await sync(db, FILES)
    query = 'query($c:JSON!){agent(name:"support-bot"){name prompt(role:"answer",context:$c){version}}}'
    found = (await answer(db, query, c=context)).payload
    assert {"agent": {"name": "support-bot", "prompt": None}} == found["data"]
    assert [("INVALID_INPUT", "context")] == [
        (error["extensions"]["code"], error["extensions"]["field"]) for error in found["errors"]
    ]


async def test_agents_and_prompts_know_each_other(db: Database) -> None:
    """From the agent to what it uses now, and from a version or a family to its agents."""
    await sync(db, FILES)
    query = """{
        agent(name:"support-bot"){description declared
          prompts{totalCount nodes{name version}} assignments{role position when metadata}}
        one:prompt(name:"support/triage",version:1){agents{totalCount nodes{name}}}
        two:prompt(name:"support/triage"){agents{totalCount}}
        promptFamily(name:"support/triage"){agents{totalCount nodes{name}}} agents{totalCount}}"""
    found = await ask(db, query)
    assert [("support/answer", 2), ("support/triage", 1)] == [
        (node["name"], node["version"]) for node in found["agent"]["prompts"]["nodes"]
    ]
    assert 2 == found["agent"]["prompts"]["totalCount"]
    assert [
        ("answer", {"plan": ["enterprise", "team"]}, {"note": "vip"}),
        ("answer", {}, {}),
        ("triage", {}, {}),
    ] == [(each["role"], each["when"], each["metadata"]) for each in found["agent"]["assignments"]]
    users = {"totalCount": 1, "nodes": [{"name": "support-bot"}]}
    assert (users, 0, users, 1) == (
        found["one"]["agents"], found["two"]["agents"]["totalCount"],
        found["promptFamily"]["agents"], found["agents"]["totalCount"],
    )  # fmt: skip
    assert {"agent": None} == await ask(db, '{agent(name:"nobody"){name}}')


async def test_tells_what_a_version_is_made_of(db: Database) -> None:
    """Every part of a file is in the graph, under its own name."""
    await sync(db, FILES, url="https://git.example/tree/c0ffee/prompts")
    query = """{prompt(name:"support/triage"){
        description tags metadata model config tools inputSchema outputSchema partials isLatest draft
        createdAt labelNames contentHash databaseId variables{name required default sensitive}
        messages{role content placeholder parts} source{path author commitSha committedAt url}
        family{formerNames latest{version}}}}"""
    found = (await ask(db, query))["prompt"]
    assert ("Route a support ticket to a queue.", ["support", "routing"], {"owner": "support-team"}) == (
        found["description"], found["tags"], found["metadata"],
    )  # fmt: skip
    assert ("gpt-5-mini", {"temperature": 0}, [{"name": "lookup"}], {"type": "object"}) == (
        found["model"], found["config"], found["tools"], found["outputSchema"],
    )  # fmt: skip
    assert [("history", False, False), ("ticket", True, True), ("tone", False, False)] == [
        (each["name"], each["required"], each["sensitive"]) for each in found["variables"]
    ]
    assert {"role": None, "content": None, "placeholder": "history", "parts": None} == found["messages"][1]
    assert ["tone.j2"] == found["partials"]
    assert ("Ann", "c0ffee", "2026-11-20T08:30:00.000250Z") == (
        found["source"]["author"], found["source"]["commitSha"], found["source"]["committedAt"],
    )  # fmt: skip
    assert (True, False, ["staging"]) == (found["isLatest"], found["draft"], found["labelNames"])
    assert {"formerNames": ["support/route"], "latest": {"version": 2}} == found["family"]


async def test_server_info_says_what_this_is(db: Database) -> None:
    """Before and after the first sync."""
    query = """{serverInfo{version database mode revision promptCount
        lastSync{source added commitSha startedAt steps{action kind name version sentence}}}}"""
    empty = (await ask(db, query))["serverInfo"]
    assert (0, None, "development") == (empty["promptCount"], empty["lastSync"], empty["mode"])
    await sync(db, FILES, commit_sha="c0ffee")
    full = (await ask(db, query))["serverInfo"]
    assert (3, "default", "c0ffee") == (
        full["promptCount"],
        full["lastSync"]["source"],
        full["lastSync"]["commitSha"],
    )
    assert full["revision"] > empty["revision"]
    assert any(step["kind"] == "agent" for step in full["lastSync"]["steps"])
