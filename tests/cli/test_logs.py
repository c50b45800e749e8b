"""The log: one line a message, in both forms, and nothing in it that clients sent or that is a secret."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from promptgraph.cli.logs import FORMATS, log_config
from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.domain.visit import CURRENT, Visit
from tests.cli.processes import PATIENCE_S, running

HIDDEN = "s3cr3t-value"
ASKS = f'query Secretive($t: JSON) {{ render(name: "{HIDDEN}", variables: $t) {{ text }} }} # {HIDDEN}'


@pytest.fixture
def visit() -> Iterator[Visit]:
    """A request under way."""
    made = Visit(b"r-1", operation="Hello", key="pk1", user="ada")
    token = CURRENT.set(made)
    yield made
    CURRENT.reset(token)


def written(
    form: str, message: str, *args: object, error: BaseException | None = None, name: str = "x"
) -> str:
    """What the log has of a message."""
    made = FORMATS[form]
    formatter: logging.Formatter = made["()"](made.get("format"))
    problem = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord(name, logging.WARNING, __file__, 1, message, args, problem)
    return formatter.format(record)


def failure() -> BaseException:
    """What a mistake in the code raises while it handles a refusal of the database."""
    try:
        try:
            raise StoreUnavailableError("The database is out of reach.")  # noqa: TRY301  # as it happens
        except StoreUnavailableError:
            raise ValueError(HIDDEN)  # noqa: B904  # as it happens
    except ValueError:
        return sys.exception() or AssertionError()


def test_json_says_what_is_known(visit: Visit) -> None:
    """An object a line: when, how grave, who says it, and which request it is about."""
    del visit
    said = json.loads(written("json", "It is %s.", "late\nnow"))
    assert said.pop("time").endswith("Z")
    assert {
        "level": "warning",
        "logger": "x",
        "message": "It is late\\nnow.",
        "request_id": "r-1",
        "operation": "Hello",
        "key": "pk1",
        "user": "ada",
    } == said


def test_text_names_the_request(visit: Visit) -> None:
    """Its id stands at the end; outside of requests there is none."""
    del visit
    assert "WARNING x: late (request r-1)" == written("text", "late")
    CURRENT.set(Visit())
    assert "WARNING x: late" == written("text", "late")


@pytest.mark.parametrize("form", FORMATS)
def test_an_error_says_where_and_not_what(form: str) -> None:
    """What it says may quote a value; its kind and its place do not."""
    said = written(form, "It failed.", error=failure())
    assert HIDDEN not in said
    for words in ("ValueError", "StoreUnavailableError: The database is out of reach.", Path(__file__).name):
        assert words in said


@pytest.mark.parametrize("form", FORMATS)
def test_what_asyncio_quotes_is_left_out(form: str) -> None:
    """Its first line says what happened; the next ones repeat the error."""
    said = written(form, f"Task exception was never retrieved\nfuture: <Task {HIDDEN}>", name="asyncio")
    assert HIDDEN not in said
    assert "Task exception was never retrieved" in said


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
@pytest.mark.parametrize("form", FORMATS)
def test_requests_have_a_line_where_somebody_reads_them(form: str, level: str) -> None:
    """In JSON with `info`, in text with `debug`; never what uvicorn repeats of clients."""
    loggers = log_config(level, form)["loggers"]
    heard = logging.getLevelNamesMapping()[loggers["promptgraph.access"]["level"]] <= logging.INFO
    assert heard == (level == "debug" or (form, level) == ("json", "info"))
    assert loggers["uvicorn"]["level"] in ("INFO", "WARNING")


def sent(url: str) -> list[str]:
    """Secrets, in all places where a client may put one; the ids of the answers."""
    with httpx.Client(timeout=PATIENCE_S, headers={"authorization": f"Bearer pg_{HIDDEN}"}) as web:
        answers = [
            web.post(url, json={"query": ASKS, "variables": {"t": {"ticket": HIDDEN}}}),
            web.post(url, json={"query": "query Hello{__typename}", "variables": {"a": HIDDEN}}),
            web.post(url, content=f'{{"{HIDDEN}'),
            web.post(url, json={"query": f"{{ {HIDDEN.replace('-', '_')} }}"}),
            web.get(f"{url}?query={HIDDEN}"),
            web.get(url.replace("graphql", HIDDEN)),
            web.post(url, json={"query": "{__typename}"}, headers={"x-request-id": f'"{HIDDEN}"'}),
            web.post(url.replace("graphql", "v1/traces"), content=HIDDEN),
        ]
    return [answer.headers["x-request-id"] for answer in answers]


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("form", FORMATS)
def test_no_line_holds_a_secret(prompts: Path, form: str) -> None:
    """Not with `debug` either; each request has its line, with its id, and in JSON what became of it."""
    settings = {"PROMPTGRAPH_LOG_FORMAT": form, "PROMPTGRAPH_LOG_LEVEL": "debug"}
    with running(prompts.parent, "serve", "--port", "0", **settings) as (process, wait_for):
        url = wait_for(" serves ").split(" serves ")[1].strip()
        wait_for("stops it")
        ids = sent(url)
        lines = [wait_for(id_) for id_ in ids]
        process.terminate()
        assert 0 == process.wait(PATIENCE_S)
        with pytest.raises(AssertionError, match="never came") as everything:
            wait_for("no such line")
    assert HIDDEN not in str(everything.value)
    assert HIDDEN.replace("-", "_") not in str(everything.value)
    assert len(set(ids)) == len(lines)
    if form == "json":
        said: list[dict[str, Any]] = [json.loads(line) for line in lines]
        assert ["Secretive", "Hello"] == [line["operation"] for line in said[:2]]
        assert {"place": "/graphql", "status": 200, "kind": "data", "path": "fast"}.items() <= said[1].items()
        assert ["INVALID_INPUT"] == said[2]["codes"]
        assert all(line["duration_ms"] > 0 for line in said)
