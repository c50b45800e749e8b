"""What is no HTTP, or HTTP that two readers read in two ways, over a real socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from select import select

import pytest

from promptgraph.app import build
from promptgraph.config import load
from tests.browser import served
from tests.web.test_hostile import LEAK

BODY = b'{"query":"{__typename}"}'
ANSWER = b'{"data":{"__typename":"Query"}}'
LENGTH = b"Content-Length: 24"
CHUNKED = b"Transfer-Encoding: chunked"
LAST = b"0\r\n\r\n"
WHOLE = b"18\r\n" + BODY + b"\r\n"
SECONDS = 20.0
SILENCE = 0.5
REFUSED, NOTHING = {400}, {0}
POST = b"POST /graphql HTTP/1.1"


def line(start: bytes, *headers: bytes, body: bytes = BODY, host: bytes = b"Host: localhost\r\n") -> bytes:
    """A request on the wire, the last one there."""
    lines = [start, host + b"Content-Type: application/json", b"Connection: close", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def post(*headers: bytes, body: bytes = BODY) -> bytes:
    return line(POST, *headers, body=body)


def pieces(body: bytes, *headers: bytes) -> bytes:
    return post(CHUNKED, *headers, body=body)


WIRE: dict[str, tuple[bytes, set[int]]] = {
    "a good one": (post(LENGTH), {200}),
    "a good one in pieces": (pieces(WHOLE + LAST), {200}),
    "byte by byte": (pieces(b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + LAST), {200}),
    "HTTP/1.0": (line(b"POST /graphql HTTP/1.0", LENGTH), {200}),
    # lengths
    "one length twice": (post(LENGTH, LENGTH), REFUSED),
    "two lengths": (post(LENGTH, b"Content-Length: 5"), REFUSED),
    "a list of lengths": (post(b"Content-Length: 24, 24"), REFUSED),
    "a negative length": (post(b"Content-Length: -1"), REFUSED),
    "a length with a sign": (post(b"Content-Length: +24"), REFUSED),
    "a hexadecimal length": (post(b"Content-Length: 0x18"), REFUSED),
    "a length in words": (post(b"Content-Length: many"), REFUSED),
    "an empty length": (post(b"Content-Length: "), REFUSED),
    "a length of 30 digits": (post(b"Content-Length: " + b"9" * 30), REFUSED),
    "a length beyond 64 bits": (post(b"Content-Length: %d" % (2**64 + 24)), REFUSED),
    "100 GB announced": (post(b"Content-Length: 100000000000"), {413}),
    "a body that breaks off": (post(b"Content-Length: 500"), NOTHING),
    "a body longer than said": (post(b"Content-Length: 5"), REFUSED),
    "a body without a length": (post(), REFUSED),
    # pieces
    "a length and pieces": (pieces(WHOLE + LAST, LENGTH), REFUSED),
    "pieces and another length": (pieces(WHOLE + LAST, b"Content-Length: 3"), REFUSED),
    "pieces twice": (pieces(WHOLE + LAST, CHUNKED), REFUSED),
    "pieces of pieces": (post(b"Transfer-Encoding: chunked, chunked", body=WHOLE + LAST), REFUSED),
    "compressed pieces": (post(b"Transfer-Encoding: gzip, chunked", body=WHOLE + LAST), {415}),
    "an unknown coding": (post(b"Transfer-Encoding: xchunked", body=WHOLE + LAST), REFUSED),
    "a coding behind a tab": (post(b"Transfer-Encoding:\x0bchunked", body=WHOLE + LAST), REFUSED),
    "a size that is none": (pieces(b"zz\r\n" + BODY + b"\r\n" + LAST), REFUSED),
    "a negative size": (pieces(b"-1\r\n" + BODY + b"\r\n" + LAST), REFUSED),
    "a size beyond 64 bits": (pieces(b"f" * 18 + b"\r\n" + BODY), REFUSED),
    "a size too small": (pieces(b"3\r\n" + BODY + b"\r\n" + LAST), REFUSED),
    "a size too large": (pieces(b"ff\r\n" + BODY), NOTHING),
    "no last piece": (pieces(WHOLE), NOTHING),
    "a size with a long remark": (pieces(b"18;" + b"a" * 100_000 + b"\r\n" + BODY + b"\r\n" + LAST), {200}),
    "10,000 trailers": (pieces(WHOLE + b"0\r\n" + b"X: y\r\n" * 10_000 + b"\r\n"), {200}),
    # lines
    "HTTP/0.9": (b"GET /graphql\r\n\r\n", REFUSED),
    "HTTP/3.7": (line(b"POST /graphql HTTP/3.7", LENGTH), REFUSED),
    "HTTP/2 at once": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", REFUSED),
    "TLS": (bytes.fromhex("16030100c8010000c40303") + b"\x00" * 50 + b"\r\n\r\n", REFUSED),
    "zeros": (b"\x00" * 10_000, REFUSED),
    "empty lines": (b"\r\n\r\n", NOTHING),
    "line ends without CR": (post(LENGTH).replace(b"\r\n", b"\n"), REFUSED),
    "a method in lower case": (line(b"post /graphql HTTP/1.1", LENGTH), REFUSED),
    "a method of 10,000": (line(b"P" * 10_000 + b" /graphql HTTP/1.1", LENGTH), REFUSED),
    "CONNECT": (line(b"CONNECT localhost:1 HTTP/1.1", body=b""), REFUSED),
    "TRACE": (line(b"TRACE /graphql HTTP/1.1", body=b""), {405}),
    "OPTIONS of everything": (line(b"OPTIONS * HTTP/1.1", body=b""), {404}),
    "HEAD with a body": (line(b"HEAD /graphql HTTP/1.1", LENGTH), {405}),
    "a path of 200,000": (line(b"POST /" + b"a" * 200_000 + b" HTTP/1.1", LENGTH), REFUSED),
    "a path in UTF-8": (line("POST /ü HTTP/1.1".encode(), LENGTH), REFUSED),
    "a path with half an escape": (line(b"POST /graphql%zz HTTP/1.1", LENGTH), {404}),
    "a path with a wrong escape": (line(b"POST /graphql%ff HTTP/1.1", LENGTH), {404}),
    # headers
    "no host": (line(POST, LENGTH, host=b""), REFUSED),
    "two hosts": (post(LENGTH, b"Host: elsewhere.example"), REFUSED),
    "NUL in a header": (post(b"X: a\x00b", LENGTH), REFUSED),
    "CR in a header": (post(b"X: a\rb", LENGTH), REFUSED),
    "a folded header": (post(b"X: a\r\n b", LENGTH), REFUSED),
    "a space before the colon": (post(b"Content-Length : 24"), REFUSED),
    "a header without a colon": (post(b"nonsense", LENGTH), REFUSED),
    "a header without a name": (post(b": x", LENGTH), REFUSED),
    "a name in UTF-8": (post("ü: x".encode(), LENGTH), REFUSED),
    "a value in Latin-1": (post("X: ü".encode("latin-1"), LENGTH), {200}),
    "Accept in Latin-1": (post("Accept: ü".encode("latin-1"), LENGTH), {200}),
    "a charset in Latin-1": (
        post("Content-Type: application/json; charset=ü".encode("latin-1"), LENGTH),
        {415},
    ),
    "10,000 headers": (post(*[b"X-%d: y" % number for number in range(10_000)], LENGTH), {200}),
    "an expectation of nonsense": (post(b"Expect: nonsense", LENGTH), {200}),
    "HTTP/2 as an upgrade": (post(b"Upgrade: h2c", b"Connection: Upgrade", LENGTH), REFUSED),
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server as it is started, on an empty database."""
    home = tmp_path_factory.mktemp("wire")
    settings = load(database_url=f"sqlite:///{home / 'registry.db'}", prompts_dir=home, mode="development")
    with served(build(settings)) as origin:
        yield int(origin.rpartition(":")[2])


