"""A sync through a server: what travels, and what each answer means."""

import datetime as dt
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from promptgraph.cli.remote import Request, sync_over_http
from promptgraph.client.address import Server
from promptgraph.domain.errors import (
    ForbiddenError,
    InvalidInputError,
    PromptFilesError,
    PromptgraphError,
    StoreUnavailableError,
    SyncConflictError,
)
from promptgraph.domain.registry import SyncAction, SyncOrigin
from promptgraph.domain.tree import Place
from promptgraph.files.read import SourceFile
from promptgraph.sync.apply import Options, Outcome

AT = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
FILES = [SourceFile("a.prompt.yaml", b"version: 1\n", commit_sha="c1", author="Ada", committed_at=AT)]
STEP = {
    "action": "ADD",
    "kind": "prompt",
    "name": "a",
    "version": 1,
    "sentence": "New.",
    "impact": None,
    "path": None,
}
RUN = {
    "source": "default",
    "commitSha": "c1",
    "startedAt": "2026-11-23T12:00:00Z",
    "finishedAt": "2026-11-23T12:00:01Z",
    "added": 1,
    "moved": 0,
    "retired": 0,
    "unchanged": 0,
}
GOOD = {"plan": [STEP], "problems": [], "run": RUN, "errors": []}


@dataclass
class Fake:
    """A server that gives one answer to everything and remembers what it was asked."""

    url: str
    asked: list[tuple[dict[str, str], Any]] = field(default_factory=list)


@contextmanager
def answering(status: int, body: bytes, content_type: str = "application/json") -> Iterator[Fake]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            fake.asked.append((dict(self.headers), json.loads(raw)))
            self.send_response(status)
            self.send_header("content-type", content_type)
            self.send_header("location", "https://elsewhere.example/graphql")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """No words about requests in the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake = Fake(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer(payload: object) -> bytes:
    return json.dumps({"data": {"syncPrompts": payload}}).encode()


async def sync(url: str, key: str | None = None, options: Options | None = None) -> Outcome:
    origin = SyncOrigin(source="web", commit_sha="c1", sequence=7, author="Ada", committed_at=AT)
    return await sync_over_http(Server.at(url, key), Request(FILES, origin, options or Options()))


async def test_sends_files_with_their_facts() -> None:
    """Texts, commits, source and options travel; the key is a header."""
    with answering(200, answer(GOOD)) as fake:
        await sync(fake.url, "secret", Options(dry_run=True))
    headers, body = fake.asked[0]
    assert "Bearer secret" == headers["authorization"]
    expected = {
        "files": [
            {
                "path": "a.prompt.yaml",
                "text": "version: 1\n",
                "commitSha": "c1",
                "author": "Ada",
                "committedAt": "2026-11-23T12:00:00Z",
            }
        ],
        "dryRun": True,
        "force": False,
        "source": "web",
        "commitSha": "c1",
        "sequence": 7,
        "author": "Ada",
        "committedAt": "2026-11-23T12:00:00Z",
        "url": None,
    }
    assert expected == body["variables"]["input"]


async def test_reads_the_plan_as_a_database_gives_it() -> None:
    """Steps and the run are the same records as after a sync of the database."""
    with answering(200, answer(GOOD)) as fake:
        outcome = await sync(fake.url)
    assert (SyncAction.ADD, "a", 1, "New.") == (
        outcome.steps[0].action,
        outcome.steps[0].name,
        outcome.steps[0].version,
        outcome.steps[0].sentence,
    )
    assert outcome.run is not None
    assert ("default", AT, 1) == (outcome.run.origin.source, outcome.run.started_at, outcome.run.added)
    assert outcome.error is None


async def test_reads_a_refusal() -> None:
    """The payload's error becomes the error that a database would give."""
    payload = GOOD | {
        "run": None,
        "errors": [{"code": "SYNC_CONFLICT", "message": "a: run: promptgraph bump a"}],
    }
    with answering(200, answer(payload)) as fake:
        outcome = await sync(fake.url)
    assert isinstance(outcome.error, SyncConflictError)
    assert (None, "a: run: promptgraph bump a") == (outcome.run, str(outcome.error))


async def test_reads_problems() -> None:
    """Problems of files keep their place, hint and weight, and are findings rather than wrong usage."""
    problem = {
        "path": "a.prompt.yaml",
        "line": 1,
        "column": 2,
        "message": "No.",
        "hint": "Yes.",
        "warning": False,
    }
    payload = {
        "plan": [],
        "problems": [problem],
        "run": None,
        "errors": [{"code": "INVALID_INPUT", "message": "1 problem."}],
    }
    with answering(200, answer(payload)) as fake:
        outcome = await sync(fake.url)
    assert Place("a.prompt.yaml", 1, 2) == outcome.problems[0].place
    assert isinstance(outcome.error, PromptFilesError)


