"""A load generator: some connections, each of which sends its next request once it has its last answer.

It is a process of its own (`offered` starts it) with bare sockets, about as cheap as wrk. `busy` of what it
found says for how much of the time it worked itself: near 1, it was the limit, and not the server.
"""

from __future__ import annotations

import json
import os
import select
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import count, cycle

FRESH = "{id}"
"""Stands in a body for an id that no other request has."""
LARGEST = 1 << 20
BUSY = 0.9
"""A generator that worked for more of the time was the limit."""
PATIENCE_S = 60.0
"""How long an answer is waited for. A request that was left alone would go on in the server, and slow down
whoever is measured next.
"""


class LoadError(Exception):
    """An answer was wrong, or none came; the message shows it."""


@dataclass(frozen=True)
class Ask:
    """What is sent: bodies and paths in turn. `expect` is found in each right answer, `times` times; answers
    that hold `noted` are right, too, and counted.
    """

    bodies: tuple[str, ...] = ("",)
    paths: tuple[str, ...] = ("/graphql",)
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)
    expect: str = ""
    times: int = 1
    noted: str = ""


@dataclass(frozen=True)
class Load:
    """`ask` by so many connections at once, for so long after a warm-up."""

    port: int
    ask: Ask
    clients: int
    seconds: float
    warm_up: float = 0.0


@dataclass(frozen=True)
class Found:
    """What came of a load. `busy`: the share of the time that the generator itself worked. `noted`: how many
    answers held what was to be noted.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    busy: float
    noted: int = 0

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def offered(load: Load, core: int | None = None) -> Found:
    """What a generator of its own found, which ran on that core.

    raises  LoadError  an answer was wrong, or the generator did not end in time
    """
    words = [sys.executable, "-m", "bench.load", "" if core is None else str(core)]
    limit = load.seconds + load.warm_up + PATIENCE_S + 10
    try:
        done = subprocess.run(  # noqa: S603  # this module
            words, input=json.dumps(asdict(load)), capture_output=True, text=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LoadError(f"The load did not end within {limit:.0f} s.") from error
    if done.returncode:
        raise LoadError(done.stderr.strip().rpartition("\n")[2])
    return Found(**json.loads(done.stdout))


def requests(ask: Ask) -> Iterator[list[bytes]]:
    """The requests without end, each in its pieces: between two of them belongs a fresh id."""
    count = max(len(ask.bodies), len(ask.paths))
    both = zip(range(count), cycle(ask.bodies), cycle(ask.paths), strict=False)
    return cycle([_pieces(ask, body, path) for _, body, path in both])


def _pieces(ask: Ask, body: str, path: str) -> list[bytes]:
    length = len(body.encode()) + body.count(FRESH) * (36 - len(FRESH))
    headers = {"Host": "127.0.0.1", "Content-Type": "application/json", "Accept": "*/*"} | ask.headers
    if ask.method != "GET":
        headers["Content-Length"] = str(length)
    lines = [f"{ask.method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode().split(FRESH.encode())


def fresh_ids() -> Iterator[bytes]:
    """UUIDs of version 7, rising."""
    millis, chance = time.time_ns() // 1_000_000, os.urandom(3).hex()
    head = f"{millis >> 16:08x}-{millis & 0xFFFF:04x}-7{chance[:3]}-8{chance[3:]}-".encode()
    return (head + b"%012x" % number for number in count())


def whole(data: bytes) -> bool:
    """Whether these bytes are an answer to its end."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = data[:end].lower()
    at = head.find(b"content-length:")
    if at < 0:
        return data.endswith(b"0\r\n\r\n")
    return len(data) - end - 4 >= int(head[at + 15 :].split(b"\r\n", 1)[0])


def checks(ask: Ask) -> Callable[[bytes], bool]:
    """Says whether an answer is right: HTTP 200, no GraphQL errors, and what is expected is there."""
    expect = ask.expect.encode()
    if not expect:
        return lambda answer: answer.startswith(b"HTTP/1.1 200") and b'"errors":[{' not in answer
    return lambda answer: answer.startswith(b"HTTP/1.1 200") and answer.count(expect) == ask.times


