"""Everything that the client and the command line ask of a server, word for word: a server that executes
trusted documents alone trusts these, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from promptgraph.client.agents import ASSIGNMENTS
from promptgraph.client.calls import Kind
from promptgraph.client.prompts import FRAGMENT

PAGE = 5
"""Families, or agents, of one request: what a server's limits allow."""
_INFO = "pageInfo { hasNextPage endCursor }"
_ERROR = "error { code field message retryable }"

REVISION = "query Revision { serverInfo { revision } }"
PROMPT = f"""\
query Look($name: String!, $label: String, $version: Int, $orLatest: Boolean!) {{
  serverInfo {{ revision }}
  prompt(name: $name, label: $label, version: $version) {{ ...P }}
  latest: prompt(name: $name) @include(if: $orLatest) {{ ...P }}
}}
{FRAGMENT}"""
AGENT = f"""\
query LookAgent($name: String!) {{
  serverInfo {{ revision }}
  agent(name: $name) {{ {ASSIGNMENTS} }}
}}
{FRAGMENT}"""
FAMILIES = f"""\
query Families($after: String) {{
  page: promptFamilies(first: {PAGE}, after: $after) {{
    {_INFO}
    nodes {{ latest {{ ...P }} labels {{ label prompt {{ ...P }} }} }}
  }}
}}
{FRAGMENT}"""
AGENTS = f"""\
query Agents($after: String) {{
  page: agents(first: {PAGE}, after: $after) {{ {_INFO} nodes {{ name {ASSIGNMENTS} }} }}
}}
{FRAGMENT}"""
NEWS = ("subscription { promptSynced { id } }", "subscription { promptLabelMoved { id } }")


class Mutation(NamedTuple):
    """A document, and the field of its answer."""

    field: str
    document: str


RECORDING: Mapping[Kind, Mutation] = {
    Kind.CALL: Mutation(
        "recordLlmCalls",
        f"""\
mutation Record($input: [LlmCallInput!]!) {{
  recordLlmCalls(input: $input) {{ results {{ status warnings {{ code field message }} {_ERROR} }} }}
}}""",
    ),
    Kind.SCORE: Mutation(
        "scoreLlmCalls",
        f"""\
mutation Score($input: [ScoreInput!]!) {{
  scoreLlmCalls(input: $input) {{ results {{ {_ERROR} }} }}
}}""",
    ),
}
SYNC = """\
mutation Sync($input: SyncPromptsInput!) {
  syncPrompts(input: $input) {
    plan { action kind name version sentence impact path }
    problems { path line column message hint warning }
    run { source commitSha startedAt finishedAt added moved retired unchanged }
    errors { code message retryable }
  }
}
"""
DOCUMENTS = (
    REVISION,
    PROMPT,
    AGENT,
    FAMILIES,
    AGENTS,
    *NEWS,
    *(m.document for m in RECORDING.values()),
    SYNC,
)
