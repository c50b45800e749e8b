"""`promptgraph sync`: into a database, through a server, and while watching."""

import signal
import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Answer, Command
from tests.cli.processes import PATIENCE_S, running
from tests.cli.repository import ANSWER, edit
from tests.cli.test_remote import GOOD, STEP, answering
from tests.cli.test_remote import answer as payload
from tests.factories import prompt_yaml, write_tree


@pytest.mark.usefixtures("prompts")
def test_makes_the_database_and_fills_it(answer: Answer) -> None:
    """In development mode the first sync needs nothing but the files."""
    found = answer("sync")
    assert (True, False, "default", None) == tuple(found[k] for k in ("applied", "dryRun", "source", "error"))
    kinds = {(step["action"], step["kind"], step["name"]) for step in found["steps"]}
    assert {
        ("ADD", "prompt", "support/answer"),
        ("MOVE_LABEL", "label", "support/answer"),
        ("ADD", "agent", "support-bot"),
    } <= kinds
    assert found["run"]["added"] >= 2


@pytest.mark.usefixtures("prompts")
def test_changes_nothing_twice(cli: Command, answer: Answer) -> None:
    """The second sync of the same files is one of unchanged steps."""
    cli("sync")
    assert {"UNCHANGED"} == {step["action"] for step in answer("sync")["steps"]}
    assert cli("sync").stdout.startswith("Synced: ")


@pytest.mark.usefixtures("prompts")
@pytest.mark.parametrize("exists", [False, True], ids=["no file", "empty file"])
def test_plans_a_first_sync_without_writing(
    here: Path, cli: Command, answer: Answer, *, exists: bool
) -> None:
    """Where there is no registry yet, a dry run plans against an empty one and makes nothing."""
    url = ("--database-url", "sqlite:///new/x.db")
    if exists:
        write_tree(here, {"new/x.db": b""})
    found = answer("sync", "--dry-run", *url)
    assert (False, True, None) == (found["applied"], found["dryRun"], found["run"])
    assert {"ADD", "MOVE_LABEL"} == {step["action"] for step in found["steps"]}
    result = cli("sync", "--dry-run", *url)
    assert result.stdout.splitlines()[-1].startswith("A sync would come to: ")
    assert "The database has no registry yet, so this is planned against an empty one.\n" == result.stderr
    assert [b""] * exists == [path.read_bytes() for path in here.glob("new/*")]
    assert not (here / ".promptgraph").exists()


def test_plans_without_writing(prompts: Path, cli: Command, answer: Answer) -> None:
    """A dry run prints the plan and leaves the registry alone."""
    cli("sync")
    before = Path(".promptgraph/promptgraph.db").read_bytes()
    write_tree(prompts, {"new.prompt.yaml": prompt_yaml(content="Hi")})
    assert "new" in {step["name"] for step in answer("sync", "--dry-run")["steps"]}
    assert before == Path(".promptgraph/promptgraph.db").read_bytes()
    assert "has no prompt" in cli("label", "history", "new", code=1).stderr


@pytest.mark.usefixtures("prompts")
def test_migrates_nothing_in_a_dry_run(cli: Command, answer: Answer) -> None:
    """A database at another revision is left there, and what to run is said."""
    cli("db", "upgrade")
    cli("db", "downgrade", "legacy_baseline")
    assert "Run: promptgraph db upgrade" in cli("sync", "--dry-run", code=75).stderr
    assert "legacy_baseline" == answer("db", "current")["revision"]


