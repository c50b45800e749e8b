"""What fields answer that are no plain attributes: each loads, and hands on a record."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import strawberry
from strawberry import Parent

from promptgraph import __version__
from promptgraph.domain.errors import InvalidInputError, NotFoundError
from promptgraph.domain.names import checked_label, checked_version
from promptgraph.domain.prompt import Prompt, PromptFamily
from promptgraph.domain.registry import Agent, PromptLabel, SyncStep
from promptgraph.graph.differences import PromptDiff, difference
from promptgraph.graph.field import words
from promptgraph.graph.inputs import ids_of, json_object, short
from promptgraph.graph.loaders import Info, Loaders
from promptgraph.graph.nodes import find
from promptgraph.graph.scalars import JSON
from promptgraph.store.prompts import MomentKey, NeighbourKey, PromptRef
from promptgraph.template.render import Rendered, render

NOTHING = JSON({})
"""An argument's default; nobody changes it."""


async def node(info: Info, id: Annotated[strawberry.ID, words("The id.")]) -> Any:
    """Whatever has this id; null if nothing has."""
    return await find(info.context.load, id)


async def nodes(info: Info, ids: Annotated[list[strawberry.ID], words("The ids: at most 100.")]) -> list[Any]:
    """Whatever has these ids, in their order; null where nothing has the id, or where it is none."""
    return await asyncio.gather(*(_found(info.context.load, id_) for id_ in ids_of(ids)))


async def _found(load: Loaders, id_: str) -> Any:
    """The node, or the error that stands in its place: GraphQL reports it there."""
    try:
        return await find(load, id_, field="ids")
    except InvalidInputError as error:
        return error


async def prompt(
    info: Info,
    name: Annotated[str, words("The prompt's name, or one it had before.")],
    version: Annotated[int | None, words("This version. Not together with `label`.")] = None,
    label: Annotated[str | None, words("The version that this label points to.")] = None,
) -> Prompt | None:
    """One version of a prompt: the latest where neither version nor label is given. Retired ones answer."""
    ref = prompt_ref(name, version, label)
    return await info.context.load.prompt_by_ref.load(ref)


def prompt_ref(name: str, version: int | None, label: str | None) -> PromptRef:
    """The version that is meant.

    raises  InvalidInputError  version and label together, or one that cannot be
    """
    if version is not None and label is not None:
        raise InvalidInputError("Give version or label, not both.", field="version")
    return PromptRef(
        short(name, "name"),
        None if version is None else checked_version(version),
        None if label is None else checked_label(label),
    )


async def prompt_at(
    info: Info,
    name: Annotated[str, words("The prompt's name, or one it had before.")],
    label: Annotated[str, words("The label.")],
    at: Annotated[dt.datetime, words("The moment.")],
) -> Prompt | None:
    """The version that a label served at a moment, by the time its move was applied here."""
    return await info.context.load.prompt_at.load(MomentKey(short(name, "name"), checked_label(label), at))


async def prompt_family(
    info: Info, name: Annotated[str, words("The name, or one it had before.")]
) -> PromptFamily | None:
    """All versions of one name, and what is not content."""
    return await info.context.load.family_by_name.load(short(name, "name"))


async def agent(info: Info, name: Annotated[str, words("The agent's name.")]) -> Agent | None:
    """One agent."""
    return await info.context.load.agent_by_name.load(short(name, "name"))


# ---------------------------------------------------------------- prompts


def labels_of(found: Sequence[PromptLabel]) -> list[str]:
    """The names of labels."""
    return [each.label for each in found]


def before(root: Prompt) -> NeighbourKey:
    """The version before this one."""
    return NeighbourKey(root.family.id, root.version, -1)


def after(root: Prompt) -> NeighbourKey:
    """The version after this one."""
    return NeighbourKey(root.family.id, root.version, 1)


async def prompt_diff(
    root: Parent[Prompt],
    info: Info,
    against: Annotated[
        strawberry.ID | None, words("The id of the version to compare with; the previous one by default.")
    ] = None,
) -> PromptDiff | None:
    """What changed since another version; null where there is no previous one."""
    load = info.context.load
    other = await (
        find(load, against, kind="Prompt", field="against") if against else load.neighbour.load(before(root))
    )
    if against and other is None:
        raise NotFoundError("No prompt has the id in `against`.", field="against")
    return await asyncio.to_thread(difference, other, root) if other else None


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """A rendering with the record it came from. `sent_hash` is what a caller says it sent."""

    prompt: Prompt
    rendered: Rendered
    sent_hash: str | None = None

    @property
    def matches_sent(self) -> bool | None:
        return None if self.sent_hash is None else self.sent_hash == self.rendered.hash


async def prompt_render(
    root: Parent[Prompt],
    variables: Annotated[JSON, words("The variables: an object.")] = NOTHING,
) -> RenderedPrompt:
    """The messages to send, with these variables filled in."""
    given = json_object(variables, "variables")
    return RenderedPrompt(root, await asyncio.to_thread(render, root, given))


def latest(root: PromptFamily) -> PromptRef:
    """The highest version."""
    return PromptRef(root.name)


# ---------------------------------------------------------------- agents


async def agent_prompt(
    root: Parent[Agent],
    info: Info,
    role: Annotated[str, words("What the prompt is to the agent, e.g. `triage`.")],
    context: Annotated[JSON, words("The circumstances: an object.")] = NOTHING,
) -> Prompt | None:
    """The prompt for a role: that of the role's first assignment whose `when` matches; null if none does."""
    given = json_object(context, "context")
    mine = await info.context.load.assignments_of_agent.load(root.id)
    fitting = next((a for a in mine if a.role == role and a.matches(given)), None)
    if fitting is None or fitting.prompt_id is None:
        return None
    return await info.context.load.prompt.load(fitting.prompt_id)


# ---------------------------------------------------------------- syncs and the server


def step_version(root: SyncStep) -> PromptRef | None:
    """The version that the step is about, if it is about one."""
    return None if root.version is None else PromptRef(root.name, root.version)


class Server(NamedTuple):
    """This server: what is known without asking the database."""

    version: str
    mode: str


def server_info(info: Info) -> Server:
    """What this server is, and what it holds."""
    return Server(__version__, info.context.mode)


async def server_database(info: Info) -> str:
    """The database and its version."""
    return await info.context.db.describe()


def nothing(_: Server) -> tuple[()]:
    """The key of what there is one of."""
    return ()
