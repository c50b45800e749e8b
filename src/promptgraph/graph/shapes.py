"""The types of the schema. Declarations only: what is no attribute of the record, a free function answers."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

import strawberry

from promptgraph.domain import prompt, registry
from promptgraph.domain.diff import ChangeKind, Impact
from promptgraph.domain.prompt import MessageRole
from promptgraph.domain.registry import SyncAction
from promptgraph.graph import acts, lists, resolvers
from promptgraph.graph.connections import Connection
from promptgraph.graph.enums import ErrorCode
from promptgraph.graph.field import attribute, connection, interface, resolved, shape
from promptgraph.graph.scalars import JSON, BigInt

RENDER_COST, DIFF_COST = 50, 20


@interface
class Node:
    """Anything that has an id, and can be asked for by it."""

    record: ClassVar[type]
    id: strawberry.ID = resolved(resolvers.node_id)

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Objects are records of the domain."""
        return isinstance(obj, cls.record)


@shape
class PromptMessage:
    """A message of a prompt, before rendering: exactly one of content, placeholder and parts is given."""

    role: MessageRole | None = attribute("Who speaks; null on a placeholder.")
    content: str | None = attribute("The text, a template.")
    placeholder: str | None = attribute("The variable that holds messages to stand here.")
    parts: list[JSON] | None = attribute(
        "Parts of other kinds than text alone, e.g. images; texts in them are templates."
    )


@shape
class PromptVariable:
    """An input of a prompt."""

    name: str = attribute("Its name in the templates.")
    required: bool = attribute("Whether a rendering fails without it.")
    schema: JSON = attribute("The JSON Schema of its values.")
    default: JSON | None = attribute("What is taken when none is given.")
    description: str | None = attribute("What it is for.")
    sensitive: bool = attribute("Whether its values are never stored.")


@shape
class PromptSource:
    """Where something came from."""

    path: str = attribute("The file, below the prompts folder.")
    commit_sha: str | None = attribute("The commit.")
    author: str | None = attribute("The commit's author.")
    committed_at: dt.datetime | None = attribute("The commit's time.")
    url: str | None = attribute("The file at that commit on the web.")


@shape
class Prompt(Node):
    """One immutable version of a named prompt."""

    record = prompt.Prompt
    database_id: int = attribute("The primary key; valid in this database only.", of="id")
    name: str = attribute("The name: the file's path.")
    version: int = attribute("The version, as the file says it.")
    draft: bool = attribute("Whether it may still be replaced; stored while developing.")
    content_hash: str = attribute("SHA-256, hex, of the canonical content.")
    description: str | None = attribute("What the prompt is for; of the family.", of="family.description")
    tags: list[str] = attribute("Categories for finding it; of the family.", of="family.tags")
    metadata: JSON = attribute("Anything else the file says about it; of the family.", of="family.metadata")
    model: str | None = attribute("The model that the file recommends.")
    config: JSON = attribute("The settings for the model, e.g. temperature.")
    tools: list[JSON] = attribute("The tools offered to the model.")
    messages: list[PromptMessage] = attribute("The messages: templates, partials inlined.")
    variables: list[PromptVariable] = attribute("The inputs, by name.")
    input_schema: JSON = attribute("The JSON Schema of the variables.")
    output_schema: JSON | None = attribute("The JSON Schema of the model's output.")
    partials: list[str] = attribute("The partials that were inlined.")
    source: PromptSource | None = attribute("The file and commit that it came from.")
    label_names: list[str] = resolved(resolvers.prompt_label_names)
    is_latest: bool = attribute("Whether no version is higher.")
    created_at: dt.datetime = attribute("When it came to this registry.")
    retired_at: dt.datetime | None = attribute(
        "When its file was found gone from git; its calls stay.", of="family.retired_at"
    )
    family: PromptFamily = attribute("All versions of the name.")
    previous: Prompt | None = resolved(resolvers.prompt_previous)
    next: Prompt | None = resolved(resolvers.prompt_next)
    diff: PromptDiff | None = resolved(resolvers.prompt_diff, cost=DIFF_COST)
    render: RenderedPrompt | None = resolved(resolvers.prompt_render, cost=RENDER_COST)
    agents: Connection[Agent] | None = connection(lists.prompt_agents)