def said(port: int, data: bytes) -> bytes:
    """Everything that the server says to these bytes, until it closes the connection; where it says nothing,
    it is told that there is no more.
    """
    found = b""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
        with suppress(ConnectionError):  # it may have said its word before it has read all
            connection.sendall(data)
        if not select([connection], [], [], SILENCE)[0]:
            connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            while piece := connection.recv(65_536):
                found += piece
    return found


def status(answer: bytes) -> int:
    """0 where there is no answer."""
    return int(answer.split(b" ", 2)[1]) if answer else 0


@pytest.mark.parametrize(("data", "expected"), WIRE.values(), ids=WIRE)
def test_odd_http_gets_a_clear_answer(port: int, data: bytes, expected: set[int]) -> None:
    """One answer at most, nothing executed but what is clear, and the next request is answered."""
    found = said(port, data)
    assert status(found) in expected, found[:300]
    assert (status(found) == 200) == (ANSWER in found)
    assert found.count(b"HTTP/1.1 ") <= 1
    assert not LEAK.search(found.decode("latin-1"))
    assert 200 == status(said(port, post(LENGTH)))


def test_requests_one_behind_the_other_are_answered_in_order(port: int) -> None:
    """None swallows the beginning of the next one."""
    several = [post(LENGTH), pieces(WHOLE + LAST), line(b"GET /graphql HTTP/1.1", body=b"")]
    staying = b"".join(several).replace(b"Connection: close", b"Connection: keep-alive")
    found = said(port, staying + post(LENGTH))
    assert [b"200", b"200", b"405", b"200"] == [part[:3] for part in found.split(b"HTTP/1.1 ")[1:]]


def test_waits_for_a_body_that_it_has_asked_for(port: int) -> None:
    """Expect: 100-continue."""
    found = said(port, post(b"Expect: 100-continue", LENGTH))
    assert found.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")
