"""The types of what is only part of something else: without ids, without links."""

from __future__ import annotations

import datetime as dt

from promptgraph.domain.call import ContentState
from promptgraph.domain.diff import ChangeKind, Impact
from promptgraph.domain.prompt import MessageRole
from promptgraph.graph.field import attribute, shape
from promptgraph.graph.scalars import JSON


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
class ContentParts:
    """What is stored of each part of what a call was about."""

    variables: ContentState = attribute("Of its variables.")
    output: ContentState = attribute("Of its output.")
    metadata: ContentState = attribute("Of its metadata.")


@shape
class ContentHashes:
    """HMAC-SHA-256, hex, of what is stored as hashes alone: equal values have equal ones by the same key."""

    key: str = attribute("Which of the server's keys made them.")
    variables: JSON | None = attribute("Of each variable, by its name.")
    output: str | None = attribute("Of the output.")
    metadata: JSON | None = attribute("Of each value of the metadata, by its name.")


@shape
class RenderedMessage:
    """A message to send: content or parts is given."""

    role: MessageRole = attribute("Who speaks.")
    content: str | None = attribute("The text.")
    parts: list[JSON] | None = attribute("Parts of other kinds than text alone.")


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
class FileProblem:
    """What is wrong with a file, and what to do."""

    path: str = attribute("The file, below the prompts folder.", of="place.path")
    line: int | None = attribute("The line, from 1.", of="place.line")
    column: int | None = attribute("The column, from 1.", of="place.column")
    message: str = attribute("What is wrong.")
    hint: str | None = attribute("What to do.")
    warning: bool = attribute("Whether a sync goes on in spite of it.")