@dataclass
class Connection:
    """A socket with one request under way: when it was sent, and what came of its answer so far."""

    sock: socket.socket
    sent_at: float = 0.0
    got: bytes = b""


class Driver:
    """Connections that are kept busy with what `asked` gives."""

    def __init__(self, load: Load) -> None:
        self._asked, self._ids, self._right = requests(load.ask), fresh_ids(), checks(load.ask)
        self._noted = load.ask.noted.encode()
        self._poll = select.epoll()
        self._connections: dict[int, Connection] = {}
        for _ in range(load.clients):
            sock = socket.create_connection(("127.0.0.1", load.port), PATIENCE_S)
            self._connections[sock.fileno()] = Connection(sock)
            self._poll.register(sock.fileno(), select.EPOLLIN)

    def close(self) -> None:
        self._poll.close()
        for connection in self._connections.values():
            connection.sock.close()

    def run(self, seconds: float) -> Found:
        """What came of so many seconds, and of the time that the last answers then took: they count, too.

        raises  LoadError  an answer was wrong, or none came
        """
        began, worked = time.perf_counter(), time.process_time()
        ends = began + seconds
        for connection in self._connections.values():
            self._send(connection, began)
        took: list[float] = []
        left, noted = len(self._connections), 0
        while left:
            for connection in self._answered():
                at = time.perf_counter()
                if self._noted and self._noted in connection.got:
                    noted += 1
                took.append(at - connection.sent_at)
                if at < ends:
                    self._send(connection, at)
                else:
                    left -= 1
        elapsed = time.perf_counter() - began
        return _found(took, elapsed, (time.process_time() - worked) / elapsed, noted)

    def _send(self, connection: Connection, at: float) -> None:
        pieces = next(self._asked)
        data = pieces[0] if len(pieces) == 1 else self._with_ids(pieces)
        connection.got, connection.sent_at = b"", at
        connection.sock.sendall(data)

    def _with_ids(self, pieces: list[bytes]) -> bytes:
        ids = self._ids
        return b"".join([part for piece in pieces[:-1] for part in (piece, next(ids))]) + pieces[-1]

    def _answered(self) -> Iterator[Connection]:
        """Those whose answer is there to its end, and right."""
        events = self._poll.poll(PATIENCE_S)
        if not events:
            raise LoadError(f"No answer within {PATIENCE_S:.0f} s.")
        for fd, _ in events:
            connection = self._connections[fd]
            data = connection.sock.recv(LARGEST)
            if not data:
                raise LoadError("The server closed a connection.")
            connection.got = answer = connection.got + data if connection.got else data
            if whole(answer):
                if not self._right(answer):
                    raise LoadError(f"A wrong answer: {answer[:600]!r}")
                yield connection


def driven(load: Load) -> Found:
    """The load, offered from this process.

    raises  LoadError  an answer was wrong, or none came
    """
    driver = Driver(load)
    try:
        if load.warm_up:
            driver.run(load.warm_up)
        return driver.run(load.seconds)
    finally:
        driver.close()


def _found(took: list[float], seconds: float, busy: float, noted: int) -> Found:
    took.sort()
    p99 = took[min(len(took) - 1, int(len(took) * 0.99))]
    return Found(len(took), seconds, 1000 * statistics.median(took), 1000 * p99, busy, noted)


def main(core: str) -> None:
    if core:
        os.sched_setaffinity(0, {int(core)})
    given = json.load(sys.stdin)
    ask = given["ask"]
    given["ask"] = Ask(**ask | {name: tuple(ask[name]) for name in ("bodies", "paths")})
    try:
        found = driven(Load(**given))
    except (LoadError, OSError) as error:
        sys.exit(str(error))
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main(sys.argv[1])
