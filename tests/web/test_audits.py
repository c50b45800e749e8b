"""The audits of GraphQL over HTTP that the JavaScript world holds servers to, run by Node."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from promptgraph.app import build
from promptgraph.config import load
from tests.browser import served
from tests.node import node_or_skip

FOLDER = Path(__file__).parents[1] / "audit"
AUDITS = 61
NEED_GET = {
    "5A70": "MAY accept application/x-www-form-urlencoded formatted GET requests",
    "D6D5": "MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting"
    " application/graphql-response+json",
    "6A70": "MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/json",
}
"""What cannot hold where GET is off."""


def report(found: list[dict[str, str]], others: list[dict[str, str]]) -> str:
    """What the audits came to, with a line for each that is not ok."""
    lines = [f"{audit['status']} {audit['id']} {audit['name']}: {audit['answer']}" for audit in others]
    return "\n  ".join(
        [f"\n{len(found) - len(others)} of {len(found)} audits of GraphQL over HTTP ok", *lines]
    )


@pytest.mark.parametrize(("allow_get", "missed"), [(True, {}), (False, NEED_GET)], ids=["GET on", "GET off"])
def test_keeps_to_graphql_over_http(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, allow_get: bool, missed: dict[str, str]
) -> None:
    """All audits pass where GET is allowed; where it is off, all but those that need it, which say MAY."""
    node = node_or_skip(FOLDER)
    settings = load(
        database_url=f"sqlite:///{tmp_path / 'registry.db'}",
        prompts_dir=tmp_path,
        mode="development",
        allow_get=allow_get,
    )
    with served(build(settings)) as origin:
        runner = [node, str(FOLDER / "runner.mjs"), f"{origin}/graphql"]
        found = json.loads(subprocess.run(runner, check=True, capture_output=True, timeout=90).stdout)
    others = [audit for audit in found if audit["status"] != "ok"]
    with capsys.disabled():
        print(report(found, others))  # noqa: T201  # what they found is meant to be read
    assert AUDITS == len(found)
    assert missed == {audit["id"]: audit["name"] for audit in others}
    assert {"notice"} >= {audit["status"] for audit in others}