GARBAGE = {
    "no JSON": b"<html>hello</html>",
    "nothing": b"",
    "scalar": b"1",
    "list": b"[]",
    "empty object": b"{}",
    "no data": b'{"data": null}',
    "other data": b'{"data": {"hello": "world"}}',
    "plan is text": answer(GOOD | {"plan": "x"}),
    "step without action": answer(GOOD | {"plan": [{}]}),
    "unknown action": answer(GOOD | {"plan": [STEP | {"action": "DANCE"}]}),
    "name is a number": answer(GOOD | {"plan": [STEP | {"name": 1}]}),
    "run is a list": answer(GOOD | {"run": []}),
    "no instant": answer(GOOD | {"run": RUN | {"startedAt": "today"}}),
    "errors are text": b'{"errors": "no"}',
    "error is text": b'{"errors": ["no"]}',
    "no UTF-8": b"\xff\xfe",
    "very deep": b"[" * 100_000,
}


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE.keys())
async def test_refuses_garbage(body: bytes) -> None:
    """What no promptgraph server says is refused in words, never with a traceback."""
    words = "does not answer as a promptgraph server does"
    with answering(200, body) as fake, pytest.raises(InvalidInputError, match=words) as caught:
        await sync(fake.url)
    assert "server" == caught.value.field


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (301, InvalidInputError, "redirect to https://elsewhere.example/graphql"),
        (401, ForbiddenError, "refuses the API key"),
        (403, ForbiddenError, "forbids this"),
        (404, InvalidInputError, "no GraphQL there"),
        (413, InvalidInputError, "too large"),
        (429, StoreUnavailableError, "busy"),
        (500, InvalidInputError, "does not answer as a promptgraph server does"),
        (502, StoreUnavailableError, "behind its proxy"),
        (503, StoreUnavailableError, "unavailable"),
    ],
)
async def test_reads_a_status_where_the_body_says_nothing(
    status: int, error: type[PromptgraphError], words: str
) -> None:
    """A proxy's page is understood by its status."""
    with answering(status, b"<html></html>", "text/html") as fake, pytest.raises(error, match=words):
        await sync(fake.url)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("UNAVAILABLE", StoreUnavailableError),
        ("FORBIDDEN", ForbiddenError),
        ("INVALID_INPUT", InvalidInputError),
        ("SOMETHING_NEW", PromptgraphError),
    ],
)
async def test_reads_an_error_of_the_whole_request(code: str, error: type[PromptgraphError]) -> None:
    """A top-level error is raised with its own sentence, whatever the status."""
    extensions = {"code": code, "retryable": error is StoreUnavailableError}
    body = json.dumps({"errors": [{"message": "Not now.", "extensions": extensions}]}).encode()
    with answering(503, body) as fake, pytest.raises(error, match=r"^Not now\.$"):
        await sync(fake.url)


async def test_says_that_nobody_answers() -> None:
    """A server that does not run is unavailable: exit code 75, try again."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        with pytest.raises(StoreUnavailableError, match="out of reach"):
            await sync(url)


@contextmanager
def silent() -> Iterator[str]:
    """A server that takes a connection and says nothing; closing it breaks the connection off."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"


async def test_says_that_a_late_sync_may_be_applied() -> None:
    """No answer in time is no proof that nothing was done."""
    with (
        silent() as url,
        pytest.raises(StoreUnavailableError, match="in time. It may have applied") as caught,
    ):
        await sync_over_http(Server.at(url, "secret"), Request(FILES, SyncOrigin(), Options()), 0.2)
    assert "run it again" in str(caught.value)


async def test_never_repeats_the_key() -> None:
    """A header that cannot be sent is not told in the words of the library, which quote it."""
    with silent() as url, pytest.raises(PromptgraphError) as caught:
        await sync(url, "secret\nkey")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://localhost:8000", "http://localhost:8000/graphql"),
        ("http://localhost:8000/", "http://localhost:8000/graphql"),
        ("https://example.com/graphql", "https://example.com/graphql"),
        ("https://example.com/prompts/graphql/?x=1", "https://example.com/prompts/graphql"),
    ],
)
def test_finds_the_endpoint(address: str, expected: str) -> None:
    """The server's address or its endpoint's, both will do."""
    assert expected == Server.at(address).url


@pytest.mark.parametrize(
    ("address", "key", "expected"),
    [
        ("http://example.com", "k", True),
        ("http://example.com", None, False),
        ("https://example.com", "k", False),
        ("http://127.0.0.1:8000", "k", False),
        ("http://[::1]:8000", "k", False),
    ],
)
def test_knows_where_a_key_could_be_read(address: str, key: str | None, *, expected: bool) -> None:
    """A key over plain HTTP to another machine is worth a warning."""
    assert expected is Server.at(address, key).is_exposed


@pytest.mark.parametrize(
    "address",
    [
        "localhost:8000",
        "ftp://x",
        "http://",
        "",
        "http://user:secret@example.com",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:http/",
        "http://two words/",
        "http://a\nb/",
        f"http://{'x' * 64}.example/",
    ],
    ids=lambda address: address[:30] or "empty",
)
def test_refuses_what_is_no_address(address: str) -> None:
    """A wrong address is wrong usage, and a password in it is not repeated."""
    with pytest.raises(InvalidInputError) as caught:
        Server.at(address)
    assert "secret" not in str(caught.value)
