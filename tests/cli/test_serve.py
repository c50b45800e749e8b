"""`promptgraph serve` and `promptgraph demo`, as processes of their own."""

import re
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from promptgraph.cli.server import environment, listen
from promptgraph.config import load
from tests.cli.conftest import Answer, Command
from tests.cli.processes import PATIENCE_S, running
from tests.cli.repository import ANSWER, edit
from tests.factories import prompt_yaml, write_tree
from tests.keys import bearing

pytestmark = pytest.mark.timeout(400)  # a machine with other work to do starts a server slowly

QUERY = {"query": '{ prompt(name: "support/answer", label: "production") { version } serverInfo { mode } }'}


def address(wait_for: Callable[[str], str]) -> str:
    """The address that a server prints once it answers."""
    found = re.search(r"http://\S+", wait_for(" serves "))
    assert found is not None
    return found.group()


def ask(url: str, key: str | None = None) -> object:
    headers = bearing(key) if key else {}
    response = httpx.post(url, json=QUERY, headers=headers, timeout=PATIENCE_S)
    assert 200 == response.status_code
    return response.json()["data"]


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_serves_until_it_is_stopped(prompts: Path, stop: signal.Signals) -> None:
    """A fresh folder is enough in development mode; a stop is no failure."""
    with running(prompts.parent, "serve", "--port", "0") as (process, wait_for):
        url = address(wait_for)
        wait_for("mode      development")
        wait_for("database  sqlite:///.promptgraph/promptgraph.db")
        wait_for("stores    prompts")
        assert {"prompt": {"version": 1}, "serverInfo": {"mode": "development"}} == ask(url)
        process.send_signal(stop)
        assert 0 == process.wait(PATIENCE_S)


def test_serves_in_production(prompts: Path, cli: Command, answer: Answer) -> None:
    """Production mode serves what was synced to who has a key, and syncs nothing by itself."""
    cli("sync")
    key = answer("keys", "create", "--name", "test", "--scope", "read")["secret"]
    write_tree(prompts, {"new.prompt.yaml": prompt_yaml(content="Hi")})
    with running(prompts.parent, "serve", "--port", "0", "--mode", "production") as (process, wait_for):
        url = address(wait_for)
        wait_for("asks for a key")
        assert {"prompt": {"version": 1}, "serverInfo": {"mode": "production"}} == ask(url, key)
        assert 401 == httpx.post(url, json=QUERY, timeout=PATIENCE_S).status_code
        query = {"query": '{ prompt(name: "new") { version } }'}
        found = httpx.post(url, json=query, headers=bearing(key), timeout=PATIENCE_S)
        assert {"prompt": None} == found.json()["data"]
        process.terminate()
        assert 0 == process.wait(PATIENCE_S)


def test_takes_files_that_travel(prompts: Path, cli: Command, answer: Answer) -> None:
    """A sync through a server prints the plan that a sync of its database would, refusals included."""
    url = ("--database-url", "sqlite:///served.db")
    cli("db", "upgrade", *url)
    keys = {
        scope: answer("keys", "create", "--name", "ci", "--scope", scope, *url)["secret"]
        for scope in ("sync", "record")
    }
    expected = answer("sync", "--dry-run", *url)
    with running(prompts.parent, "serve", "--port", "0", "--mode", "production", *url) as (process, wait_for):
        at = ("--server", address(wait_for))
        assert "API key" in cli("sync", *at, code=1).stderr
        assert (
            "lacks a scope that this needs: sync"
            in cli("sync", *at, "--api-key", keys["record"], code=1).stderr
        )
        server = (*at, "--api-key", keys["sync"])
        assert expected == answer("sync", "--dry-run", *server)
        assert 2 == answer("sync", *server)["run"]["added"]
        edit(prompts / ANSWER, "You answer", "You always answer")
        refused = answer("sync", *server, code=1)
        assert answer("sync", *url, code=1) == refused
        assert "SYNC_CONFLICT" == refused["error"]["code"]
        edit(prompts / "labels.yaml", "answer: 1", "answer: 9")
        assert cli("sync", *url, code=1).output == cli("sync", *server, code=1).output
        process.terminate()
        assert 0 == process.wait(PATIENCE_S)


def test_serves_with_several_workers(prompts: Path) -> None:
    """Options reach every worker, though those read the environment."""
    words = ("serve", "--port", "0", "--workers", "2", "--database-url", "sqlite:///other.db")
    with running(prompts.parent, *words) as (process, wait_for):
        assert {"prompt": {"version": 1}, "serverInfo": {"mode": "development"}} == ask(address(wait_for))
        process.terminate()
        assert 0 == process.wait(PATIENCE_S)
    assert (prompts.parent / "other.db").is_file()


