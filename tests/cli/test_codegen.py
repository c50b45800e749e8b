"""`promptgraph codegen`: modules of typed prompts, held against the languages' own checkers."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from promptgraph.domain.canonical import Json
from tests.children import ROOT
from tests.cli.conftest import Command
from tests.factories import prompt_yaml, write_tree
from tests.node import node_or_skip, run_words

TONES: Json = {"type": "string", "enum": ["neutral", "warm"]}
TRIAGE: dict[str, Json] = {
    "description": 'Says """routes""" a ticket */ or \\ not "',
    "input": {
        "schema": {
            "type": "object",
            "required": ["ticket", "size", "label", "class"],
            "properties": {
                "ticket": {"type": "string"},
                "tone": TONES,
                "size": {"type": "integer"},
                "label": {"type": "string"},
                "class": {"type": ["string", "null"]},
                "posts": {"type": "array", "items": {"$ref": "#/$defs/post"}},
                "hint": {"type": "string"},
            },
            "$defs": {
                "post": {
                    "type": "object",
                    "required": ["by"],
                    "properties": {"by": {"type": "string"}, "next": {"$ref": "#/$defs/post"}},
                }
            },
        },
        "default": {"tone": "neutral", "posts": []},
    },
    "output": {
        "schema": {
            "type": "object",
            "required": ["queue", "to-do"],
            "properties": {
                "queue": {"enum": ["billing", "other"], "description": 'The "queue" */'},
                "to-do": {"type": "array", "items": {"type": ["string", "number"]}},
            },
        }
    },
}
TEXT = (
    "{{ ticket }} {{ tone }} {{ size }} {{ label }} {{ class or 'none' }}"
    " {% if hint is defined %}{{ hint }}{% endif %} {% for post in posts %}{{ post.by }}{% endfor %}"
)
FILES = {
    "support/triage.prompt.yaml": prompt_yaml(3, TEXT, **TRIAGE),
    "2fa/code.prompt.yaml": prompt_yaml(1, "{{ digits }}"),
    "class.prompt.yaml": prompt_yaml(1, "no variables"),
}


@pytest.fixture
def typed(here: Path) -> Path:
    """A prompts folder whose names and texts no language likes."""
    return write_tree(here / "prompts", FILES)


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Noting:
    """A client that notes what it is asked to render."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any], str | None, int | None]] = []

    def render(self, name: str, given: Mapping[str, Any], *, label: str | None, version: int | None) -> None:
        self.asked.append((name, given, label, version))


@pytest.mark.usefixtures("typed")
def test_functions_send_what_they_are_given(here: Path, cli: Command) -> None:
    """By the variables' own names, with the defaults that fit a signature, without what was left out."""
    cli("codegen", "python", "--out", "prompts_typed.py")
    module, client = loaded(here / "prompts_typed.py"), Noting()
    module.support_triage(client, ticket="t", size=1, label_="l", class_=None, label="staging")
    module._2fa_code(client, digits="1", version=1)  # noqa: SLF001  # a name that begins with a digit
    module.class_(client)
    sent = {"ticket": "t", "size": 1, "label": "l", "class": None, "tone": "neutral"}
    assert [
        ("support/triage", sent, "staging", None),
        ("2fa/code", {"digits": "1"}, None, 1),
        ("class", {}, None, None),
    ] == client.asked


@pytest.mark.usefixtures("typed")
def test_functions_may_be_awaited(here: Path, cli: Command) -> None:
    """The same on an AsyncClient."""
    cli("codegen", "python", "--async", "--out", "prompts_typed.py")

    async def render(name: str, *_: Any, **__: Any) -> str:
        return name

    client = SimpleNamespace(render=render)
    assert "class" == asyncio.run(loaded(here / "prompts_typed.py").class_(client))


GOOD = """
from promptgraph import Client
from prompts_typed import SupportTriagePostsItem, support_triage, support_triage_output

def route(client: Client) -> str:
    posts = [SupportTriagePostsItem(by="a")]
    rendered = support_triage(client, ticket="t", size=1, label_="l", class_=None, tone="warm", posts=posts)
    answer = support_triage_output(rendered, "{}")
    answer["to-do"].append(1.5)
    return answer["queue"]
"""
BAD = """
from promptgraph import Client
from prompts_typed import support_triage, support_triage_output

def route(client: Client) -> None:
    support_triage(client, ticket="t", size=1, label_="l")
    support_triage(client, ticket="t", size=1, label_="l", class_=None, tone="cold")
    support_triage(client, ticket="t", size=1, label_="l", class_=None, topic="t")
    rendered = support_triage(client, ticket="t", size="1", label_="l", class_=None)
    support_triage_output(rendered, "{}")["quene"]
"""


