"""Phoenix and MLflow: how fast recordings are safe in their databases, and how fast they hand out a prompt.

Both take the same calls as we do, as OTLP spans in batches of 100. What counts is when the last of them is in
the database, for Phoenix answers before it has stored them.
"""

from __future__ import annotations

import http.client
import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from bench.contestants import MLFLOW, PHOENIX, mlflow, phoenix
from bench.filling import content
from bench.load import Ask, Load, LoadError, offered
from bench.peers import NoPeerError
from bench.reading import LIGHT, Figures, Key, Pace
from bench.recording import MODELS
from bench.served import NotServingError, Served, calm
from bench.writing import BATCHES

FETCH = "a prompt by name and label"
PROMPTS, VERSIONS, PRODUCTION = 20, 5, 4
DRAIN_S = 90.0
LOOK_S = 0.05
TIMEOUT_S = 120.0


class PeerFailedError(Exception):
    """A peer could not be measured; the message says why."""


class Peer(NamedTuple):
    """How a peer is started, its database's file, where it counts spans, and what it is asked and sent."""

    serve: Callable[[Path, int | None], AbstractContextManager[Served]]
    file: str
    headers: Callable[[httpx.Client], Mapping[str, str]]
    stock: Callable[[httpx.Client], None]
    ask: Ask


TEXT = str(content(0, PRODUCTION).messages[0].content)


def stock_phoenix(client: httpx.Client) -> None:
    for number in range(PROMPTS):
        for version in range(1, VERSIONS + 1):
            message = {"role": "system", "content": f"{TEXT}{version}"}
            made = client.post(
                "/v1/prompts",
                json={
                    "prompt": {"name": f"prompt-{number}"},
                    "version": {
                        "model_provider": "OPENAI",
                        "model_name": "gpt-5-mini",
                        "template_type": "CHAT",
                        "template_format": "MUSTACHE",
                        "template": {"type": "chat", "messages": [message]},
                        "invocation_parameters": {"type": "openai", "openai": {"temperature": 0.0}},
                    },
                },
            ).raise_for_status()
            if version == PRODUCTION:
                path = f"/v1/prompt_versions/{made.json()['data']['id']}/tags"
                client.post(path, json={"name": "production"}).raise_for_status()


REGISTRY = "/api/2.0/mlflow"
IS_PROMPT = {"key": "mlflow.prompt.is_prompt", "value": "true"}


def stock_mlflow(client: httpx.Client) -> None:
    def post(path: str, **body: Any) -> None:
        answer = client.post(f"{REGISTRY}/{path}", json=body)
        if answer.is_error:
            raise PeerFailedError(answer.text)

    for number in range(PROMPTS):
        name = f"prompt-{number}"
        post("registered-models/create", name=name, tags=[IS_PROMPT])
        for version in range(1, VERSIONS + 1):
            text = {"key": "mlflow.prompt.text", "value": f"{TEXT}{version}"}
            post("model-versions/create", name=name, source="prompt-template", tags=[IS_PROMPT, text])
        post("registered-models/alias", name=name, alias="production", version=str(PRODUCTION))


def experiment(client: httpx.Client) -> dict[str, str]:
    made = client.post(f"{REGISTRY}/experiments/create", json={"name": "bench"}).raise_for_status()
    return {"x-mlflow-experiment-id": made.json()["experiment_id"]}


def _fetched(path: str) -> Ask:
    paths = tuple(path.format(quote(f"prompt-{number}")) for number in range(PROMPTS))
    return Ask(paths=paths, method="GET", expect="You are a careful assistant", times=2)


PEERS: Mapping[str, Peer] = {
    PHOENIX: Peer(
        phoenix, "phoenix.db", lambda _: {}, stock_phoenix, _fetched("/v1/prompts/{}/tags/production")
    ),
    MLFLOW: Peer(
        mlflow,
        "mlflow.db",
        experiment,
        stock_mlflow,
        _fetched(REGISTRY + "/registered-models/alias?name={}&alias=production"),
    ),
}
"""Each keeps its spans in a table `spans`."""