@shape
class PromptFamily(Node):
    """All versions of one name, and what is not content."""

    record = prompt.PromptFamily
    name: str = attribute("The name: the file's path.")
    former_names: list[str] = attribute("The names it had before; they still lead here.")
    description: str | None = attribute("What the prompt is for.")
    tags: list[str] = attribute("Categories for finding it.")
    metadata: JSON = attribute("Anything else the file says about it.")
    latest: Prompt | None = resolved(resolvers.family_latest)
    retired_at: dt.datetime | None = attribute("When its file was found gone from git.")
    labels: list[PromptLabel] = resolved(resolvers.family_labels)
    versions: Connection[Prompt] = connection(lists.family_versions)
    label_moves: Connection[LabelMove] = connection(lists.family_label_moves)
    agents: Connection[Agent] | None = connection(lists.family_agents)


@shape
class PromptLabel(Node):
    """A movable pointer to a version, e.g. `production`."""

    record = registry.PromptLabel
    label: str = attribute("Its name.")
    prompt: Prompt = resolved(resolvers.label_prompt)
    managed_by_file: bool = attribute("Whether labels.yaml decides where it points.")
    overridden: bool = attribute("Whether somebody moved it although labels.yaml decides.")
    moved_at: dt.datetime = attribute("When it came to point there.")


@shape
class LabelMove(Node):
    """One move of a label."""

    record = registry.LabelMove
    label: str = attribute("The label.")
    name: str = attribute("The prompt's name.")
    from_: Prompt | None = resolved(resolvers.move_from, name="from")
    to: Prompt | None = resolved(resolvers.move_to)
    moved_at: dt.datetime = attribute("When it was applied here.")
    moved_by: str | None = attribute("Who moved it.")
    reason: str | None = attribute("Why.")
    source: PromptSource | None = attribute("The line of labels.yaml that moved it, if one did.")


@shape
class RenderedMessage:
    """A message to send: content or parts is given."""

    role: MessageRole = attribute("Who speaks.")
    content: str | None = attribute("The text.")
    parts: list[JSON] | None = attribute("Parts of other kinds than text alone.")


@shape
class RenderedPrompt:
    """What to send, and the record it was made from: a call can always name its prompt."""

    prompt: Prompt = attribute("The version that was rendered.")
    messages: list[RenderedMessage] = attribute("The messages, in order.", of="rendered.messages")
    text: str = attribute("The messages' contents, a blank line between.", of="rendered.text")
    variables: JSON = attribute("The variables as used: defaults filled in.", of="rendered.variables")
    hash: str = attribute("SHA-256, hex, of the rendered messages.", of="rendered.hash")
    matches_sent: bool | None = attribute(
        "On a call: whether this is what the caller says it sent; null when it said nothing."
    )


@shape
class PromptChange:
    """One difference between two versions."""

    path: str = attribute("Where in the file, e.g. `input.schema.properties.tone`.")
    kind: ChangeKind = attribute("What happened there.")
    before: JSON | None = attribute("What was there.")
    after: JSON | None = attribute("What is there now.")
    impact: Impact = attribute("What it asks of callers.")
    sentence: str = attribute("It in words.")


@shape
class PromptDiff:
    """What changed from one version to another."""

    from_: Prompt | None = attribute("The version before.", of="before", name="from")
    to: Prompt = attribute("The version after.", of="after")
    impact: Impact = attribute("The gravest of the changes' impacts.")
    unified: str = attribute("A unified diff of the canonical YAML.")
    changes: list[PromptChange] = attribute("The differences, by path.")


@shape
class Agent(Node):
    """A named caller of prompts."""

    record = registry.Agent
    database_id: int = attribute("The primary key; valid in this database only.", of="id")
    name: str = attribute("Its name.")
    description: str | None = attribute("What it is for.")
    declared: bool = attribute("Whether a file names it.")
    created_at: dt.datetime = attribute("When it came to this registry.")
    assignments: list[Assignment] = resolved(resolvers.agent_assignments)
    prompts: Connection[Prompt] = connection(lists.agent_prompts)
    prompt: Prompt | None = resolved(resolvers.agent_prompt)


