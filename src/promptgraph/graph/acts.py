"""The mutations: each one call of `sync`, and a payload that reports what was refused."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

from strawberry import Parent

from promptgraph.domain.errors import ForbiddenError, PromptgraphError
from promptgraph.domain.keys import Scope
from promptgraph.domain.registry import Agent, Assignment, LabelMove
from promptgraph.files.tree import parse_tree
from promptgraph.graph.enums import ErrorCode
from promptgraph.graph.field import words
from promptgraph.graph.inputs import (
    AssignPromptInput,
    RemovePromptLabelInput,
    SetPromptLabelInput,
    SyncPromptsInput,
    UnassignPromptInput,
    new_assignment,
    origin,
    short,
    source_files,
)
from promptgraph.graph.loaders import Context, Info
from promptgraph.graph.nodes import key_of
from promptgraph.sync.apply import Options, Outcome, sync_tree
from promptgraph.sync.assignments import assign, unassign
from promptgraph.sync.moves import Mover, remove_label, set_label

BY_API = "api"


@dataclass(frozen=True, slots=True)
class LabelChanged:
    """What became of a label of the prompt `name`."""

    name: str
    move: LabelMove | None
    error: PromptgraphError | None


@dataclass(frozen=True, slots=True)
class AgentChanged:
    """What became of an assignment of the agent `name`."""

    name: str
    assignment: Assignment | None
    error: PromptgraphError | None


async def sync_prompts(
    info: Info, input: Annotated[SyncPromptsInput, words("The tree, and where it comes from.")]
) -> Outcome:
    """Bring the registry to what a tree of files says: all of it or, if anything in it is wrong, nothing."""
    outcome, error = await info.context.settle(_sync(info.context, input))
    return outcome or Outcome(error=error)


async def _sync(context: Context, given: SyncPromptsInput) -> Outcome:
    by, files = origin(given), source_files(given)
    tree = await asyncio.to_thread(parse_tree, files, url=by.url)
    options = Options(force=bool(given.force), dry_run=bool(given.dry_run))
    return await sync_tree(context.db, tree, by, options, now=context.now)


async def set_prompt_label(
    info: Info, input: Annotated[SetPromptLabelInput, words("The label and its version.")]
) -> LabelChanged:
    """Point a label at a version; with `move` null it pointed there already."""
    return LabelChanged(input.name, *await info.context.settle(_set_label(info.context, input)))


async def _set_label(context: Context, given: SetPromptLabelInput) -> LabelMove | None:
    if given.override and Scope.ADMIN not in context.caller.scopes:
        raise ForbiddenError("To override a label that labels.yaml owns takes a key with the scope admin.")
    mover = Mover(_by(context), given.reason, bool(given.override))
    name = short(given.name, "name")
    return await set_label(context.db, name, given.label, given.version, mover, now=context.now)


async def remove_prompt_label(
    info: Info, input: Annotated[RemovePromptLabelInput, words("The label.")]
) -> LabelChanged:
    """Take a label away."""
    return LabelChanged(input.name, *await info.context.settle(_remove_label(info.context, input)))


async def _remove_label(context: Context, given: RemovePromptLabelInput) -> LabelMove:
    mover = Mover(_by(context), given.reason)
    name, label = short(given.name, "name"), short(given.label, "label")
    return await remove_label(context.db, name, label, mover, now=context.now)


def _by(context: Context) -> str:
    """Who moves a label, for its history."""
    public_id = context.caller.public_id
    return BY_API if public_id is None else f"key {public_id}"


async def assign_prompt(
    info: Info, input: Annotated[AssignPromptInput, words("The assignment.")]
) -> AgentChanged:
    """Let an agent use a prompt in a role; the same role and selector again change `when` and metadata."""
    return AgentChanged(input.agent, *await info.context.settle(_assign(info.context, input)))


async def _assign(context: Context, given: AssignPromptInput) -> Assignment:
    return await assign(context.db, new_assignment(given), now=context.now)


async def unassign_prompt(
    info: Info, input: Annotated[UnassignPromptInput, words("The assignment.")]
) -> AgentChanged:
    """Take an assignment away; the agent stays."""
    agent, error = await info.context.settle(_unassign(info.context, input.id))
    return AgentChanged(agent.name if agent else "", None, error)


async def _unassign(context: Context, id_: str) -> Agent:
    _, agent, role, selector = key_of(id_, kind="Assignment")
    return await unassign(context.db, agent, role, selector)


# ---------------------------------------------------------------- payloads


@dataclass(frozen=True, slots=True)
class Refusal:
    """An expected error as a value: an exception in an answer would be taken for one that was raised."""

    code: ErrorCode
    field: str | None
    message: str
    retryable: bool


def errors(root: Parent[Any]) -> list[Refusal]:
    """Why nothing was done; empty if it was."""
    return [refusal(root.error)] if root.error else []


def refusal(error: PromptgraphError) -> Refusal:
    """The value that an expected error becomes in a payload."""
    return Refusal(ErrorCode(error.code), error.field, str(error), error.retryable)


def changed(root: LabelChanged | AgentChanged) -> str | None:
    """The name of what was changed, if anything was found."""
    return root.name or None
