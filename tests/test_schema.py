"""The schema as a contract: what clients see is written down, described, and what the code says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    get_named_type,
    is_input_object_type,
    is_introspection_type,
    is_object_type,
    is_required_input_field,
    is_specified_scalar_type,
    print_ast,
)
from graphql.utilities import get_default_value_ast

from promptgraph import __version__
from promptgraph.domain import errors
from promptgraph.graph.enums import ErrorCode
from promptgraph.graph.evolution import deprecations
from promptgraph.graph.nodes import KINDS
from promptgraph.graph.schema import Schema, sdl, tidy

SDL = Path(__file__).parents[1] / "schema.graphql"
CORE = Schema(is_open=True).core
OWN = [t for t in CORE.type_map.values() if not is_introspection_type(t) and not is_specified_scalar_type(t)]
ROUNDABOUT = ("trace", "span", "generation", "slug", "usage")
OF_OPENTELEMETRY = ("traceId", "traceUrl", "spanId")


def test_the_written_schema_is_the_codes() -> None:
    """schema.graphql at the root is what `promptgraph schema export` prints: run `make gen`."""
    assert SDL.read_text() == sdl()


def described(kind: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    """Everything of a type that a client can see, with its description."""
    yield kind.name, kind.description
    for name, each in getattr(kind, "fields", {}).items():
        yield f"{kind.name}.{name}", each.description
        for argument, given in getattr(each, "args", {}).items():
            yield f"{kind.name}.{name}({argument})", given.description
    for name, value in getattr(kind, "values", {}).items():
        yield f"{kind.name}.{name}", value.description


@pytest.mark.parametrize("kind", OWN, ids=str)
def test_everything_is_described(kind: GraphQLNamedType) -> None:
    """Each type, field, argument and value says what it is, in a sentence."""
    said = dict(described(kind))
    assert [] == [
        name for name, words in said.items() if not words or not words.rstrip().endswith((".", ")"))
    ]


def test_one_word_for_one_thing() -> None:
    """Names use the project's words; traces and spans are OpenTelemetry's, and only their ids are here."""
    names = [n for kind in OWN for n, _ in described(kind) if not n.endswith(OF_OPENTELEMETRY)]
    assert [] == [name for name in names if any(word in name.lower() for word in ROUNDABOUT)]


def family_of(error: type[errors.PromptgraphError]) -> Iterator[type[errors.PromptgraphError]]:
    yield error
    for child in error.__subclasses__():
        yield from family_of(child)


def test_every_expected_error_has_a_code_of_the_schema() -> None:
    """What a domain error is called, a client finds in ErrorCode."""
    named = [e for e in family_of(errors.PromptgraphError) if e.__module__ == errors.__name__]
    codes = {error.code for error in named} - {errors.PromptgraphError.code}
    assert codes <= set(ErrorCode)


def test_every_node_can_be_found_by_its_id() -> None:
    """A type that is a Node has a row in the table of kinds."""
    nodes = CORE.type_map["Node"]
    assert KINDS.keys() == {kind.name for kind in CORE.get_possible_types(nodes)}  # type: ignore[arg-type]  # an interface


def test_connections_are_alike() -> None:
    """Every list in pages has edges, nodes, pageInfo and a count that may be null."""
    expected = {"edges": True, "nodes": True, "pageInfo": True, "totalCount": False}
    for kind in OWN:
        if kind.name.endswith("Connection"):
            fields = kind.fields  # type: ignore[attr-defined]  # an object type
            assert expected == {name: str(each.type).endswith("!") for name, each in fields.items()}


# ---------------------------------------------------------------- what clients count on

PAGING = "first: Int, after: String, last: Int, before: String"
OF_CALLS = f"({PAGING}, filter: LlmCallFilter): LlmCallConnection"
METRICS = "(window: Window, filter: MetricsFilter): CallMetrics"
PROMISED = {
    "Query": {
        "node": "(id: ID!): Node",
        "nodes": "(ids: [ID!]!): [Node]!",
        "prompt": "(name: String!, version: Int, label: String): Prompt",
        "promptAt": "(name: String!, label: String!, at: DateTime!): Prompt",
        "prompts": f"({PAGING}, filter: PromptFilter, orderBy: PromptOrder): PromptConnection!",
        "promptFamily": "(name: String!): PromptFamily",
        "promptFamilies": f"({PAGING}, filter: PromptFilter): PromptFamilyConnection!",
        "agent": "(name: String!): Agent",
        "agents": f"({PAGING}): AgentConnection!",
        "llmCall": "(callId: UUID!): LlmCall",
        "llmCalls": OF_CALLS,
        "metrics": METRICS,
        "syncRuns": f"({PAGING}): SyncRunConnection!",
        "apiKeys": ": [ApiKey!]!",
        "serverInfo": ": ServerInfo!",
    },
    "Mutation": {
        "recordLlmCall": "(input: LlmCallInput!): RecordLlmCallPayload!",
        "recordLlmCalls": "(input: [LlmCallInput!]!): RecordLlmCallsPayload!",
        "scoreLlmCalls": "(input: [ScoreInput!]!): ScoreLlmCallsPayload!",
        "eraseCalls": "(input: EraseCallsInput!): EraseCallsPayload!",
        "syncPrompts": "(input: SyncPromptsInput!): SyncPromptsPayload!",
        "setPromptLabel": "(input: SetPromptLabelInput!): SetPromptLabelPayload!",
        "removePromptLabel": "(input: RemovePromptLabelInput!): RemovePromptLabelPayload!",
        "assignPrompt": "(input: AssignPromptInput!): AssignPromptPayload!",
        "unassignPrompt": "(input: UnassignPromptInput!): UnassignPromptPayload!",
        "createApiKey": "(input: CreateApiKeyInput!): CreateApiKeyPayload!",
        "revokeApiKey": "(input: RevokeApiKeyInput!): RevokeApiKeyPayload!",
    },
    "Subscription": {
        "llmCallRecorded": "(filter: LlmCallFilter): LlmCall!",
        "promptSynced": "(names: [String!]): Prompt!",
        "promptLabelMoved": "(names: [String!], label: String): LabelMove!",
    },
    "Prompt": {
        "diff": "(against: ID): PromptDiff",
        "render": "(variables: JSON! = {}): RenderedPrompt",
        "agents": f"({PAGING}): AgentConnection",
        "callers": f"({PAGING}): AgentConnection",
        "llmCalls": OF_CALLS,
        "metrics": METRICS,
    },
    "PromptFamily": {
        "versions": f"({PAGING}): PromptConnection!",
        "labelMoves": f"({PAGING}): LabelMoveConnection!",
        "agents": f"({PAGING}): AgentConnection",
        "llmCalls": OF_CALLS,
        "metrics": METRICS,
    },
    "Agent": {
        "prompts": f"({PAGING}): PromptConnection!",
        "prompt": "(role: String!, context: JSON! = {}): Prompt",
        "llmCalls": OF_CALLS,
        "metrics": METRICS,
    },
    "CallMetrics": {
        "series": '(bin: TimeBin!, timeZone: String! = "UTC"): [CallMetricsBin!]',
        "by": "(dimension: CallDimension!, first: Int! = 20, orderBy: GroupOrder! = CALLS)"
        ": [CallMetricsGroup!]",
    },
    "LatencyStats": {"quantile": "(q: Float!): Float"},
}
"""Every field with arguments, as clients write it."""


def default(part: GraphQLArgument | GraphQLInputField) -> str:
    value = get_default_value_ast(part)
    return "" if value is None else f" = {tidy(print_ast(value))}"


def signature(field: GraphQLField) -> str:
    arguments = ", ".join(f"{name}: {each.type}{default(each)}" for name, each in field.args.items())
    return f"({arguments}): {field.type}" if arguments else f": {field.type}"


OBJECTS = {kind.name: kind for kind in OWN if is_object_type(kind)}


@pytest.mark.parametrize("name", PROMISED)
def test_fields_are_asked_for_as_promised(name: str) -> None:
    """Names, arguments, defaults, and what may be null."""
    fields = OBJECTS[name].fields
    taking = {each for each, field in fields.items() if field.args}
    assert PROMISED[name] == {each: signature(fields[each]) for each in PROMISED[name].keys() | taking}


def test_no_other_field_takes_arguments() -> None:
    """What is not in the table is read as it is."""
    taking = {name for name, kind in OBJECTS.items() if any(field.args for field in kind.fields.values())}
    assert PROMISED.keys() == taking


REQUIRED = {
    "AssignPromptInput": {"agent", "role", "selector"},
    "CreateApiKeyInput": {"name", "scopes"},
    "EraseCallsInput": {"reason"},
    "LlmCallInput": {"model"},
    "PromptFileInput": {"path", "text"},
    "PromptOrder": {"field", "direction"},
    "RemovePromptLabelInput": {"name", "label"},
    "RevokeApiKeyInput": {"publicId"},
    "ScoreInput": {"callId", "name"},
    "SetPromptLabelInput": {"name", "label", "version"},
    "SyncPromptsInput": {"files"},
    "UnassignPromptInput": {"id"},
}
DEFAULTS = {
    "EraseCallsInput": {"dryRun": "true"},
    "LlmCallInput": {"environment": '"default"', "status": "OK"},
    "PromptFilter": {"retired": "false", "allVersions": "false"},
    "ScoreInput": {"source": '"api"'},
    "SetPromptLabelInput": {"override": "false"},
    "SyncPromptsInput": {"source": '"default"', "dryRun": "false", "force": "false"},
}


@pytest.mark.parametrize("kind", [each for each in OWN if is_input_object_type(each)], ids=str)
def test_inputs_ask_for_no_more_than_promised(kind: GraphQLInputObjectType) -> None:
    """What must be given, and what stands in for the rest."""
    required = {name for name, field in kind.fields.items() if is_required_input_field(field)}
    assert REQUIRED.get(kind.name, set()) == required
    given = {
        name: default(field).removeprefix(" = ") for name, field in kind.fields.items() if default(field)
    }
    assert DEFAULTS.get(kind.name, {}) == given


def test_payloads_report_what_was_refused() -> None:
    """Each has `errors`, which is never null."""
    payloads = [kind for name, kind in OBJECTS.items() if name.endswith("Payload")]
    assert {"[MutationError!]!"} == {str(kind.fields["errors"].type) for kind in payloads}


def test_what_may_fail_alone_may_be_null() -> None:
    """One failure of calls, metrics, or a count never empties a page."""
    dear = {"LlmCallConnection", "CallMetrics", "CallMetricsBin", "CallMetricsGroup", "PromptDiff"}
    for kind in OBJECTS.values():
        for name, field in kind.fields.items():
            if get_named_type(field.type).name in dear or name == "totalCount":
                assert not str(field.type).endswith("!"), f"{kind.name}.{name}"


DEPRECATION = re.compile(r".* Use `\w+`( and `\w+`)*\. Deprecated since \d+\.\d+\.")


def test_deprecations_say_what_to_use() -> None:
    """And since which version, in this one or before."""
    found = deprecations(CORE)
    assert {"LlmCall.promptText"} <= found.keys()
    assert {} == {place: reason for place, reason in found.items() if not DEPRECATION.fullmatch(reason)}
    for reason in found.values():
        since = tuple(map(int, reason.rstrip(".").split()[-1].split(".")))
        assert since <= tuple(map(int, __version__.split(".")[:2]))


def test_the_schema_is_written_in_one_order() -> None:
    """Types by name, so that a difference shows what changed and nothing else."""
    names = re.findall(r"^(?:type|interface|enum|input|scalar|union) (\w+)", sdl(), re.MULTILINE)
    assert sorted(names) == names