def _said(name: str, value: str | int) -> KeyValue:
    held = AnyValue(string_value=value) if isinstance(value, str) else AnyValue(int_value=value)
    return KeyValue(key=name, value=held)


def span(place: int, now: int) -> Span:
    """A call as bench/recording.py has it, in OpenTelemetry's words."""
    facts: dict[str, str | int] = {
        "openinference.span.kind": "LLM",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": MODELS[place % 3],
        "gen_ai.usage.input_tokens": 600 + place % BATCHES.size,
        "gen_ai.usage.output_tokens": 150,
        "gen_ai.prompt.name": "support/triage",
    }
    return Span(
        trace_id=os.urandom(16),
        span_id=os.urandom(8),
        name="chat",
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=now - 812_500_000,
        end_time_unix_nano=now,
        status=Status(code=Status.STATUS_CODE_OK),
        attributes=[_said(name, value) for name, value in facts.items()],
    )


def requests(count: int) -> Iterator[bytes]:
    """OTLP bodies that hold so many spans, BATCHES.size in each."""
    now = time.time_ns()
    for start in range(0, count, BATCHES.size):
        spans = [span(start + place, now) for place in range(BATCHES.size)]
        scopes = [ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])]
        yield ExportTraceServiceRequest(resource_spans=scopes).SerializeToString()


def send(port: int, bodies: list[bytes], headers: Mapping[str, str]) -> list[int]:
    """The statuses of the answers; BATCHES.clients send at once, and send again what is refused for now."""
    left, lock, statuses = iter(bodies), threading.Lock(), []

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        while True:
            with lock:
                if (body := next(left, None)) is None:
                    break
            while True:
                said = {"content-type": "application/x-protobuf", **headers}
                connection.request("POST", "/v1/traces", body, said)
                answer = connection.getresponse()
                answer.read()
                if answer.status not in (429, 503):
                    break
                time.sleep(LOOK_S)
            statuses.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(BATCHES.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def stored(file: Path) -> int:
    """How many spans are committed."""
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)
    try:
        return int(connection.execute("SELECT count(*) FROM spans").fetchone()[0])
    finally:
        connection.close()


def ingested(served: Served, file: Path, count: int, headers: Mapping[str, str]) -> float:
    """Spans a second, until the last of them is in the database.

    raises  PeerFailedError  they did not all come in time
    """
    bodies, before = list(requests(count)), stored(file)
    began = time.perf_counter()
    statuses = send(served.port, bodies, headers)
    while (there := stored(file) - before) < count:
        if time.perf_counter() - began > DRAIN_S:
            said = f"{there} of {count} spans were stored within {DRAIN_S:.0f} s"
            raise PeerFailedError(f"{said}, after answers {set(statuses)}")
        time.sleep(LOOK_S)
    return count / (time.perf_counter() - began)


def trace(name: str, pace: Pace, cores: tuple[int | None, int | None], count: int, into: Figures) -> None:
    """One of PEERS by itself: two would wait for each other's work in the background.

    raises  PeerFailedError  it is not installed, did not start, or did not do what it is there for
    """
    peer = PEERS[name]
    try:
        with (
            tempfile.TemporaryDirectory(prefix="promptgraph-bench-", ignore_cleanup_errors=True) as folder,
            peer.serve(Path(folder), cores[0]) as served,
            httpx.Client(base_url=f"http://127.0.0.1:{served.port}", timeout=TIMEOUT_S) as client,
        ):
            peer.stock(client)
            headers = peer.headers(client)
            for _ in pace.turns():
                calm([served])
                load = Load(served.port, peer.ask, LIGHT, pace.light_s, pace.warm_up_s)
                into[Key(name, "", FETCH)].add(offered(load, cores[1]))
                rate = ingested(served, Path(folder) / peer.file, count, headers)
                into[Key(name, "", BATCHES.words)].rates.append(rate)
    except (OSError, httpx.HTTPError, sqlite3.Error, LoadError, NoPeerError, NotServingError) as error:
        raise PeerFailedError(str(error)[:300]) from error