@shape
class Assignment(Node):
    """One way in which an agent uses prompts."""

    record = registry.Assignment
    role: str = attribute("What the prompt is to the agent, e.g. `triage`.")
    selector: str = attribute("Which version: `name@label`, `name@2`, or `name` for the latest.")
    when: JSON = attribute("The circumstances in which it holds: all keys equal, a list meaning any of.")
    metadata: JSON = attribute("Anything else that was said about it.")
    position: int = attribute("Where it stands among those of its role: the first that matches is taken.")
    prompt: Prompt | None = resolved(resolvers.assignment_prompt)
    agent: Agent = resolved(resolvers.assignment_agent)
    managed_by_file: bool = attribute("Whether the agent's file makes it.")


@shape
class FileProblem:
    """What is wrong with a file, and what to do."""

    path: str = attribute("The file, below the prompts folder.", of="place.path")
    line: int | None = attribute("The line, from 1.", of="place.line")
    column: int | None = attribute("The column, from 1.", of="place.column")
    message: str = attribute("What is wrong.")
    hint: str | None = attribute("What to do.")
    warning: bool = attribute("Whether a sync goes on in spite of it.")


@shape
class SyncStep:
    """One line of a sync's plan."""

    action: SyncAction = attribute("What it does.")
    kind: str = attribute("To what: prompt, family, label, agent or assignment.")
    name: str = attribute("The name.")
    version: int | None = attribute("The version, where it is about one.")
    prompt: Prompt | None = resolved(resolvers.step_prompt)
    sentence: str = attribute("It in words.")
    impact: Impact | None = attribute("What a new version asks of callers of the previous one.")
    path: str | None = attribute("The file that asks for it.")


@shape
class SyncRun(Node):
    """A sync that was applied."""

    record = registry.SyncRun
    source: str = attribute("Who synced.", of="origin.source")
    started_at: dt.datetime = attribute("When it began.")
    finished_at: dt.datetime = attribute("When it was done.")
    commit_sha: str | None = attribute("The commit that the files were of.", of="origin.commit_sha")
    added: int = attribute("How much was new: names, versions, agents.")
    moved: int = attribute("How many labels moved.")
    retired: int = attribute("How much was retired.")
    unchanged: int = attribute("How much was found as the files say.")
    steps: list[SyncStep] = attribute("What it changed.")


@shape
class ServerInfo:
    """What this server is, and what it holds."""

    version: str = attribute("The version of promptgraph.")
    database: str = resolved(resolvers.server_database)
    mode: str = attribute("`development` or `production`.")
    revision: BigInt = resolved(resolvers.server_revision)
    prompt_count: int = resolved(resolvers.server_prompt_count)
    last_sync: SyncRun | None = resolved(resolvers.server_last_sync)


# ---------------------------------------------------------------- payloads


@shape
class MutationError:
    """Why a mutation did nothing."""

    code: ErrorCode = attribute("The kind of failure.")
    field: str | None = attribute("The input's field to blame.")
    message: str = attribute("What is wrong, and what to do.")
    retryable: bool = attribute("Whether the same again may succeed.")


@shape
class SyncPromptsPayload:
    """What a sync planned and did."""

    plan: list[SyncStep] = attribute("The steps, those that change nothing too.", of="steps")
    problems: list[FileProblem] = attribute("What is wrong with the files.")
    run: SyncRun | None = attribute("The sync, once applied; null on a dry run and when it was refused.")
    errors: list[MutationError] = resolved(acts.errors)


@shape
class SetPromptLabelPayload:
    """What became of the label."""

    move: LabelMove | None = attribute("The move; null if it pointed there already.")
    family: PromptFamily | None = resolved(acts.changed_family)
    errors: list[MutationError] = resolved(acts.errors)


@shape
class RemovePromptLabelPayload:
    """What became of the label."""

    move: LabelMove | None = attribute("The move that took it away.")
    family: PromptFamily | None = resolved(acts.changed_family)
    errors: list[MutationError] = resolved(acts.errors)


@shape
class AssignPromptPayload:
    """What became of the assignment."""

    assignment: Assignment | None = attribute("The assignment.")
    agent: Agent | None = resolved(acts.changed_agent)
    errors: list[MutationError] = resolved(acts.errors)


@shape
class UnassignPromptPayload:
    """What became of the assignment."""

    agent: Agent | None = resolved(acts.changed_agent)
    errors: list[MutationError] = resolved(acts.errors)
