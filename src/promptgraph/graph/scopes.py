"""Which scope a key needs for each field of the schema, in one table; what is not in it needs them all."""

from __future__ import annotations

from collections.abc import Mapping

from promptgraph.domain.keys import EVERY_SCOPE, Scope

ROOTS: Mapping[Scope, str] = {
    Scope.READ: """
        Query.node Query.nodes Query.prompt Query.promptAt Query.prompts Query.promptFamily
        Query.promptFamilies Query.agent Query.agents Query.llmCall Query.llmCalls Query.metrics
        Query.syncRuns Query.serverInfo
        Subscription.llmCallRecorded Subscription.promptSynced Subscription.promptLabelMoved
    """,
    Scope.RECORD: "Mutation.recordLlmCall Mutation.recordLlmCalls Mutation.scoreLlmCalls",
    Scope.SYNC: """
        Mutation.syncPrompts Mutation.setPromptLabel Mutation.removePromptLabel Mutation.assignPrompt
        Mutation.unassignPrompt
    """,
    Scope.ADMIN: """
        Query.apiKeys Query.__schema Query.__type
        Mutation.createApiKey Mutation.revokeApiKey Mutation.eraseCalls
    """,
}
"""What can be asked and done, by the scope that it needs. A git-owned label needs ADMIN on top."""

TYPES: Mapping[Scope, str] = {
    Scope.READ: """
        Agent AgentConnection AgentEdge Assignment CallFigures CallMetrics CallMetricsBin CallMetricsGroup
        ContentHashes ContentParts LabelMoveConnection LabelMoveEdge LatencyStats LlmCall LlmCallConnection
        LlmCallEdge Node Prompt PromptChange PromptConnection PromptDiff PromptEdge PromptFamily
        PromptFamilyConnection PromptFamilyEdge PromptLabel PromptMessage PromptVariable RenderedMessage
        RenderedPrompt Score ScoreStats ServerInfo SyncRunConnection SyncRunEdge
    """,
    Scope.ADMIN: "ApiKey",
}
"""Whose fields need a scope wherever they are reached from: who may record does not read what is stored."""

OPEN = frozenset(
    [
        "AssignPromptPayload",
        "CreateApiKeyPayload",
        "EraseCallsPayload",
        "FileProblem",
        "LabelMove",
        "MutationError",
        "PageInfo",
        "PromptSource",
        "RecordLlmCallPayload",
        "RecordLlmCallsPayload",
        "RecordResult",
        "RecordWarning",
        "RemovePromptLabelPayload",
        "RevokeApiKeyPayload",
        "ScoreLlmCallsPayload",
        "ScoreResult",
        "SetPromptLabelPayload",
        "SyncPromptsPayload",
        "SyncRun",
        "SyncStep",
        "UnassignPromptPayload",
    ]
)
"""Whose fields are for whoever may use the field that led there."""

NAMED: Mapping[str, str] = {
    "Query.prompt": "name_prefix",
    "Query.promptAt": "name_prefix",
    "Query.promptFamily": "name_prefix",
    "Query.agent": "agents",
}
"""What a bound key may ask for: by a `name` that fits this binding, which it must have."""

BOUND: Mapping[str, str] = {
    "Prompt": """
        id databaseId name version draft contentHash description tags metadata model config tools messages
        variables inputSchema outputSchema partials source labelNames isLatest createdAt retiredAt family
        previous next diff render
    """,
    "PromptFamily": """
        id name formerNames description tags metadata latest retiredAt labels versions labelMoves
    """,
    "Agent": "id databaseId name description declared createdAt assignments prompts prompt",
    "Assignment": "id role selector when metadata position prompt agent managedByFile",
    "LabelMove": "id label name from to movedAt movedBy reason source",
    "LabelMoveConnection": "edges nodes pageInfo totalCount",
    "LabelMoveEdge": "cursor node",
    "PageInfo": "hasNextPage hasPreviousPage startCursor endCursor",
    "PromptChange": "path kind before after impact sentence",
    "PromptConnection": "edges nodes pageInfo totalCount",
    "PromptDiff": "from to impact unified changes",
    "PromptEdge": "cursor node",
    "PromptLabel": "id label prompt managedByFile overridden movedAt",
    "PromptMessage": "role content placeholder parts",
    "PromptSource": "path commitSha author committedAt url",
    "PromptVariable": "name required sensitive schema default description",
    "Query": "serverInfo",
    "RenderedMessage": "role content parts",
    "RenderedPrompt": "prompt messages text variables hash matchesSent",
    "ServerInfo": "version mode revision",
}
"""What a bound key may read: the prompts it named and their families, its agents' assignments; no calls, no
figures, nobody else.
"""

TYPENAME = "__typename"
_BY_ROOT = {name: frozenset({scope}) for scope, names in ROOTS.items() for name in names.split()}
_BY_TYPE = {name: frozenset({scope}) for scope, names in TYPES.items() for name in names.split()}
BOUND_FIELDS = frozenset(f"{kind}.{name}" for kind, names in BOUND.items() for name in names.split())
_NONE: frozenset[Scope] = frozenset()


def scopes_of(kind: str, name: str) -> frozenset[Scope]:
    """What a key needs for the field `name` of the type `kind`."""
    if name == TYPENAME or kind in OPEN or kind.startswith("__"):
        return _NONE
    return _BY_ROOT.get(f"{kind}.{name}") or _BY_TYPE.get(kind, EVERY_SCOPE)
