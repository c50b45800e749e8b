"""Answers that a client may have already: what stands for one, and 304 for a client that has it."""

from __future__ import annotations

from hashlib import blake2b

from starlette.types import Scope, Send

from promptgraph.web.recall import Kept, give, kept_of
from promptgraph.web.response import Headers

ASK_FIRST = b"private, no-cache"
"""Whoever keeps an answer asks each time whether it is still right."""
OF_THE_BODY = (b"content-type", b"content-length")


def tagged(tag: str, headers: Headers, body: bytes) -> Kept:
    """An answer that its client may keep."""
    own = [pair for pair in headers if pair[0] != b"cache-control"]
    return kept_of(tag, [*own, (b"cache-control", ASK_FIRST), (b"etag", etag_of(body))], body)


def etag_of(body: bytes) -> bytes:
    """What stands for this very body: the same on every server, until a byte of it is another."""
    return b'"%s"' % blake2b(body, digest_size=16).hexdigest().encode()


async def give_once(send: Send, kept: Kept, scope: Scope) -> None:
    """Send the answer; to a client that names its tag, that it is still the same."""
    named = b",".join(value for name, value in scope["headers"] if name == b"if-none-match")
    if not named or not is_named(dict(kept.headers)[b"etag"], named):
        await give(send, kept)
        return
    headers = [pair for pair in kept.headers if pair[0] not in OF_THE_BODY]
    await send({"type": "http.response.start", "status": 304, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def is_named(etag: bytes, none_match: bytes) -> bool:
    """Whether If-None-Match names it, or `*` for any."""
    named = [each.strip().removeprefix(b"W/") for each in none_match.split(b",")]
    return etag in named or named == [b"*"]
