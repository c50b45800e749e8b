"""A real Chromium for tests of pages, and a server for it to look at."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
import uvicorn
from starlette.types import ASGIApp

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

CHROMIUM = "PROMPTGRAPH_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 20.0
TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
    console.error(`CSP: ${event.violatedDirective} ${event.blockedURI || "inline"}`))
"""


def chromium() -> str:
    """The path of a Chromium. Without one the test is skipped, or under CI=true fails, with the reason."""
    named = os.environ.get(CHROMIUM)
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        missing(f"no Chromium; install one or name it in {CHROMIUM}")
    if not Path(found).is_file():
        missing(f"{CHROMIUM} names {found}, which is no file")
    return found


def missing(reason: str) -> NoReturn:
    """Skips the calling test for a tool that this machine lacks; under CI=true it fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"needed under CI=true: {reason}")
    pytest.skip(reason)


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A headless Chromium with an empty profile. Its tests must not be async: it brings a loop of its own."""
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415  # optional: the tests run without it
    except ModuleNotFoundError:
        missing("playwright is not installed")
    path = chromium()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=FLAGS, headless=True)
        try:
            yield running
        finally:
            running.close()


def watch(page: Page, origin: str, troubles: list[str]) -> None:
    """Adds to `troubles` what goes wrong on `page`: errors, refused content, requests off `origin`."""

    def off_origin(request: Request) -> None:
        if not request.url.startswith((f"{origin}/", "data:", "blob:")):
            troubles.append(f"off the origin: {request.url}")

    page.add_init_script(TELL_VIOLATIONS)
    page.on("console", lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: troubles.append(f"uncaught: {error}"))
    page.on("request", off_origin)
    page.on("requestfailed", lambda request: troubles.append(f"failed: {request.url}"))


@contextlib.contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The origin where `app` answers, on a free port of loopback, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            _await_start(server, thread)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(START_SECONDS)


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        assert thread.is_alive() and time.monotonic() < deadline, "the server did not start"
        time.sleep(0.01)
