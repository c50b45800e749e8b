"""The types of the schema. Declarations only: what is no attribute of the record, a free function answers."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

import strawberry

from promptgraph.domain import call, prompt, registry
from promptgraph.domain.call import CallStatus, ContentState, CostSource
from promptgraph.domain.content import PARTS
from promptgraph.domain.diff import Impact
from promptgraph.domain.metrics_key import Dimension
from promptgraph.domain.registry import SyncAction
from promptgraph.graph import call_resolvers, lists, metric_resolvers, resolvers
from promptgraph.graph.connections import Connection
from promptgraph.graph.field import attribute, connection, interface, linked, resolved, shape
from promptgraph.graph.metric_shapes import CallFigures, CallMetricsBin
from promptgraph.graph.part_shapes import (
    ContentHashes,
    ContentParts,
    PromptChange,
    PromptMessage,
    PromptSource,
    PromptVariable,
    RenderedMessage,
)
from promptgraph.graph.scalars import JSON, BigInt

RENDER_COST, DIFF_COST, METRICS_COST, SERIES_COST = 50, 20, 10, 50
SCORES = 5
"""How many a call is taken to have."""
OPAQUE = "Opaque; the same for the same thing in every registry, but for syncs and label moves."


@interface
class Node:
    """Anything that has an id, and can be asked for by it."""

    record: ClassVar[type]
    id: strawberry.ID = attribute(OPAQUE, of="global_id")

    @classmethod
    def is_type_of(cls, obj: object, _info: object) -> bool:
        """Objects are records of the domain."""
        return isinstance(obj, cls.record)


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
    label_names: list[str] = linked(
        "The labels that point to this version.", "labels_of_prompt", "id", give=resolvers.labels_of
    )
    is_latest: bool = attribute("Whether no version is higher.")
    created_at: dt.datetime = attribute("When it came to this registry.")
    retired_at: dt.datetime | None = attribute(
        "When its file was found gone from git; its calls stay.", of="family.retired_at"
    )
    family: PromptFamily = attribute("All versions of the name.")
    previous: Prompt | None = linked(
        "The version before this one; null for the first.", "neighbour", resolvers.before
    )
    next: Prompt | None = linked(
        "The version after this one; null for the latest.", "neighbour", resolvers.after
    )
    diff: PromptDiff | None = resolved(resolvers.prompt_diff, cost=DIFF_COST)
    render: RenderedPrompt | None = resolved(resolvers.prompt_render, cost=RENDER_COST)
    agents: Connection[Agent] | None = connection(lists.prompt_agents)
    callers: Connection[Agent] | None = connection(lists.prompt_callers)
    llm_calls: Connection[LlmCall] | None = connection(lists.prompt_calls)
    metrics: CallMetrics | None = resolved(metric_resolvers.prompt_metrics, cost=METRICS_COST)


@shape
class PromptFamily(Node):
    """All versions of one name, and what is not content."""

    record = prompt.PromptFamily
    name: str = attribute("The name: the file's path.")
    former_names: list[str] = attribute("The names it had before; they still lead here.")
    description: str | None = attribute("What the prompt is for.")
    tags: list[str] = attribute("Categories for finding it.")
    metadata: JSON = attribute("Anything else the file says about it.")
    latest: Prompt | None = linked("The highest version.", "prompt_by_ref", resolvers.latest)
    retired_at: dt.datetime | None = attribute("When its file was found gone from git.")
    stored_of_calls: ContentParts = attribute("What its file lets be stored of its calls.", of="record")
    labels: list[PromptLabel] = linked("The labels, by name.", "labels_of_family", "id")
    versions: Connection[Prompt] = connection(lists.family_versions)
    label_moves: Connection[LabelMove] = connection(lists.family_label_moves)
    agents: Connection[Agent] | None = connection(lists.family_agents)
    llm_calls: Connection[LlmCall] | None = connection(lists.family_calls)
    metrics: CallMetrics | None = resolved(metric_resolvers.family_metrics, cost=METRICS_COST)


@shape
class PromptLabel(Node):
    """A movable pointer to a version, e.g. `production`."""

    record = registry.PromptLabel
    label: str = attribute("Its name.")
    prompt: Prompt = linked("The version that it points to.", "prompt", "prompt_id")
    managed_by_file: bool = attribute("Whether labels.yaml decides where it points.")
    overridden: bool = attribute("Whether somebody moved it although labels.yaml decides.")
    moved_at: dt.datetime = attribute("When it came to point there.")


@shape
class LabelMove(Node):
    """One move of a label."""

    record = registry.LabelMove
    label: str = attribute("The label.")
    name: str = attribute("The prompt's name.")
    from_: Prompt | None = linked(
        "The version that it pointed to before; null if it was set for the first time.",
        "prompt",
        "from_prompt_id",
        name="from",
    )
    to: Prompt | None = linked(
        "The version that it points to since; null if it was taken away.", "prompt", "to_prompt_id"
    )
    moved_at: dt.datetime = attribute("When it was applied here.")
    moved_by: str | None = attribute("Who moved it.")
    reason: str | None = attribute("Why.")
    source: PromptSource | None = attribute("The line of labels.yaml that moved it, if one did.")


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
    assignments: list[Assignment] = linked(
        "How it uses prompts: by role, in the order they are tried.", "assignments_of_agent", "id"
    )
    prompts: Connection[Prompt] = connection(lists.agent_prompts)
    prompt: Prompt | None = resolved(resolvers.agent_prompt)
    llm_calls: Connection[LlmCall] | None = connection(lists.agent_calls)
    metrics: CallMetrics | None = resolved(metric_resolvers.agent_metrics, cost=METRICS_COST)


@shape
class Assignment(Node):
    """One way in which an agent uses prompts."""

    record = registry.Assignment
    role: str = attribute("What the prompt is to the agent, e.g. `triage`.")
    selector: str = attribute("Which version: `name@label`, `name@2`, or `name` for the latest.")
    when: JSON = attribute("The circumstances in which it holds: all keys equal, a list meaning any of.")
    metadata: JSON = attribute("Anything else that was said about it.")
    position: int = attribute("Where it stands among those of its role: the first that matches is taken.")
    prompt: Prompt | None = linked(
        "What the selector resolves to now; null for nothing.", "prompt", "prompt_id"
    )
    agent: Agent = linked("The agent.", "agent", "agent_id")
    managed_by_file: bool = attribute("Whether the agent's file makes it.")


@shape
class Score:
    """What somebody or something thinks of a call."""

    id: strawberry.ID = attribute(OPAQUE, of="global_id")
    name: str = attribute("What is scored.")
    value: float | None = attribute("The score as a number.")
    label: str | None = attribute("The score as a word.")
    comment: str | None = attribute("Why.")
    source: str = attribute("Who scored.")
    created_at: dt.datetime = attribute("When it got its present value.")


@shape
class LlmCall(Node):
    """One recorded call of a model. Field names follow OpenTelemetry's gen_ai attributes."""

    record = call.LlmCall
    call_id: UUID = attribute("The caller's key; to record it again changes nothing.", of="id")
    prompt: Prompt | None = linked(
        "The version that was sent; null if the call was recorded without one.", "prompt", "prompt_id"
    )
    label: str | None = attribute("The label that the prompt was asked for by.")
    agent: Agent | None = linked("The agent that made it.", "agent", "agent_id")
    environment: str = attribute("Where it ran.")
    operation: str | None = attribute("What was asked of the model, e.g. `chat`.")
    provider: str | None = attribute("Who serves the model.")
    model: str = attribute("The model that was asked for.")
    response_model: str | None = attribute("The model that answered.")
    response_id: str | None = attribute("The provider's id of the answer.")
    release: str | None = attribute("The version of the calling application.")
    attempt: int | None = attribute("Which try it was.")
    status: CallStatus = attribute("How it ended.")
    error_type: str | None = attribute("The kind of error.")
    error_message: str | None = attribute("The error in words.")
    finish_reasons: list[str] = attribute("Why the model stopped, for each choice.")
    tool_call_count: int | None = attribute("How many tools the model called.")
    input_tokens: int | None = attribute("Tokens sent, cached ones included.")
    output_tokens: int | None = attribute("Tokens made, reasoning included.")
    cache_read_input_tokens: int | None = attribute("Input tokens that were read from a cache.")
    cache_write_input_tokens: int | None = attribute("Input tokens that were written to a cache.")
    reasoning_output_tokens: int | None = attribute("Output tokens that were spent on reasoning.")
    cost_usd: Decimal | None = attribute("What it cost; null when nobody knows the price.")
    cost_source: CostSource | None = attribute("Who says what it cost.")
    latency_ms: float | None = attribute("How long it took. Unit: ms.")
    time_to_first_token_ms: float | None = attribute("When the first token came. Unit: ms.")
    started_at: dt.datetime = attribute("When it started.")
    recorded_at: dt.datetime = attribute("When it was recorded here.")
    conversation_id: str | None = attribute("The conversation that it is part of.")
    user_id: str | None = attribute("For whom it was made.")
    trace_id: str | None = attribute("The trace that it is part of.")
    span_id: str | None = attribute("Its span in the trace.")
    trace_url: str | None = resolved(call_resolvers.call_trace_url)
    content_state: ContentState = attribute(
        "What is stored of what it was about: of the part of which least is stored, of those that it has."
    )
    content_parts: ContentParts = resolved(call_resolvers.call_content_parts)
    content_hashes: ContentHashes | None = linked(
        "The hashes of what is not stored itself; null where nothing is HASHED.",
        "content",
        "id",
        give=call_resolvers.hashes_of,
    )
    redacted: list[str] = linked(
        "The parts that the server's redaction changed before they were stored.",
        "content",
        "id",
        give=call_resolvers.redacted_of,
        rows=len(PARTS),
    )
    variables: JSON | None = linked(
        "What the prompt was rendered with, but for sensitive variables; null where they are not stored.",
        "content",
        "id",
        give=call_resolvers.variables_of,
    )
    output: JSON | None = linked(
        "What the model answered; null where it is not stored.",
        "content",
        "id",
        give=call_resolvers.output_of,
    )
    metadata: JSON = linked(
        "Anything else that the caller said about it.", "content", "id", give=call_resolvers.metadata_of
    )
    scores: list[Score] = linked("What was thought of it, by name and source.", "scores", "id", rows=SCORES)
    rendered_prompt: RenderedPrompt | None = resolved(call_resolvers.call_rendered_prompt, cost=RENDER_COST)
    prompt_text: str | None = attribute(
        "The text that a row adopted from a legacy table was sent with, if it fits no prompt.",
        of="legacy_prompt_text",
        deprecated="Legacy rows only. Use `prompt` and `renderedPrompt`. Deprecated since 0.1.",
    )


