"""An agent's assignments as a client holds them: which prompt for which role, in which circumstances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from promptgraph.client.prompts import Prompt, prompt_of
from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.errors import NotFoundError
from promptgraph.domain.names import Selector
from promptgraph.domain.registry import fits

ASSIGNMENTS = "assignments { role when selector prompt { ...P } }"


@dataclass(frozen=True, slots=True)
class Assigned:
    """One assignment: it holds where every circumstance of `when` does."""

    role: str
    selector: str
    when: JsonObject = field(default_factory=dict)
    prompt: Prompt | None = None


@dataclass(frozen=True, slots=True)
class Assignments:
    """All of an agent's, in the order in which they are tried."""

    agent: str
    assigned: tuple[Assigned, ...] = ()

    def prompt(self, role: str, circumstances: Mapping[str, Json]) -> Prompt:
        """The prompt of the role's first assignment that holds in these circumstances.

        raises  NotFoundError  there is none, or it leads nowhere
        """
        mine = [each for each in self.assigned if each.role == role]
        found = next((each for each in mine if fits(each.when, dict(circumstances))), None)
        if found is None:
            why = " in these circumstances" if mine else f"; it has {self._roles}"
            words = f"The agent {self.agent} has no prompt for the role {role!r}{why}."
            raise NotFoundError(words, field="role")
        if found.prompt is None:
            words = f"The agent {self.agent} uses {found.selector} for {role!r}, and there is no such prompt."
            raise NotFoundError(words, field="role")
        return found.prompt

    @property
    def _roles(self) -> str:
        return ", ".join(sorted({each.role for each in self.assigned})) or "no roles at all"


def assignments_of(name: str, node: JsonObject) -> Assignments:
    """What an Agent of the API, with ASSIGNMENTS, says."""
    told = cast("list[dict[str, Any]]", node["assignments"])
    return Assignments(name, tuple(_assigned(each) for each in told))


def _assigned(told: dict[str, Any]) -> Assigned:
    label = Selector.parse(told["selector"]).label
    prompt = None if told["prompt"] is None else prompt_of(told["prompt"], label)
    return Assigned(told["role"], told["selector"], told["when"], prompt)
