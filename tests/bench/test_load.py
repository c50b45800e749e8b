"""The load generator: what it sends, what it takes for an answer, and what it counts."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from uuid import UUID

import pytest

from bench.load import FRESH, Ask, Load, LoadError, driven, fresh_ids, requests, whole

RIGHT = b"HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{"
REST = b'"data": "ab"}\n'


class Seen(socketserver.ThreadingTCPServer):
    """Gives every request one answer, in two pieces, and keeps what it was sent."""

    allow_reuse_address, daemon_threads = True, True
    answer: tuple[bytes, bytes]
    requests: list[bytes]


class Answering(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Seen)
        while data := self.request.recv(65536):
            self.server.requests.append(data)
            for piece in self.server.answer:
                self.request.sendall(piece)


@contextmanager
def answering(*pieces: bytes) -> Iterator[Seen]:
    with Seen(("127.0.0.1", 0), Answering) as server:
        server.answer, server.requests = (pieces[0], b"".join(pieces[1:])), []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def load(server: Seen, ask: Ask, clients: int = 3) -> Load:
    return Load(server.server_address[1], ask, clients, 0.1)


def test_every_answer_is_counted() -> None:
    """As many requests are found as were sent, each with its time, and answers in pieces are whole."""
    with answering(RIGHT, REST) as server:
        found = driven(load(server, Ask(bodies=("{}",), expect='"ab"', noted="data")))
    assert len(server.requests) == found.requests == found.noted > 3
    assert 0 < found.p50_ms <= found.p99_ms
    assert found.requests / found.seconds == found.rate


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param((RIGHT.replace(b"200", b"500"), REST), id="status"),
        pytest.param((RIGHT, REST.replace(b"ab", b"cd")), id="not what is expected"),
    ],
)
def test_a_wrong_answer_ends_the_run(pieces: tuple[bytes, bytes]) -> None:
    """Nothing is measured of a server that fails."""
    with answering(*pieces) as server, pytest.raises(LoadError, match="wrong answer"):
        driven(load(server, Ask(bodies=("{}",), expect='"ab"')))


def test_graphql_errors_are_wrong_answers() -> None:
    """An answer that holds errors is none, whatever its status is."""
    body = b'{"errors":[{"message":"no"}]}'
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)
    with answering(head, body) as server, pytest.raises(LoadError, match="wrong answer"):
        driven(load(server, Ask(bodies=("{}",))))


def test_bodies_and_paths_come_in_turn() -> None:
    """Requests go through all of them, again and again, with the length of their bodies."""
    found = [b"".join(each) for each in islice(requests(Ask(bodies=("a", "bcd"), paths=("/x", "/y"))), 3)]
    assert [b"POST /x ", b"POST /y ", b"POST /x "] == [each[:8] for each in found]
    assert [b"1\r\n\r\na", b"3\r\n\r\nbcd"] == [each.partition(b"Content-Length: ")[2] for each in found[:2]]


def test_every_recording_has_ids_of_its_own() -> None:
    """Each place for an id is filled, with a UUID that no other request has, and the length is right."""
    with answering(RIGHT, REST) as server:
        driven(load(server, Ask(bodies=(f"[{FRESH},{FRESH}]",)), clients=1))
    bodies = [each.partition(b"\r\n\r\n")[2] for each in server.requests]
    ids = [word for each in bodies for word in each.decode().strip("[]").split(",")]
    assert len(ids) == len({UUID(word) for word in ids}) == 2 * len(bodies)
    assert {len(bodies[0])} == {len(each) for each in bodies}
    assert f"Content-Length: {len(bodies[0])}\r\n".encode() in server.requests[0]


def test_fresh_ids_rise() -> None:
    """They are of version 7, in the order of their making."""
    ids = [UUID(each.decode()) for each in islice(fresh_ids(), 300)]
    assert {7} == {each.version for each in ids}
    assert sorted(ids) == ids


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", False, id="head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", False, id="body begins"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", True, id="whole"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n1\r\na\r\n", False, id="chunk"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n1\r\na\r\n0\r\n\r\n", True, id="last chunk"),
    ],
)
def test_an_answer_ends_where_it_says(data: bytes, expected: bool) -> None:  # noqa: FBT001  # parametrised
    """By its length, or by its last chunk."""
    assert expected is whole(data)