@shape
class CallMetrics(CallFigures):
    """Figures of the calls in a window."""

    record = metric_resolvers.CallMetrics
    since: dt.datetime | None = attribute(
        "Where the window begins, as answered; null: with the first call.", of="measured.window.since"
    )
    until: dt.datetime | None = attribute(
        "Where the window ends, as answered: the first moment that is no part of it; null: nowhere.",
        of="measured.window.until",
    )
    series: list[CallMetricsBin] | None = resolved(metric_resolvers.metrics_series, cost=SERIES_COST)
    by: list[CallMetricsGroup] | None = resolved(metric_resolvers.metrics_by, cost=METRICS_COST)


@shape
class CallMetricsGroup(CallFigures):
    """Figures of the calls that have one value of a dimension."""

    record = metric_resolvers.CallMetricsGroup
    key: str | None = attribute(
        "The value: null where calls have none, `(other)` for all the rest.", of="group.key"
    )
    since: dt.datetime | None = attribute(
        "Where the window begins, as answered; null: with the first call.", of="group.window.since"
    )
    until: dt.datetime | None = attribute(
        "Where the window ends, as answered: the first moment that is no part of it; null: nowhere.",
        of="group.window.until",
    )
    prompt: Prompt | None = linked(
        "The version, of groups by PROMPT.", "prompt", metric_resolvers.group_of(Dimension.PROMPT)
    )
    family: PromptFamily | None = linked(
        "The prompt, of groups by FAMILY.", "family", metric_resolvers.group_of(Dimension.FAMILY)
    )
    agent: Agent | None = linked(
        "The agent, of groups by AGENT.", "agent", metric_resolvers.group_of(Dimension.AGENT)
    )


@shape
class SyncStep:
    """One line of a sync's plan."""

    action: SyncAction = attribute("What it does.")
    kind: str = attribute("To what: prompt, family, label, agent or assignment.")
    name: str = attribute("The name.")
    version: int | None = attribute("The version, where it is about one.")
    prompt: Prompt | None = linked(
        "The version that the step is about, once it is stored.", "prompt_by_ref", resolvers.step_version
    )
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
    revision: BigInt = linked("Grows with every change of the registry.", "revision", resolvers.nothing)
    prompt_count: int = linked("The prompts that are not retired, by name.", "live_count", resolvers.nothing)
    last_sync: SyncRun | None = linked(
        "The last sync that was applied; null before the first.", "last_run", resolvers.nothing
    )
