"""What a client asks, and how it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.keys import NOBODY, Caller
from promptgraph.graph.answer import malformed
from promptgraph.graph.trusted import PREFIX, DocumentId
from promptgraph.graph.variables import Survey


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks. `query` is empty where `document` says which is meant. `survey`: what is known of
    the variables already, if somebody has looked.
    """

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None = None
    document: DocumentId | None = None
    survey: Survey | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Way:
    """How a request came. `reading`: it may change nothing; `tell_cost`: the answer says what it cost;
    `streams`: there may be any number of answers; `caller`: who asks; `current`: what is read must be the
    newest, so no copy of the database answers.

    units  size: bytes
    """

    reading: bool = False
    size: int = 0
    tell_cost: bool = False
    streams: bool = False
    caller: Caller = NOBODY
    current: bool = False


def asked(value: Json) -> Request:
    """The request that a JSON object stands for.

    raises  RequestRefusedError  it is none
    """
    if not isinstance(value, dict):
        raise malformed("A request is a JSON object; batches are not supported.")
    document = _document(value)
    query, name = value.get("query"), value.get("operationName")
    if document is not None and query is None:
        query = ""
    elif not isinstance(query, str) or not query.strip():
        raise malformed("`query` must be a text that is not empty.")
    if name is not None and not isinstance(name, str):
        raise malformed("`operationName` must be a text or null.")
    variables, extensions = value.get("variables") or {}, value.get("extensions")
    if not isinstance(variables, dict) or value.get("variables") in (False, 0, "", []):
        raise malformed("`variables` must be an object or null.")
    if extensions is not None and not isinstance(extensions, dict):
        raise malformed("`extensions` must be an object or null.")
    return Request(query, variables, name, document)


def _document(value: JsonObject) -> DocumentId | None:
    """The id that stands for a document, alone, or in Apollo's extension.

    raises  RequestRefusedError  it is no id, or there is a text beside it
    """
    name, extensions = value.get("documentId"), value.get("extensions")
    if name is not None:
        if not isinstance(name, str) or not name:
            raise malformed("`documentId` must be a text that is not empty.")
        if value.get("query") is not None:
            raise malformed("Send `query` or `documentId`, not both.")
        return DocumentId(name)
    persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    if persisted is None:
        return None
    found = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(found, str):
        raise malformed("`extensions.persistedQuery` must be an object with the text `sha256Hash`.")
    return DocumentId(PREFIX + found.lower().removeprefix(PREFIX), automatic=True)
