"""The example of OpenTelemetry, run as its users run it: the real SDK, a real server, no package of ours."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.children import ROOT, surroundings
from tests.client.serving import asked, serving

EXAMPLE = ROOT / "examples" / "otel" / "triage.py"
QUERY = """query($place: String!) {
llmCalls(first: 10, filter: {prompts: ["support/triage"], environments: [$place]}) { nodes {
  prompt { name version } agent { name } model provider status errorType errorMessage finishReasons
  inputTokens outputTokens traceId spanId release
} } }"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of this project's prompts."""
    home = tmp_path_factory.mktemp("otel")
    shutil.copytree(ROOT / "prompts", home / "prompts")
    with serving(home) as url:
        yield url


@pytest.mark.parametrize("compression", ["none", "gzip", "deflate"])
def test_spans_of_the_sdk_are_calls(server: str, tmp_path: Path, compression: str) -> None:
    """Both calls are there, linked and with their figures; the spans around them are not refused."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        env=surroundings(
            OTEL_EXPORTER_OTLP_ENDPOINT=server,
            OTEL_EXPORTER_OTLP_COMPRESSION=compression,
            OTEL_RESOURCE_ATTRIBUTES=f"service.version=7,deployment.environment.name={compression}",
            OTEL_SERVICE_NAME="triage",
        ),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (0, "", "queue: billing\nfailed: the model took too long\n") == (
        done.returncode,
        done.stderr,
        done.stdout,
    )
    failed, fine = asked(server, QUERY, place=compression)["llmCalls"]["nodes"]
    for call in (failed, fine):
        assert {"name": "support/triage", "version": 2} == call["prompt"]
        assert ({"name": "triage"}, "gpt-5-mini", "openai") == (
            call["agent"],
            call["model"],
            call["provider"],
        )
        assert (32, 16, "7") == (len(call["traceId"]), len(call["spanId"]), call["release"])
    assert ("OK", ["stop"], 1) == (fine["status"], fine["finishReasons"], fine["outputTokens"])
    assert fine["inputTokens"] > 5
    assert ("ERROR", "TimeoutError") == (failed["status"], failed["errorType"])
    assert "the model took too long" in failed["errorMessage"]


def test_example_imports_nothing_of_ours() -> None:
    """It needs OpenTelemetry and the standard library."""
    tree = ast.parse(EXAMPLE.read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert set() == {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"opentelemetry"}
