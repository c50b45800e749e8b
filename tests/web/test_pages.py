"""The pages and their files, as answers: what is served, under which headers, and that nothing else is."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from promptgraph.web import pages

STATIC = Path(pages.__file__).parent / "static"
ROOT = Path(__file__).parents[2]
SERVED = sorted(
    str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.is_file() and path.suffix != ".html"
)
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
MAX_COMPRESSED = 500_000


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    routes = [Route("/graphql", pages.graphiql_page), Route("/static/{path:path}", pages.static)]
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(Starlette(routes=routes)), base_url="http://test"
    ) as client:
        yield client


def directives(response: httpx.Response) -> dict[str, str]:
    policy = response.headers["content-security-policy"]
    return {name: rest for name, _, rest in (part.strip().partition(" ") for part in policy.split(";"))}


async def test_page_loads_only_files_that_are_served(client: httpx.AsyncClient) -> None:
    """Every src and href of the page is a relative path below static/, and each answers."""
    page = (await client.get("/graphql")).text
    paths = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(paths) == 7
    for path in paths:
        assert path.startswith("static/")
        answer = await client.get(f"/{path}")
        assert (200, "public, max-age=31536000, immutable") == (
            answer.status_code,
            answer.headers["cache-control"],
        )


async def test_page_holds_no_inline_script_or_style(client: httpx.AsyncClient) -> None:
    """The page needs no 'unsafe-inline': no script text, no <style>, no style or on… attribute."""
    page = (await client.get("/graphql")).text
    assert [] == re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", page)


async def test_policy_of_the_page_allows_its_own_origin_alone(client: httpx.AsyncClient) -> None:
    """Scripts, styles, images and connections come from the origin; framing, forms and <base> are off."""
    response = await client.get("/graphql")
    (nonce,) = re.findall(r'nonce="([^"]{16,})"', response.text)
    assert directives(response) == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": f"'self' 'nonce-{nonce}'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


async def test_nonce_is_new_each_time(client: httpx.AsyncClient) -> None:
    """Two answers never share a nonce, and neither may be kept by a cache."""
    first, second = [await client.get("/graphql") for _ in range(2)]
    assert first.headers["content-security-policy"] != second.headers["content-security-policy"]
    assert "no-store" == first.headers["cache-control"]
    assert "Accept" == first.headers["vary"]


async def test_page_never_repeats_its_address(client: httpx.AsyncClient) -> None:
    """A query in the address is read by the browser; nothing of it is in the answer."""
    answer = await client.get("/graphql", params={"query": "<script>alert(1)</script>", "variables": "{'x'}"})
    assert "alert" not in answer.text


@pytest.mark.parametrize("name", SERVED)
async def test_serves_each_packaged_file_by_its_hash(client: httpx.AsyncClient, name: str) -> None:
    """The address of a file holds the hash of its content, and the answer is that content, unsniffed."""
    body = (STATIC / name).read_bytes()
    answer = await client.get(f"/static/{hashlib.sha256(body).hexdigest()[:16]}/{name}")
    assert (200, body) == (answer.status_code, answer.content)
    assert TYPES[Path(name).suffix] == answer.headers["content-type"]
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "graphiql.html",
        "graphiql.js",
        "0000000000000000/graphiql.js",
        "../pages.py",
        "../../../../pyproject.toml",
        "/etc/passwd",
        "graphiql.js\0",
        "C:\\Windows\\win.ini",
    ],
)
async def test_serves_nothing_else(path: str) -> None:
    """A path outside the fixed table is not found, whatever it spells."""
    answer = await pages.static(Request({"type": "http", "headers": [], "path_params": {"path": path}}))
    assert (404, b"There is no such file.\n") == (answer.status_code, answer.body)
    assert "nosniff" == answer.headers["x-content-type-options"]


@pytest.mark.parametrize("path", ["/graphql", "/static/graphiql.js"])
async def test_head_carries_the_headers_of_get(client: httpx.AsyncClient, path: str) -> None:
    """HEAD answers as GET does, without a body."""
    answer, got = await client.head(path), await client.get(path)
    assert got.status_code == answer.status_code
    assert "no-referrer" == answer.headers["referrer-policy"] == got.headers["referrer-policy"]


@pytest.mark.parametrize("name", [name for name in SERVED if name.startswith("graphiql/")])
def test_every_vendored_file_is_recorded(name: str) -> None:
    """docs/third-party.md names each vendored file with the SHA-256 of what is shipped."""
    line = f"`{Path(name).name}` | `{hashlib.sha256((STATIC / name).read_bytes()).hexdigest()}`"
    assert line in (ROOT / "docs" / "third-party.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in SERVED if name.endswith((".css", ".js"))])
def test_files_load_nothing_further(name: str) -> None:
    """No served file names a source map, and no style sheet an import, a font or a picture elsewhere."""
    loads = {".js": r"sourceMappingURL=", ".css": r"sourceMappingURL=|@import|url\((?!data:image/)"}
    text = (STATIC / name).read_text(encoding="utf-8")
    assert [] == re.findall(loads[Path(name).suffix], text)


def test_files_stay_small() -> None:
    """All that the page loads is below half a megabyte once compressed."""
    bodies = [(STATIC / name).read_bytes() for name in SERVED if not name.endswith(".txt")]
    assert sum(len(zlib.compress(body, 6)) for body in bodies) < MAX_COMPRESSED
