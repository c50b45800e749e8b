"""clients/typescript: packed, installed from its tarball into a project of somebody else's, and held there
against a compiler, a server that runs, and a browser.
"""

from __future__ import annotations

import json
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.typescript import api
from promptgraph import __version__
from tests.browser import browser
from tests.children import ROOT
from tests.client.serving import asked, serving
from tests.node import node_or_skip, run_npm, run_words

CLIENT = ROOT / "clients" / "typescript"
NAME = "@promptgraph/client"
OFFLINE = ("install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund")
BLANK = "<!doctype html><title>a page</title>"
ASKED = """
async () => {
  const { Client } = await import("/client/index.js");
  const client = new Client({ server: location.origin });
  const rendered = await client.render("support/triage", { variables: { ticket: "Where is my parcel?" } });
  const { status } = await client.record(rendered, { model: "m", userId: "a browser" });
  return [rendered.prompt.version, status];
}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with the prompts of this repository."""
    home = tmp_path_factory.mktemp("server")
    shutil.copytree(ROOT / "prompts", home / "prompts")
    with serving(home) as url:
        yield url


@pytest.fixture(scope="module")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `npm pack` makes."""
    node_or_skip(CLIENT)
    folder = tmp_path_factory.mktemp("packed")
    code, output = run_npm(CLIENT, "pack", "--pack-destination", str(folder), timeout_s=60)
    assert code == 0, output
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tarball: Path) -> Path:
    """A project with the tarball installed and nothing else. The client's own tests lie in it, and the
    examples of its README as a program.
    """
    folder = tmp_path_factory.mktemp("project")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    code, output = run_npm(folder, *OFFLINE, str(tarball), timeout_s=60)
    assert code == 0, output
    shutil.copytree(CLIENT / "test", folder / "test")
    readme = (CLIENT / "README.md").read_text()
    (folder / "test" / "readme.ts").write_text("\n".join(re.findall(r"```ts\n(.*?)```", readme, re.DOTALL)))
    return folder


def test_types_are_the_schemas() -> None:
    """src/api.ts is what schema.graphql says: run `make gen`."""
    assert api((ROOT / "schema.graphql").read_text()) == (CLIENT / "src" / "api.ts").read_text()


def test_needs_nothing_when_it_runs() -> None:
    """The package depends on no other, and has the version of what it talks to."""
    manifest = json.loads((CLIENT / "package.json").read_text())
    assert {"devDependencies"} == {key for key in manifest if key.endswith("ependencies")}
    assert ["typescript"] == list(manifest["devDependencies"])
    assert __version__ == manifest["version"]


def test_the_tarball_holds_what_is_used(tarball: Path) -> None:
    """Modules with their types, README and LICENSE; no source, no test, nothing of Node's own."""
    with tarfile.open(tarball) as packed:
        held = {
            member.name.removeprefix("package/"): content.read().decode()
            for member in packed
            if (content := packed.extractfile(member))
        }
    modules = {path.stem for path in (CLIENT / "src").iterdir()}
    built = {f"dist/{module}{ending}" for module in modules for ending in (".js", ".d.ts")}
    assert built | {"package.json", "README.md", "LICENSE"} == held.keys()
    assert (ROOT / "LICENSE").read_text() == held["LICENSE"]
    assert [] == [name for name in built if re.search(r"from ['\"](?!\./)|require\(", held[name])]


@pytest.mark.parametrize("module", ["nodenext", "bundler"])
def test_a_strict_compiler_takes_it(project: Path, module: str) -> None:
    """Programs that use it compile strictly, and what is wrong with one is an error where it stands."""
    resolution = () if module == "nodenext" else ("--module", "esnext", "--moduleResolution", module)
    compiler = str(CLIENT / "node_modules" / "typescript" / "bin" / "tsc")
    code, output = run_words(project, node_or_skip(CLIENT), compiler, "-p", "test", *resolution, timeout_s=60)
    assert (0, "") == (code, output)


def test_it_works_against_a_server(project: Path, server: str) -> None:
    """Prompts, rendering, calls alone and by the many, scores, and a server that is away, busy or odd."""
    tests = sorted(str(path) for path in (project / "test").glob("*.test.js"))
    words = ("--test", "--test-timeout=30000", *tests)
    code, output = run_words(project, node_or_skip(CLIENT), *words, timeout_s=100, PROMPTGRAPH_SERVER=server)
    assert code == 0, output
    assert " skipped 0" in output


def test_the_readmes_examples_run_as_written(project: Path, server: str) -> None:
    """A reader who copies them has a call recorded against what production serves."""
    words = (node_or_skip(CLIENT), "test/readme.ts")
    code, output = run_words(project, *words, timeout_s=60, PROMPTGRAPH_SERVER=server)
    assert (0, "support/triage 2 billing\n") == (code, output)
    query = '{ agent(name: "support-bot") { llmCalls { nodes { status outputTokens } } } }'
    calls = asked(server, query)["agent"]["llmCalls"]["nodes"]
    assert {"status": "OK", "outputTokens": 40} in calls


@pytest.mark.browser
def test_it_works_in_a_browser(project: Path, server: str) -> None:
    """A page of the server's own origin renders and records, by what the tarball holds and nothing else."""
    dist = project / "node_modules" / NAME / "dist"
    with browser() as chromium:
        page = chromium.new_page()
        page.route(f"{server}/page", lambda route: route.fulfill(body=BLANK, content_type="text/html"))
        page.route(
            f"{server}/client/*", lambda route: route.fulfill(path=dist / Path(route.request.url).name)
        )
        page.goto(f"{server}/page")
        assert [2, "RECORDED"] == page.evaluate(ASKED)
