"""GraphiQL at /graphql, and the files it loads: all from this package, none from another host."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Fit for every answer. A page names what it may load instead of the first line."""

_PAGE_SOURCES = {
    "default-src": "'none'",
    "script-src": "'self'",
    # The nonce is for one <style> that GraphiQL's scroll lock adds while a dialog is open. React and
    # CodeMirror set styles through the object model, which needs no 'unsafe-inline'.
    "style-src": "'self' 'nonce-{nonce}'",
    "img-src": "'self' data:",  # CodeMirror's lint marks are data URLs
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
_PAGE_POLICY = "; ".join(f"{name} {sources}" for name, sources in _PAGE_SOURCES.items())
_MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}


class StaticFile(NamedTuple):
    """`path` holds a hash of the content, so whoever has the file may keep it for ever."""

    path: str
    media_type: str
    body: bytes


def _static_files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, StaticFile]]:
    """The files below `folder` that are served as they are, by their name there."""
    for entry in folder.iterdir():
        name = prefix + entry.name
        media_type = _MEDIA_TYPES.get(PurePosixPath(name).suffix)
        if entry.is_dir():
            yield from _static_files(entry, f"{name}/")
        elif media_type is not None:
            body = entry.read_bytes()
            path = f"{hashlib.sha256(body).hexdigest()[:16]}/{name}"
            yield name, StaticFile(path, media_type, body)


_FOLDER = files("promptgraph.web").joinpath("static")
_BY_NAME = dict(_static_files(_FOLDER))
_BY_PATH = {file.path: file for file in _BY_NAME.values()}
_GRAPHIQL = re.sub(
    r'(?<="static/)[^"]+',
    lambda found: _BY_NAME[found.group()].path,
    _FOLDER.joinpath("graphiql.html").read_text(encoding="utf-8"),
)


def graphiql_page(_request: Request) -> Response:
    """GraphiQL for the URL that answers with it. `?query=…&variables=…` fill the editor, in the browser."""
    nonce = secrets.token_urlsafe(16)
    own = {
        "Content-Security-Policy": _PAGE_POLICY.format(nonce=nonce),
        "Cache-Control": "no-store",
        "Vary": "Accept",
    }
    return HTMLResponse(_GRAPHIQL.replace("{nonce}", nonce), headers=SECURITY_HEADERS | own)


async def static(request: Request) -> Response:
    """A file of this package by the path that a page names it by; nothing is read from the disk."""
    file = _BY_PATH.get(request.path_params["path"])
    if file is None:
        return PlainTextResponse("There is no such file.\n", 404, SECURITY_HEADERS)
    own = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(file.body, media_type=file.media_type, headers=SECURITY_HEADERS | own)
