"""The picture of the rooms, held by a test: who may import whom, and which room speaks which package."""

import ast
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "promptgraph"
# room: (rooms it may import, outside packages that only the rooms naming them may import)
ROOMS: dict[str, tuple[set[str], set[str]]] = {
    "domain": (set(), {"rfc8785", "orjson"}),  # the standard library, and what the canonical form needs
    "template": ({"domain"}, {"jinja2", "jsonschema_rs"}),
    "files": ({"domain", "template"}, {"yaml", "pydantic", "pydantic_core"}),
    "store": ({"domain"}, {"sqlalchemy", "aiosqlite", "asyncpg", "alembic", "orjson", "pysqlite3"}),
    "sync": ({"domain", "files", "store"}, set()),
    "record": ({"domain", "template", "store"}, {"genai_prices"}),
    "graph": (
        {"domain", "template", "files", "store", "sync", "record"},
        {"strawberry", "graphql", "orjson"},
    ),
    "web": (
        {"domain", "record", "graph"},
        {"starlette", "orjson", "google", "opentelemetry", "prometheus_client"},
    ),
    "client": ({"domain", "template"}, {"httpx"}),  # and the standard library's sqlite3
    "config": ({"domain"}, {"pydantic_settings", "pydantic"}),
    # of `client` the documents that it sends: a server always trusts them
    "app": ({"config", "domain", "files", "store", "sync", "record", "graph", "web", "client"}, set()),
    "cli": (
        {"config", "app", "client", "domain", "files", "template", "store", "sync", "record"},
        {"click", "rich", "uvicorn", "watchfiles", "httpx"},
    ),
}
OWNED = set().union(*(outside for _, outside in ROOMS.values()))


def imports(path: Path) -> set[str]:
    """Dotted names imported anywhere in a module, functions included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: absolute imports only"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def trespasses(room: str, names: set[str]) -> list[str]:
    """The imports that `room` may not make."""
    neighbours, outside = ROOMS[room]
    wrong = []
    for name in sorted(names):
        head, *rest = name.split(".")
        if head == "promptgraph":
            allowed = bool(rest) and rest[0] in neighbours | {room, "__version__"}
        elif head in OWNED or room == "domain":
            allowed = head in outside | set(sys.stdlib_module_names)
        else:
            allowed = True
        if not allowed:
            wrong.append(name)
    return wrong


@pytest.mark.parametrize("path", sorted(SRC.rglob("*.py")), ids=lambda p: str(p.relative_to(SRC)))
def test_room_imports_only_its_neighbours(path: Path) -> None:
    """A room imports the rooms and packages its row names, and no others."""
    room = path.relative_to(SRC).parts[0].removesuffix(".py")
    if room != "__init__":
        assert trespasses(room, imports(path)) == []


@pytest.mark.parametrize(
    ("room", "name"),
    [
        ("domain", "yaml"),
        ("domain", "promptgraph.files.tree"),
        ("template", "promptgraph.files.tree"),
        ("files", "sqlalchemy.select"),
        ("store", "promptgraph.sync.plan"),
        ("sync", "promptgraph.graph.schema"),
        ("graph", "starlette.requests"),
        ("web", "promptgraph.store.prompts"),
        ("client", "promptgraph.files.tree"),
        ("client", "orjson"),
    ],
)
def test_planted_trespass_is_caught(room: str, name: str) -> None:
    """The test above can fail."""
    assert trespasses(room, {name}) == [name]


def test_imports_form_no_circle() -> None:
    """No module imports itself through others."""
    modules = {module_name(path): path for path in SRC.rglob("*.py")}
    graph = {
        name: {target for found in imports(path) if (target := nearest(found, modules)) and target != name}
        for name, path in modules.items()
    }
    while leaves := {name for name, targets in graph.items() if not targets}:
        graph = {name: targets - leaves for name, targets in graph.items() if name not in leaves}
    assert sorted(graph) == []


def module_name(path: Path) -> str:
    return ".".join(("promptgraph", *path.relative_to(SRC).with_suffix("").parts)).removesuffix(".__init__")


def nearest(found: str, modules: dict[str, Path]) -> str | None:
    """The module that an imported dotted name lives in."""
    if found in modules:
        return found
    parent = found.rpartition(".")[0]
    return parent if parent in modules and parent != "promptgraph" else None
