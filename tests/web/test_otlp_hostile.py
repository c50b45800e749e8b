"""Traces that mean harm: each request gets a clear answer, and none a look inside."""

from __future__ import annotations

import gzip
from typing import Any

import httpx
import pytest
from google.rpc.code_pb2 import Code

from tests.web.otlp_bodies import FORMS, JSON, PROTOBUF, as_json, as_protobuf, field, request, span
from tests.web.otlp_doors import refused, sent
from tests.web.test_hostile import LEAK


def row(name: str, status: int, body: bytes | str = b"", media: str = PROTOBUF, **headers: str) -> Any:
    raw = body.encode() if isinstance(body, str) else body
    return pytest.param(status, raw, media, headers, id=name)


WHOLE = as_protobuf(request(span()))
TEXT = as_json(request(span())).decode()
DEEP = '{"arrayValue":{"values":[' * 300 + "{}" + "]}}" * 300


def with_value(raw: str, key: str = "gen_ai.output.messages") -> str:
    """A request whose span has this attribute."""
    pair = '{"key":"' + key + '","value":' + raw + "}"
    return '{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[' + pair + "]}]}]}]}"


def nested(depth: int) -> bytes:
    """A span whose value is a list in a list, so deep."""
    value = b""
    for _ in range(depth):
        value = field(5, field(1, value))
    attribute = field(9, field(1, b"gen_ai.completion") + field(2, value))
    return field(1, field(2, field(2, attribute)))


