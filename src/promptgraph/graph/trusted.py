"""Trusted documents: those that a server knows beforehand, by the ids that clients send in their place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from graphql import GraphQLError

from promptgraph.domain.errors import ForbiddenError, InvalidInputError, NotFoundError
from promptgraph.domain.json_file import read_json
from promptgraph.graph.documents import DocumentRefusedError, Documents

MAX_FILE_BYTES = 16 * 1024 * 1024
MAX_TOLD = 20
"""How many documents that cannot be used are named."""
MAX_NAME = 80
PREFIX = "sha256:"
APOLLO = "apollo-persisted-query-manifest"
NOT_FOUND = "PersistedQueryNotFound"
"""The word at which Apollo's clients send the text after all."""

_DIGEST = re.compile(f"(?:{PREFIX})?([0-9a-fA-F]{{64}})")


class DocumentId(NamedTuple):
    """What a client sends in place of a document. `automatic`: in Apollo's extension, which may come beside
    the text too.
    """

    name: str
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Trusted:
    """The documents' texts by each of their ids, of which one is `sha256:…`. `only`: no other is executed."""

    texts: Mapping[str, str] = field(default_factory=dict)
    only: bool = False

    def text(self, query: str, wanted: DocumentId | None) -> str:
        """The document that is asked for, by its text or by its id.

        keys    query: the text, empty where there is none
        raises  NotFoundError      no document has that id
                InvalidInputError  the text is not that of the id
                ForbiddenError     this document is not trusted, and others are not executed
        """
        if not query and wanted:
            return self._known(wanted)
        if wanted and wanted.name != digest(query):
            raise InvalidInputError("`sha256Hash` is not the hash of `query`.")
        if self.only and digest(query) not in self.texts:
            raise ForbiddenError("This server executes trusted documents alone, and this is none of them.")
        return query

    def with_texts(self, texts: Iterable[str]) -> Trusted:
        """These too, by their hashes."""
        return replace(self, texts={**self.texts, **{digest(text): text for text in texts}})

    def _known(self, wanted: DocumentId) -> str:
        found = self.texts.get(wanted.name)
        if found is not None:
            return found
        if wanted.automatic:
            raise NotFoundError(NOT_FOUND)
        if not self.texts:
            raise NotFoundError("This server has no trusted documents: send the text as `query`.")
        raise NotFoundError("This server trusts no document with that `documentId`.")


def digest(text: str) -> str:
    """The id that a text has everywhere."""
    return PREFIX + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_trusted(path: Path, documents: Documents, *, only: bool) -> Trusted:
    """The documents of a manifest: `{id: text}` as graphql-codegen and Relay write it, or Apollo's form.

    raises  InvalidInputError  the file is none, or documents in it cannot be used: the first MAX_TOLD
    """
    texts: dict[str, str] = {}
    problems: list[str] = []
    for name, text in _entries(path):
        if problem := _problem(name, text, documents):
            problems.append(f"{_short(name)}, {problem}")
        elif texts.setdefault(name, text) != text:
            problems.append(f"{_short(name)}, which stands for two texts.")
        else:
            texts[digest(text)] = text
        if len(problems) == MAX_TOLD:
            problems.append("and maybe more.")
            break
    if problems:
        raise _refused(path, " · ".join(problems))
    return Trusted(texts, only)


def _short(name: str) -> str:
    return ascii(name)[1:-1] if len(name) <= MAX_NAME else f"{ascii(name[:MAX_NAME])[1:-1]}…"


def _problem(name: str, text: str, documents: Documents) -> str | None:
    """Why this document cannot be used; None if it can."""
    claimed = _DIGEST.fullmatch(name)
    if claimed and PREFIX + claimed.group(1).lower() != digest(text):
        return f"whose text has another hash, {digest(text)}."
    try:
        errors = documents.prepare(text).errors
    except DocumentRefusedError as error:
        return _placed(error.error)
    return _placed(errors[0]) if errors else None


def _placed(error: GraphQLError) -> str:
    found = error.locations
    return f"line {found[0].line}, column {found[0].column}: {error.message}" if found else error.message


def _entries(path: Path) -> Iterator[tuple[str, str]]:
    try:
        manifest = read_json(path, MAX_FILE_BYTES)
    except InvalidInputError as error:
        raise _refused(path, str(error)) from error
    if not isinstance(manifest, dict):
        raise _refused(path, 'it must be an object of documents by their ids, as {"sha256:…": "query …"}.')
    if manifest.get("format") == APOLLO:
        listed = manifest.get("operations")
        rows = listed if isinstance(listed, list) else [None]
        pairs = [(row.get("id"), row.get("body")) if isinstance(row, dict) else (None, None) for row in rows]
        form = "each of its `operations` must be an object with the texts `id` and `body`."
    else:
        pairs = list(manifest.items())
        form = "each document must be a text, under an id that is not empty."
    for name, text in pairs:
        if not (isinstance(name, str) and name and isinstance(text, str)):
            raise _refused(path, form)
        yield name, text


def _refused(path: Path, problem: str) -> InvalidInputError:
    return InvalidInputError(f"The trusted documents of {path.name} are refused: {problem}")