@pytest.mark.usefixtures("prompts")
@pytest.mark.parametrize(
    "key", ["topsecret\n", "topsecret\r\nx: y", "töpsecret", "top secret", "topsecret\x00"[:-1] + "\x7f"]
)
def test_refuses_a_key_that_no_header_can_hold(
    cli: Command, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """What is wrong is said, the key is not; nothing is sent."""
    monkeypatch.setenv("PROMPTGRAPH_API_KEY", key)
    with answering(200, payload(GOOD)) as fake:
        result = cli("sync", "--server", fake.url, code=2)
    assert "error: PROMPTGRAPH_API_KEY: a key is made of visible ASCII characters alone." in result.stderr
    assert ("psecret" in result.output, []) == (False, fake.asked)


def test_says_which_command_mends_a_conflict(prompts: Path, cli: Command, answer: Answer) -> None:
    """Refused: the file, the version, the command; the exit code says findings."""
    cli("sync")
    edit(prompts / ANSWER, "You answer", "You always answer")
    result = cli("sync", code=1)
    path, message, command = result.stdout.splitlines()
    assert f"prompts/{ANSWER}" == path
    assert "Version 1 is already stored with other content" in message
    assert "run: promptgraph bump support/answer" == command.strip()
    assert "error: Refused; nothing was changed.\n" == result.stderr
    found = answer("sync", code=1)
    assert (False, "SYNC_CONFLICT") == (found["applied"], found["error"]["code"])


def test_tells_problems_of_the_files(prompts: Path, cli: Command, answer: Answer) -> None:
    """A tree with an error changes nothing, and every problem has its place."""
    write_tree(prompts, {"a.prompt.yaml": "version: 1\n", "new.prompt.yaml": prompt_yaml(content="Hi")})
    found = answer("sync", code=1)
    assert ("a.prompt.yaml", "error") == (found["problems"][0]["path"], found["problems"][0]["severity"])
    assert "INVALID_INPUT" == found["error"]["code"]
    shown = cli("sync", code=1)
    assert shown.stdout.startswith("prompts/a.prompt.yaml\n")
    assert "error: " in shown.stderr


@pytest.mark.usefixtures("prompts")
def test_keeps_sources_apart(cli: Command) -> None:
    """What another source owns is a conflict."""
    cli("sync", "--source", "team-a")
    assert "belongs to the source 'team-a'" in cli("sync", "--source", "team-b", code=1).stdout


@pytest.mark.usefixtures("prompts")
def test_refuses_to_empty_the_registry(here: Path, cli: Command) -> None:
    """An empty folder is refused, and meant with --force."""
    cli("sync")
    (here / "empty").mkdir()
    assert "--force" in cli("sync", "--prompts-dir", "empty", code=1).output
    assert "retire" in cli("sync", "--prompts-dir", "empty", "--force").stdout


def test_stores_drafts(prompts: Path, cli: Command) -> None:
    """A draft may be replaced; a plain sync makes it firm."""
    cli("sync", "--draft")
    edit(prompts / ANSWER, "You answer", "You always answer")
    assert "Draft 1 replaced." in cli("sync", "--draft").stdout
    assert "no longer a draft" in cli("sync").stdout


@pytest.mark.usefixtures("prompts")
def test_knows_no_drafts_in_production(cli: Command) -> None:
    """Production mode refuses drafts, watching included."""
    cli("db", "upgrade")
    for option in ("--draft", "--watch"):
        assert "no drafts" in cli("sync", option, "--mode", "production", code=1).stderr


@pytest.mark.usefixtures("prompts")
def test_does_not_migrate_in_production(cli: Command) -> None:
    """Production mode says what is missing."""
    assert "Run: promptgraph db upgrade" in cli("sync", "--mode", "production", code=75).stderr
    cli("db", "upgrade")
    cli("sync", "--mode", "production")


@pytest.mark.usefixtures("prompts")
def test_says_that_the_database_is_busy(here: Path, cli: Command) -> None:
    """Somebody else writes: nothing is changed, try again."""
    cli("sync")
    with sqlite3.connect(here / ".promptgraph/promptgraph.db", isolation_level=None) as db:
        db.execute("BEGIN IMMEDIATE")
        result = cli("sync", code=75)
    db.close()
    assert ("", "error: The database is busy; try again.\n") == (result.stdout, result.stderr)


@pytest.mark.usefixtures("prompts")
@pytest.mark.parametrize(
    "content", [b"no database at all, but long enough to be read as one" * 20, b"\x00" * 4096]
)
def test_says_that_the_file_is_no_database(here: Path, cli: Command, content: bytes) -> None:
    """A file of something else is left as it is."""
    (here / "x.db").write_bytes(content)
    assert cli("sync", "--database-url", "sqlite:///x.db", code=75).stderr.startswith("error: ")
    assert content == (here / "x.db").read_bytes()


@pytest.mark.usefixtures("prompts")
def test_prints_the_same_plan_for_a_server(cli: Command) -> None:
    """What a server answers is shown as what a database gives."""
    with answering(200, payload(GOOD)) as fake:
        result = cli("sync", "--server", fake.url, "--api-key", "secret")
    assert ["add", "prompt", "a", "1", "New."] == result.stdout.splitlines()[1].split()
    assert "Synced: 1 added.\n" == result.stdout.splitlines(keepends=True)[-1]
    sent = fake.asked[0][1]["variables"]["input"]["files"]
    assert ["_partials/tone.j2", "agents/support-bot.agent.yaml", "labels.yaml", ANSWER] == [
        f["path"] for f in sent
    ]
    assert not Path(".promptgraph").exists()


@pytest.mark.usefixtures("prompts")
def test_shows_what_a_server_refuses(cli: Command) -> None:
    """Also then: the file, the version, the command."""
    step = STEP | {"action": "CONFLICT", "path": "a.prompt.yaml", "sentence": "run: promptgraph bump a"}
    body = GOOD | {"plan": [step], "run": None, "errors": [{"code": "SYNC_CONFLICT", "message": "No."}]}
    with answering(200, payload(body)) as fake:
        result = cli("sync", "--server", fake.url, code=1)
    assert ["prompts/a.prompt.yaml", "error", "run: promptgraph bump a"] == [
        line.strip() for line in result.stdout.splitlines()
    ]
    assert "error: Refused; nothing was changed.\n" == result.stderr


def test_sends_nothing_that_is_broken(prompts: Path, answer: Answer) -> None:
    """What cannot be read here is told here."""
    write_tree(prompts, {"a.prompt.yaml": b"\xff\xfe"})
    with answering(200, payload(GOOD)) as fake:
        found = answer("sync", "--server", fake.url, code=1)
    assert ([], "a.prompt.yaml") == (fake.asked, found["problems"][0]["path"])


@pytest.mark.usefixtures("prompts")
@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["--server", "http://127.0.0.1:9"], 75, "http://127.0.0.1:9/graphql is out of reach"),
        (["--server", "http://127.0.0.1:99999/"], 2, "with a port from 1 to 65535"),
        (["--server", "prompts.example.com"], 2, "The server is an address such as"),
        (["--server", "http://127.0.0.1:9", "--draft"], 2, "A server takes no drafts"),
        (["--server", "http://127.0.0.1:9", "--watch"], 2, "A server takes no drafts"),
        (["--prompts-dir", "nowhere"], 2, "There is no folder nowhere."),
        (["--database-url", "nonsense"], 2, "The database URL must look like"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_says_what_stands_in_the_way(cli: Command, words: list[str], code: int, expected: str) -> None:
    """Exit code 2 for what was typed, 75 for what may work later."""
    result = cli("sync", *words, code=code)
    assert expected in result.stderr
    assert "" == result.stdout


# ---------------------------------------------------------------- watching


@pytest.mark.timeout(400)
def test_watches_and_survives_broken_files(prompts: Path) -> None:
    """Each change is a sync of drafts; a broken file is told and mended; Ctrl-C ends it well."""
    with running(prompts.parent, "sync", "--watch") as (process, wait_for):
        wait_for("Synced: ")
        edit(prompts / ANSWER, "You answer", "You always answer")
        wait_for("Draft 1 replaced.")
        whole = (prompts / ANSWER).read_text()
        (prompts / ANSWER).write_text("version: [\n")
        wait_for(f"prompts/{ANSWER}")
        (prompts / ANSWER).write_text(whole.replace("You always answer", "You answer"))
        wait_for("Draft 1 replaced.")
        process.send_signal(signal.SIGINT)
        wait_for("No longer watching.")
        assert 0 == process.wait(PATIENCE_S)