@pytest.mark.usefixtures("typed")
def test_an_edit_that_breaks_callers_fails_their_type_check(here: Path, cli: Command) -> None:
    """Missing, unknown and wrong variables, and a key that the output lacks, are errors where they stand."""
    cli("codegen", "python", "--out", "prompts_typed.py")
    (here / "good.py").write_text(GOOD)
    (here / "bad.py").write_text(BAD)
    words = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", ".mypy"]
    found = subprocess.run([*words, "good.py", "bad.py"], capture_output=True, text=True, check=False)
    lines = [line.partition(": error: ")[0] for line in found.stdout.splitlines() if ": error: " in line]
    assert [f"bad.py:{number}" for number in (6, 7, 8, 9, 10)] == lines, found.stdout


USER_TS = """
import type { Client } from "@promptgraph/client";
import { type SupportTriageOutput, _2faCode, class_, supportTriage } from "./typed.js";
export async function route(client: Client): Promise<SupportTriageOutput> {
  await class_(client);
  await _2faCode(client, { digits: "1" }, { version: 1 });
  await supportTriage(client, { ticket: "t", "size": 1, label: "l", class: null, posts: [{ by: "a" }] });
  // @ts-expect-error
  await supportTriage(client, { ticket: "t", "size": 1, label: "l" });
  // @ts-expect-error
  await supportTriage(client, { ticket: "t", "size": 1, label: "l", class: null, tone: "cold" });
  return { queue: "billing", "to-do": ["a", 1] };
}
"""


@pytest.mark.usefixtures("typed")
def test_a_strict_typescript_compiler_takes_it(here: Path, cli: Command) -> None:
    """The module compiles beside the client's own sources, and wrong calls do not."""
    client = ROOT / "clients" / "typescript"
    node = node_or_skip(client)
    cli("codegen", "typescript", "--out", "typed.ts")
    (here / "user.ts").write_text(USER_TS)
    (here / "package.json").write_text('{"type": "module"}')
    options = json.loads((client / "tsconfig.json").read_text())["compilerOptions"]
    paths = {"@promptgraph/client": [str(client / "src" / "index.ts")]}
    options |= {"noEmit": True, "paths": paths, "rootDir": "/"}
    config = {"compilerOptions": options, "files": ["user.ts", "typed.ts"]}
    (here / "tsconfig.json").write_text(json.dumps(config))
    compiler = str(client / "node_modules" / "typescript" / "bin" / "tsc")
    code, output = run_words(here, node, compiler, "-p", ".", timeout_s=120)
    assert code == 0, output


def test_check_tells_a_stale_file(typed: Path, cli: Command) -> None:
    """For CI: nothing is written, and the exit code says it."""
    out = ("--out", "prompts_typed.py")
    cli("codegen", "python", *out, "--check", code=1)
    cli("codegen", "python", *out)
    assert "is up to date" in cli("codegen", "python", *out, "--check").stdout
    write_tree(typed, {"new.prompt.yaml": prompt_yaml(1, "{{ x }}")})
    assert "is not what the prompt files say now" in cli("codegen", "python", *out, "--check", code=1).stderr


@pytest.mark.parametrize(
    ("files", "words", "code", "expected"),
    [
        ({"a/b-c.prompt.yaml": "x", "a/b_c.prompt.yaml": "x"}, (), 2, "would both be `a_b_c` in a program"),
        ({}, ("--check",), 2, "--check compares a file: name it with --out."),
        ({}, ("--out", "nowhere/x.py"), 2, "nowhere"),
    ],
    ids=["two-names", "check-of-nothing", "no-folder"],
)
def test_refuses_what_it_cannot_write(
    typed: Path, cli: Command, files: Mapping[str, str], words: tuple[str, ...], code: int, expected: str
) -> None:
    """In a sentence; nothing is written."""
    write_tree(typed, {path: prompt_yaml(1, text) for path, text in files.items()})
    assert expected in cli("codegen", "python", *words, code=code).stderr


def test_writes_nothing_from_broken_files(typed: Path, cli: Command) -> None:
    """A module that lacks a prompt would break its callers."""
    write_tree(typed, {"broken.prompt.yaml": "version: [\n"})
    assert "The prompt files have errors; nothing was written." in cli("codegen", "python", code=1).stderr