@pytest.mark.usefixtures("prompts")
def test_names_the_option_when_the_port_is_in_use(cli: Command) -> None:
    """Busy: exit code 75, and which option to give."""
    with listen("127.0.0.1", 0) as sock:
        port = sock.getsockname()[1]
        result = cli("serve", "--port", str(port), code=75)
    assert f"error: Port {port} is in use; name another with --port.\n" == result.stderr


@pytest.mark.usefixtures("prompts")
@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["--host", "192.0.2.1"], 2, "development mode"),
        (["--mode", "production", "--port", "0"], 75, "Run: promptgraph db upgrade"),
        (["--database-url", "postgresql://nobody:secret@127.0.0.1:9/x", "--port", "0"], 75, "out of reach"),
        (["--host", "192.0.2.1", "--mode", "production", "--port", "0"], 2, "Cannot listen on"),
        (["--workers", "0"], 2, "--workers must be a whole number from 1 to 64."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_says_why_it_does_not_start(cli: Command, words: list[str], code: int, expected: str) -> None:
    """What stands in the way is one sentence, before anything is served."""
    result = cli("serve", *words, code=code)
    assert expected in result.stderr
    assert "secret" not in result.output


@pytest.mark.usefixtures("prompts")
def test_does_not_start_in_production_without_a_key(cli: Command, answer: Answer) -> None:
    """Migrated is not enough; a key that was revoked is none. The sentence says which command to run."""
    cli("db", "upgrade")
    key = answer("keys", "create", "--name", "gone", "--scope", "read")["publicId"]
    cli("keys", "revoke", key)
    result = cli("serve", "--mode", "production", "--port", "0", code=75)
    assert "Run: promptgraph keys create --name NAME --scope read" in result.stderr


def test_serves_though_a_file_is_broken(prompts: Path) -> None:
    """In development the server starts with what the registry has, and says what is wrong."""
    write_tree(prompts, {"a.prompt.yaml": "version: 1\n"})
    with running(prompts.parent, "serve", "--port", "0") as (process, wait_for):
        wait_for("prompts/a.prompt.yaml")
        assert {"prompt": None, "serverInfo": {"mode": "development"}} == ask(address(wait_for))
        process.terminate()
        assert 0 == process.wait(PATIENCE_S)


def test_demo_is_ready_to_look_at(here: Path) -> None:
    """From an empty folder: prompts, a database, a server, three things to try; a second one beside it."""
    with listen("127.0.0.1", 0) as sock:
        port = str(sock.getsockname()[1])
    with running(here, "demo", "--port", port) as (first, wait_for):
        wait_for("There was no folder prompts; a small one was started.")
        url = address(wait_for)
        assert url.endswith(f":{port}/graphql")
        wait_for("  1. Open")
        wait_for("  2. Change a message in prompts, then: promptgraph sync\n")
        wait_for("  3. See")
        assert {"prompt": {"version": 1}, "serverInfo": {"mode": "development"}} == ask(url)
        with running(here, "demo", "--port", port) as (second, wait_too):
            wait_too(f"Port {port} is in use, so this is port ")
            assert {"prompt": {"version": 1}, "serverInfo": {"mode": "development"}} == ask(address(wait_too))
            second.terminate()
            assert 0 == second.wait(PATIENCE_S)
        first.terminate()
        assert 0 == first.wait(PATIENCE_S)


@pytest.mark.usefixtures("here")
def test_gives_other_processes_its_settings() -> None:
    """What was loaded is loaded again from the variables, secrets included."""
    secrets = {"api_key": "secret", "content": "hashed", "content_key": "k" * 32}
    settings = load(port=1, prompts_dir="x", allow_get=True, **secrets)
    given = {
        name.removeprefix("PROMPTGRAPH_").lower(): value for name, value in environment(settings).items()
    }
    assert settings == load(**given)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_file_that_is_wrong_is_said_once(prompts: Path, workers: str) -> None:
    """One sentence and no start, however many workers would have read it."""
    (prompts.parent / "documents.json").write_text('{"a": "{nothing}"}')
    settings = {"PROMPTGRAPH_TRUSTED_DOCUMENTS": "documents.json"}
    with running(prompts.parent, "serve", "--port", "0", "--workers", workers, **settings) as (
        process,
        wait_for,
    ):
        wait_for("error: The trusted documents of documents.json are refused: a, line 1, column 2:")
        assert 2 == process.wait(PATIENCE_S)
