"""The fields at the top: what can be asked, and what can be done."""

from __future__ import annotations

from promptgraph.graph import (
    acts,
    call_acts,
    call_resolvers,
    erasures,
    key_acts,
    lists,
    metric_resolvers,
    resolvers,
    subscriptions,
)
from promptgraph.graph.connections import Connection
from promptgraph.graph.field import connection, mutation, resolved, shape, subscription
from promptgraph.graph.key_shapes import ApiKey, CreateApiKeyPayload, RevokeApiKeyPayload
from promptgraph.graph.payloads import (
    AssignPromptPayload,
    EraseCallsPayload,
    RecordLlmCallPayload,
    RecordLlmCallsPayload,
    RemovePromptLabelPayload,
    ScoreLlmCallsPayload,
    SetPromptLabelPayload,
    SyncPromptsPayload,
    UnassignPromptPayload,
)
from promptgraph.graph.shapes import (
    METRICS_COST,
    Agent,
    CallMetrics,
    LabelMove,
    LlmCall,
    Node,
    Prompt,
    PromptFamily,
    ServerInfo,
    SyncRun,
)


@shape
class Query:
    """What can be asked."""

    node: Node | None = resolved(resolvers.node)
    nodes: list[Node | None] = resolved(resolvers.nodes)
    prompt: Prompt | None = resolved(resolvers.prompt)
    prompt_at: Prompt | None = resolved(resolvers.prompt_at)
    prompts: Connection[Prompt] = connection(lists.prompts)
    prompt_family: PromptFamily | None = resolved(resolvers.prompt_family)
    prompt_families: Connection[PromptFamily] = connection(lists.families)
    agent: Agent | None = resolved(resolvers.agent)
    agents: Connection[Agent] = connection(lists.agents)
    llm_call: LlmCall | None = resolved(call_resolvers.llm_call)
    llm_calls: Connection[LlmCall] | None = connection(lists.llm_calls)
    metrics: CallMetrics | None = resolved(metric_resolvers.metrics, cost=METRICS_COST)
    sync_runs: Connection[SyncRun] = connection(lists.sync_runs)
    api_keys: list[ApiKey] = resolved(key_acts.api_keys)
    server_info: ServerInfo = resolved(resolvers.server_info)


@shape
class Mutation:
    """What can be done. Each answers with what became of it; what is refused is in its `errors`."""

    record_llm_call: RecordLlmCallPayload = mutation(call_acts.record_llm_call)
    record_llm_calls: RecordLlmCallsPayload = mutation(call_acts.record_llm_calls)
    score_llm_calls: ScoreLlmCallsPayload = mutation(call_acts.score_llm_calls)
    erase_calls: EraseCallsPayload = mutation(erasures.erase_calls)
    sync_prompts: SyncPromptsPayload = mutation(acts.sync_prompts)
    set_prompt_label: SetPromptLabelPayload = mutation(acts.set_prompt_label)
    remove_prompt_label: RemovePromptLabelPayload = mutation(acts.remove_prompt_label)
    assign_prompt: AssignPromptPayload = mutation(acts.assign_prompt)
    unassign_prompt: UnassignPromptPayload = mutation(acts.unassign_prompt)
    create_api_key: CreateApiKeyPayload = mutation(key_acts.create_api_key)
    revoke_api_key: RevokeApiKeyPayload = mutation(key_acts.revoke_api_key)


@shape
class Subscription:
    """What can be followed, from the moment of subscribing on. It comes within a second, whichever process of
    the server wrote it.
    """

    llm_call_recorded: LlmCall = subscription(subscriptions.llm_call_recorded)
    prompt_synced: Prompt = subscription(subscriptions.prompt_synced)
    prompt_label_moved: LabelMove = subscription(subscriptions.prompt_label_moved)
