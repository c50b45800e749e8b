"""A bundle: what labels serve, in one file, for a start while the server is away. Each prompt in it carries
name, version and hash, so a call that is made on it is linked when it is recorded.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from promptgraph.client.agents import Assigned, Assignments
from promptgraph.client.cache import Key, Value
from promptgraph.client.contents import content_from
from promptgraph.client.prompts import Prompt, Wanted
from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.names import Selector
from promptgraph.domain.prompt import PromptContent, prompt_global_id

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Bundled:
    """A version, and what leads to it: labels, or being the latest."""

    name: str
    version: int
    hash: str
    content: PromptContent
    labels: tuple[str, ...] = ()
    latest: bool = False

    def prompt(self, label: str | None = None) -> Prompt:
        id_ = prompt_global_id(self.name, self.version)
        return Prompt(id_, self.name, self.version, self.hash, self.content, label, origin="bundle")


@dataclass(frozen=True, slots=True)
class Bundle:
    """Prompts by name and version, and agents' assignments by name, without their prompts."""

    prompts: tuple[Bundled, ...] = ()
    agents: Mapping[str, tuple[Assigned, ...]] = field(default_factory=dict)

    def find(self, key: Key, usual: str) -> Value | None:
        """What a key stands for here; a prompt without the label `usual` by its latest version."""
        if not isinstance(key, str):
            return self.prompt(key) or (self.prompt(Wanted(key.name)) if key.label == usual else None)
        if key not in self.agents:
            return None
        return Assignments(key, tuple(self._resolved(each) for each in self.agents[key]))

    def prompt(self, wanted: Wanted) -> Prompt | None:
        for each in self.prompts:
            if each.name == wanted.name and _is_wanted(each, wanted):
                return each.prompt(wanted.label)
        return None

    def _resolved(self, each: Assigned) -> Assigned:
        selector = Selector.parse(each.selector)
        prompt = self.prompt(Wanted(selector.name, selector.label, selector.version))
        return Assigned(each.role, each.selector, each.when, prompt)


def _is_wanted(each: Bundled, wanted: Wanted) -> bool:
    if wanted.label is not None:
        return wanted.label in each.labels
    return each.latest if wanted.version is None else each.version == wanted.version


def bundle_text(bundle: Bundle) -> str:
    """The file: the same for the same bundle, one line per field, for reviews."""
    prompts: list[Json] = [
        {
            "name": each.name,
            "version": each.version,
            "hash": each.hash,
            "labels": [*sorted(each.labels)],
            "latest": each.latest,
            "content": each.content.canonical(),
        }
        for each in sorted(bundle.prompts, key=lambda one: (one.name, one.version))
    ]
    agents: JsonObject = {
        name: [{"role": a.role, "selector": a.selector, "when": a.when} for a in assigned]
        for name, assigned in sorted(bundle.agents.items())
    }
    facts: JsonObject = {"promptgraph": FORMAT, "prompts": prompts, "agents": agents}
    return json.dumps(facts, ensure_ascii=False, indent=1) + "\n"


def read_bundle(path: Path) -> Bundle:
    """The bundle of a file.

    raises  InvalidInputError  it cannot be read, is none, or a content has not the hash that it names
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts["promptgraph"] != FORMAT:
            raise InvalidInputError(
                f"The bundle {path} is of another release; run: promptgraph lock", field="bundle"
            )
        return Bundle(tuple(map(_bundled, facts["prompts"])), dict(_agents(facts["agents"])))
    except OSError as error:
        words = f"The bundle {path} cannot be read: {error.strerror}. Make it with: promptgraph lock"
        raise InvalidInputError(words, field="bundle") from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        words = f"The bundle {path} is broken ({error}); make it anew with: promptgraph lock"
        raise InvalidInputError(words, field="bundle") from error


def _bundled(told: dict[str, Any]) -> Bundled:
    content = content_from(told["content"])
    if content.digest() != told["hash"]:
        raise ValueError(f"{told['name']} version {told['version']} has another hash")
    return Bundled(
        told["name"], int(told["version"]), told["hash"], content, tuple(told["labels"]), bool(told["latest"])
    )


def _agents(told: Mapping[str, Any]) -> Iterable[tuple[str, tuple[Assigned, ...]]]:
    for name, assigned in told.items():
        yield name, tuple(Assigned(a["role"], a["selector"], cast("JsonObject", a["when"])) for a in assigned)
