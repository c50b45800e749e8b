"""examples/frontend: what it promises to a frontend team, held against a server that runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.children import ROOT
from tests.cli.processes import running
from tests.node import run_script

FRONTEND = ROOT / "examples" / "frontend"
PLACE = ("--port", "0", "--prompts-dir", str(ROOT / "prompts"))


@pytest.fixture(scope="module")
def checked() -> str:
    """What the check of the example said: code generated from today's schema, compiled strictly."""
    code, output = run_script(FRONTEND, "check", timeout_s=100)
    assert code == 0, output
    return output


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a server with the prompts of this repository, and a month of calls."""
    with running(tmp_path, "demo", *PLACE) as (_, wait_for):
        yield wait_for(" serves ").split()[-1]


@pytest.fixture
def trusting_server(tmp_path: Path, server: str) -> Iterator[str]:
    """The address of another server on the same data, which executes the example's documents alone."""
    assert server
    manifest = str(FRONTEND / "src" / "generated" / "persisted-documents.json")
    settings = {"PROMPTGRAPH_TRUSTED_DOCUMENTS": manifest, "PROMPTGRAPH_ONLY_TRUSTED": "true"}
    with running(tmp_path, "serve", *PLACE, **settings) as (_, wait_for):
        yield wait_for(" serves ").split()[-1]


def test_codegen_relay_and_a_strict_compiler_take_the_schema(checked: str) -> None:
    """Every document of the example fits schema.graphql, and what is made of it compiles strictly."""
    assert "Compilation completed" in checked
    assert "error TS" not in checked


@pytest.mark.usefixtures("checked")
def test_the_example_works_against_a_server(server: str, trusting_server: str) -> None:
    """Pages, two widgets of one metrics, live calls, Relay's refetching and documents by their ids work."""
    servers = {"PROMPTGRAPH_SERVER": server, "PROMPTGRAPH_TRUSTED_SERVER": trusting_server}
    code, output = run_script(FRONTEND, "test", timeout_s=100, **servers)
    assert code == 0, output
    assert " skipped 0" in output