REFUSED = [
    row("no type", 415, WHOLE, ""),
    row("protobuf of another name", 415, WHOLE, "application/protobuf"),
    row("text", 415, TEXT, "text/plain"),
    row("nearly JSON", 415, TEXT, "application/jsonp"),
    row("two types", 415, TEXT, "application/json, application/json"),
    row("UTF-16", 415, TEXT.encode("utf-16"), "application/json; charset=utf-16"),
    row("brotli", 415, WHOLE, content_encoding="br"),
    row("gzip twice", 415, WHOLE, content_encoding="gzip, gzip"),
    row("gzip on the way", 415, WHOLE, transfer_encoding="gzip, chunked"),
    row("gzip that is none", 400, WHOLE, content_encoding="gzip"),
    row("half a gzip", 400, gzip.compress(WHOLE)[:-9], content_encoding="gzip"),
    row("two gzips", 400, gzip.compress(WHOLE) * 2, content_encoding="gzip"),
    row("a million empty gzips", 400, gzip.compress(b"") * 700_000, content_encoding="gzip"),
    row("gzip that does not say so", 400, gzip.compress(WHOLE)),
    row("truncated", 400, WHOLE[:-1]),
    row("truncated in a length", 400, b"\x0a\xff"),
    row("a length of ten bytes and more", 400, b"\x0a" + b"\xff" * 20),
    row("a length beyond the end", 400, b"\x0a\xff\xff\xff\xff\x7f"),
    row("field 0", 400, b"\x02\x00"),
    row("a group", 400, b"\x0b\x0c"),
    row("a span that is none", 400, field(1, field(2, field(2, b"\xff")))),
    row("a name that is not UTF-8", 400, field(1, field(2, field(2, field(5, b"\xff"))))),
    row("values 60 deep", 400, nested(60)),
    row("values 10,000 deep", 400, nested(10_000)),
    row("JSON in place of protobuf", 400, TEXT),
    row("protobuf in place of JSON", 400, WHOLE, JSON),
    row("half a JSON", 400, TEXT[:-1], JSON),
    row("empty JSON", 400, "", JSON),
    row("a list", 400, "[]", JSON),
    row("null", 400, "null", JSON),
    row("not UTF-8", 400, b'{"a":"\xff"}', JSON),
    row("a key twice", 400, '{"resourceSpans":[],"resourceSpans":[]}', JSON),
    row("open brackets", 400, "[" * 100_000, JSON),
    row("spans are a number", 400, '{"resourceSpans":[{"scopeSpans":[{"spans":1}]}]}', JSON),
    row("a span is null", 400, '{"resourceSpans":[{"scopeSpans":[{"spans":[null]}]}]}', JSON),
    row("an id is a number", 400, '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":1}]}]}]}', JSON),
    row("a key is a number", 400, '{"resourceSpans":[{"resource":{"attributes":[{"key":1}]}}]}', JSON),
    row(
        "time below 0", 400, '{"resourceSpans":[{"scopeSpans":[{"spans":[{"startTimeUnixNano":-1}]}]}]}', JSON
    ),
    row("a text is a number", 400, with_value('{"stringValue":1}'), JSON),
    row("a whole number is a fraction", 400, with_value('{"intValue":1.5}'), JSON),
    row("a whole number is a boolean", 400, with_value('{"intValue":true}'), JSON),
    row("a whole number beyond 64 bits", 400, with_value('{"intValue":"9223372036854775808"}'), JSON),
    row("a whole number of 5000 digits", 400, with_value('{"intValue":"' + "9" * 5000 + '"}'), JSON),
    row("a number of 5000 digits", 400, with_value('{"intValue":' + "9" * 5000 + "}"), JSON),
    row("a fraction is a text", 400, with_value('{"doubleValue":"1.5x"}'), JSON),
    row("NaN as it is", 400, with_value('{"doubleValue":NaN}'), JSON),
    row("a list is an object", 400, with_value('{"arrayValue":[]}'), JSON),
    row("values 300 deep", 400, with_value(DEEP), JSON),
    row("values that nobody looks at, 300 deep", 200, with_value(DEEP, "mine"), JSON),
    row("a kind that is not known", 200, with_value('{"laterValue":1}'), JSON),
    row("NaN", 200, with_value('{"doubleValue":"NaN"}'), JSON),
    row("a charset", 200, TEXT, 'APPLICATION/JSON; charset="UTF-8"'),
    row("17 MiB announced", 413, field(1, b"x" * 17_825_792)),
    row("100 MB claimed", 413, WHOLE, content_length="100000000"),
    row("a length of 5000 digits", 413, WHOLE, content_length="9" * 5000),
    row("a span of 2 MiB", 413, field(1, field(2, field(2, field(5, b"a" * 2**21))))),
    row("a resource of 2 MiB", 413, field(1, field(1, b"a" * 2**21))),
    row("8 million empty spans", 413, field(1, field(2, b"\x12\0" * 8_000_000))),
    row("8 million empty resources", 413, b"\x0a\0" * 8_000_000),
    row("5 million fields that nobody knows", 413, b"\xf8\x01\0" * 5_000_000),
    row("5 million empty spans in JSON", 413, with_value("[" + "{}," * 5_000_000 + "{}]"), JSON),
    row(
        "200,000 empty spans in JSON",
        413,
        '{"resourceSpans":[{"scopeSpans":[{"spans":[' + "{}," * 200_000 + "{}]}]}]}",
        JSON,
    ),
]


@pytest.mark.parametrize(("status", "body", "media", "headers"), REFUSED)
async def test_hostile_request_gets_a_clear_answer(
    traced: httpx.AsyncClient, status: int, body: bytes, media: str, headers: dict[str, str]
) -> None:
    """A Status with a sentence, in the form of the request where that has one; nothing of the inside."""
    answer = await sent(traced, body, media, **headers)
    assert status == answer.status_code, answer.text[:200]
    if status == 200:
        return
    told = refused(answer)
    assert (media if media in FORMS else JSON) == answer.headers["content-type"]
    assert told.message.endswith(".") and not LEAK.search(told.message), told.message
    codes = {400: Code.INVALID_ARGUMENT, 413: Code.RESOURCE_EXHAUSTED, 415: Code.INVALID_ARGUMENT}
    assert codes[status] == told.code
    assert "nosniff" == answer.headers["x-content-type-options"]
