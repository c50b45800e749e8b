"""Requests that mean harm: each gets a clear answer, and none a failure or a look inside."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import httpx
import pytest

from tests.web.doors import HELLO, JSON, asking

# an answer must never show these: SQL, driver or Python text, file paths
INSIDE = r"\[SQL:|sqlalchemy|asyncpg|sqlite3|Traceback|\.py\b|site-packages|Error\(|has no attribute"
LEAK = re.compile(INSIDE, re.IGNORECASE)
CIRCLE = "{...a} fragment a on Query{...b} fragment b on Query{...a}"
LARGE = '{"query":"{__typename}","variables":{"a":"' + "x" * 20_000_000 + '"}}'
PREFLIGHT = {
    "origin": "https://elsewhere.example",
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type",
}


def with_variable(raw: str) -> str:
    """A request whose variable $a is this raw JSON text."""
    return '{"query":"query($a:String!){__type(name:$a){name}}","variables":{"a":' + raw + "}}"


def sent(name: str, expected: set[int], content: str | bytes | None = None, **more: Any) -> Any:
    """A row: a POST of JSON, unless `more` says otherwise."""
    request = {"method": "POST", "url": "/graphql", "headers": JSON, "content": content} | more
    return pytest.param(expected, request, id=name)


def typed(name: str, expected: set[int], media: str, content: str | bytes = HELLO) -> Any:
    """A row: a POST that says it is of this media type."""
    return sent(name, expected, content, headers={"content-type": media})


def got(name: str, query: str, **headers: str) -> Any:
    """A row: a GET, which is off."""
    return sent(name, {405}, method="GET", params={"query": query}, headers=headers)


TWO_TYPES = [("content-type", "application/json"), ("content-type", "text/plain")]
DEEP = "[" * 100_000 + "]" * 100_000
HOSTILE = [
    # nothing is executed unless the type is exactly application/json: a page of another site cannot send that
    typed("text/plain", {415}, "text/plain"),
    typed("text/plain; application/json", {415}, "text/plain; application/json"),
    typed("text/application/json", {415}, "text/application/json"),
    typed("application/jsonp", {415}, "application/jsonp"),
    sent("two content types", {415}, HELLO, headers=TWO_TYPES),
    sent("no content type", {415}, HELLO, headers={}),
    sent("form", {415}, data={"query": "{__typename}"}, headers={}),
    sent("multipart", {415}, files={"operations": (None, HELLO)}, headers={}),
    typed("charset=utf-8", {200}, 'application/json; charset="UTF-8"'),
    typed("upper case", {200}, "APPLICATION/JSON"),
    typed("an unknown parameter", {200}, "application/json; boundary=x"),
    typed("two charsets", {415}, "application/json; charset=utf-8; charset=utf-7"),
    typed("application/graphql", {415}, "application/graphql", "{__typename}"),
    typed("application/graphql-response+json", {415}, "application/graphql-response+json"),
    typed("application/json, application/json", {415}, "application/json, application/json"),
    typed("application/json-patch+json", {415}, "application/json-patch+json"),
    typed("a type of a million characters", {415}, "a/" + "b" * 1_000_000),
    typed("a thousand parameters", {200}, "application/json" + ";a=b" * 1_000),
    typed("charset=utf-16", {415}, "application/json; charset=utf-16", HELLO.encode("utf-16")),
    sent("gzip", {415}, b"\x1f\x8b\x08", headers=JSON | {"content-encoding": "gzip"}),
    sent("brotli", {415}, HELLO, headers=JSON | {"content-encoding": "br"}),
    sent("identity, gzip", {415}, HELLO, headers=JSON | {"content-encoding": "identity, gzip"}),
    sent("identity", {200}, HELLO, headers=JSON | {"content-encoding": "identity"}),
    sent("gzip on the way", {415}, HELLO, headers=JSON | {"transfer-encoding": "gzip, chunked"}),
    got("GET query", "{__typename}"),
    got("GET mutation", "mutation{__typename}"),
    got("GET event stream", "{__typename}", accept="text/event-stream"),
    sent("HEAD", {405}, method="HEAD"),
    sent("OPTIONS", {405}, method="OPTIONS"),
    sent("a preflight", {405}, method="OPTIONS", headers=PREFLIGHT),
    sent("PUT", {405}, HELLO, method="PUT"),
    sent("DELETE", {405}, method="DELETE"),
    sent("a method of its own", {405}, HELLO, method="QUERY"),
    # bodies
    sent("empty", {400}, b""),
    sent("white space", {400}, " \n\t"),
    sent("NUL", {400}, b"\x00"),
    sent("number", {400}, "1"),
    sent("minus", {400}, "-"),
    sent("true", {400}, "true"),
    sent("hexadecimal", {400}, with_variable("0x10")),
    sent("leading zero", {400}, with_variable("01")),
    sent("fraction without digits", {400}, with_variable("1.")),
    sent("minus zero", {200}, with_variable("-0")),
    sent("a fraction of a million digits", {200}, with_variable("0." + "1" * 1_000_000)),
    sent("1e-999", {200}, with_variable("1e-999")),
    sent("single quotes", {400}, "{'query':'{__typename}'}"),
    sent("trailing comma", {400}, '{"query":"{__typename}",}'),
    sent("comment", {400}, '{"query":"{__typename}"} // x'),
    sent("two values", {400}, HELLO + HELLO),
    sent("half a value", {400}, HELLO[:-1]),
    sent("half an escape", {400}, '{"query":"\\u12"}'),
    sent("half a character", {400}, b'{"query":"{__typename} \xf0\x9f"}'),
    sent("overlong character", {400}, b'{"query":"{__typename} \xc0\x80"}'),
    sent("UTF-32", {400}, HELLO.encode("utf-32")),
    sent("gzip that does not say so", {400}, gzip.compress(HELLO.encode())),
    sent(
        "60,000 keys", {200}, json.dumps(dict.fromkeys(map(str, range(60_000))) | {"query": "{__typename}"})
    ),
    sent("60,000 variables", {200}, asking("{__typename}", variables=dict.fromkeys(map(str, range(60_000))))),
    sent("an id of 60,000 objects", {200}, with_variable("[" + "{}," * 60_000 + "{}]")),
    sent("null", {400}, "null"),
    sent("string", {400}, '"x"'),
    sent("batch", {400}, f"[{HELLO}]"),
    sent("empty array", {400}, "[]"),
    sent("array of numbers", {400}, "[1]"),
    sent("open brackets", {400}, "[" * 100_000),
    sent("nested brackets in variables", {400}, with_variable(DEEP)),
    sent("900 nested brackets in variables", {200, 400}, with_variable("[" * 900 + "]" * 900)),
    sent("nested objects", {400}, '{"a":' * 100_000 + "1" + "}" * 100_000),
    sent("integer of 5000 digits", {400}, with_variable("9" * 5000)),
    sent("integer of 31 digits", {400}, with_variable("9" * 31)),
    sent("1e999", {400}, with_variable("1e999")),
    sent("NaN", {400}, with_variable("NaN")),
    sent("-Infinity", {400}, with_variable("-Infinity")),
    sent("not UTF-8", {400}, b'{"query":"{__typename \xff}"}'),
    sent("surrogates in UTF-8", {400}, b'{"query":"{__typename \xed\xa0\x80}"}'),
    sent("UTF-16", {400}, HELLO.encode("utf-16")),
    sent("byte order mark", {400}, b"\xef\xbb\xbf" + HELLO.encode()),
    sent("a key twice", {400}, '{"query":"{__typename}","query":"{__schema{types{name}}}"}'),
    sent("a key twice in variables", {400}, with_variable('{"a":1,"a":2}')),
    sent("trailing text", {400}, HELLO + "x"),
    sent("control character", {400}, '{"query":"{__typename}\x01"}'),
    sent("NUL in a text", {200}, with_variable('"a\\u0000b"')),
    sent("lone surrogate in a text", {200}, with_variable('"\\ud800"')),
    sent("lone surrogate in a key", {200}, asking("{__typename}", variables={"\ud800": 1})),
    sent("lone surrogate in the query", {200}, '{"query":"{__type(name:\\"\\ud800\\"){name}}"}'),
    sent("lone surrogate for a field", {200}, '{"query":"{\\ud800}"}'),
    sent("NUL in the query", {200}, '{"query":"{__type(name:\\"\\\\u0000\\"){name}}"}'),
    sent("no query", {400}, "{}"),
    sent("empty query", {400}, asking("")),
    sent("blank query", {400}, asking(" \n")),
    sent("query is a number", {400}, '{"query":1}'),
    sent("variables is a list", {400}, asking("{__typename}", variables=[1])),
    sent("variables is an empty list", {400}, asking("{__typename}", variables=[])),
    sent("variables is false", {400}, asking("{__typename}", variables=False)),
    sent("variables is null", {200}, asking("{__typename}", variables=None)),
    sent("extensions is a text", {400}, asking("{__typename}", extensions="x")),
    sent("operationName is a number", {400}, asking("{__typename}", operationName=1)),
    sent("operationName of a million", {200}, asking("{__typename}", operationName="x" * 1_000_000)),
    sent("documentId is a number", {400}, '{"documentId":1}'),
    sent("documentId is deep", {400}, '{"documentId":' + "[" * 900 + "]" * 900 + "}"),
    sent("documentId unknown", {200}, '{"documentId":"../../etc/passwd\\u0000"}'),
    sent("documentId is half a character", {200}, '{"documentId":"\\ud800"}'),
    sent("documentId and query", {400}, asking("{__typename}", documentId="x")),
    sent("persistedQuery is a list", {400}, '{"extensions":{"persistedQuery":[]}}'),
    sent(
        "sha256Hash is half a character", {200}, '{"extensions":{"persistedQuery":{"sha256Hash":"\\ud800"}}}'
    ),
    sent("operationName unknown", {200}, asking("{__typename}", operationName="zz")),
    sent("no operation", {200}, asking("fragment f on Query{__typename}")),
    sent("type definition", {200}, asking("type A{b:Int}")),
    sent("20 MB announced", {413}, LARGE),
    sent("100 MB claimed", {413}, HELLO, headers=JSON | {"content-length": "100000000"}),
    sent("a length of 5000 digits", {413}, HELLO, headers=JSON | {"content-length": "9" * 5000}),
    # documents; the limits have tests of their own
    sent(
        "another text than its hash",
        {200},
        asking("{__typename}", extensions={"persistedQuery": {"sha256Hash": ""}}),
    ),
    sent("circle of fragments", {200}, asking(CIRCLE)),
    sent("20000 open braces", {200}, asking("{" * 20_000)),
    sent("text of a million characters", {200}, asking("{a}" + " " * 1_000_000)),
    # headers
    sent("200 headers of 1 KB", {200}, HELLO, headers=JSON | {f"x-{i}": "v" * 1000 for i in range(200)}),
    sent("forged Host", {400}, HELLO, headers=JSON | {"host": "evil.example"}),
    sent(
        "no cookie, no credentials",
        {200},
        HELLO,
        headers=JSON | {"cookie": "a=b" * 10_000, "authorization": "x"},
    ),
    sent("a cost of nonsense", {200}, HELLO, headers=JSON | {"graphql-cost": "drop table"}),
    sent("Accept of a million", {200, 406}, HELLO, headers=JSON | {"accept": "a/b;q=0.1," * 100_000}),
    sent("Accept with odd numbers", {200}, HELLO, headers=JSON | {"accept": "*/*;q=1e-9;q=nan;q=inf, */*"}),
    sent("forged Host with a path", {400}, HELLO, headers=JSON | {"host": "evil.example/?x="}),
]


@pytest.mark.parametrize(("expected", "request_"), HOSTILE)
async def test_hostile_requests_get_a_clear_answer(
    web: httpx.AsyncClient, expected: set[int], request_: dict[str, Any]
) -> None:
    """No answer is a 5xx or shows anything of the inside, and each has the status that fits it."""
    answer = await web.request(**request_)
    assert answer.status_code in expected, answer.text[:300]
    assert_harmless(answer)


def assert_harmless(answer: httpx.Response) -> None:
    """A GraphQL response in JSON, for nobody else to read; a name that is not ours gets a sentence."""
    assert answer.status_code < 500
    assert not LEAK.search(answer.text)
    assert len(answer.content) < 20_000
    assert "access-control-allow-origin" not in answer.headers
    assert "nosniff" == answer.headers["x-content-type-options"]
    if "Host" in answer.text:
        assert "text/plain; charset=utf-8" == answer.headers["content-type"]
    elif answer.request.method != "HEAD":
        assert set(answer.json()) <= {"data", "errors"}
        assert all(error["extensions"]["code"] for error in answer.json().get("errors", ()))


def url(expected: int, **params: Any) -> Any:
    """A row: a GET with these parameters."""
    return pytest.param(
        expected, params, id=" ".join(f"{name}={str(value)[:20]}" for name, value in params.items())
    )


QUERIES = [
    url(400, query=""),
    url(400, variables="{}"),
    url(200, query="{__typename}", operationName=""),
    url(400, query="{__typename}", variables=""),
    url(400, query="{__typename}", variables="[" * 15_000),
    url(400, query="{__typename}", variables='{"a":1,"a":2}'),
    url(400, query="{__typename}", variables="1e999"),
    url(400, query="{__typename}", variables="\ufeff{}"),
    url(200, query="{__typename}", variables="null"),
    url(400, query="{__typename}", extensions="[]"),
    url(400, query="{__typename}", extensions="{"),
    url(200, query="{__typename}\x00"),
    url(200, query='{__type(name:"\\u0000"){name}}'),
    url(200, query="{" * 15_000),
    url(405, query="mutation{__typename}"),
    url(405, query="query A{__typename} mutation B{__typename}", operationName="B"),
    url(200, documentId="x"),
    url(400, documentId=""),
    url(400, documentId="x", query="{__typename}"),
    url(200, extensions='{"persistedQuery":{"version":1,"sha256Hash":"00"}}'),
]


@pytest.mark.parametrize(("expected", "params"), QUERIES)
async def test_hostile_urls_get_a_clear_answer(
    web_with_get: httpx.AsyncClient, expected: int, params: dict[str, str]
) -> None:
    """Where queries may come by GET, URLs are read as strictly as bodies."""
    answer = await web_with_get.get("/graphql", params=params)
    assert expected == answer.status_code, answer.text[:300]
    assert_harmless(answer)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "x"])
async def test_other_sites_may_not_ask(web_with_get: httpx.AsyncClient, site: str) -> None:
    """Neither by a link, which says where it is from, nor by a form, which sends no body of our type."""
    linked = await web_with_get.get(
        "/graphql", params={"query": "{__typename}"}, headers={"sec-fetch-site": site}
    )
    assert 403 == linked.status_code
    assert_harmless(linked)
    for media in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"):
        headers = {"content-type": media, "sec-fetch-site": site}
        form = await web_with_get.post("/graphql", content=asking("mutation{__typename}"), headers=headers)
        assert 415 == form.status_code
        assert_harmless(form)
