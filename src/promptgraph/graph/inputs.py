"""What clients send: the inputs, and the records of the domain that they stand for."""

from __future__ import annotations

import datetime as dt
from typing import Any

import strawberry

from promptgraph.domain.asking import Direction, PromptFilter, PromptOrder, PromptOrderField
from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.errors import InvalidInputError, TooManyRowsError
from promptgraph.domain.registry import SyncOrigin
from promptgraph.domain.text import MAX_VARIABLES_BYTES, checked_json, checked_text
from promptgraph.files.read import SourceFile
from promptgraph.graph.field import input_shape
from promptgraph.graph.scalars import JSON
from promptgraph.sync.assignments import NewAssignment

DEFAULT_SOURCE = "default"
MAX_FILES = 10_000
MAX_IDS = 100
MAX_TEXTS = 1_000
MAX_SHORT, MAX_PATH, MAX_URL = 200, 500, 2_000


def described(description: str, default: Any = strawberry.UNSET) -> Any:
    """An input's field. Without `default` it must be given."""
    if default is strawberry.UNSET:
        return strawberry.field(description=description)
    return strawberry.field(description=description, default=default)


@input_shape(name="PromptFilter")
class PromptFilterInput:
    """Which prompts. Every condition that is given must hold."""

    name_in: list[str] | None = described("Only these names.", None)
    name_prefix: str | None = described("Only names that begin with this.", None)
    tags_all: list[str] | None = described("Only prompts with all of these tags.", None)
    label: str | None = described("The versions that this label points to, rather than the latest.", None)
    search: str | None = described(
        "Only where name, description or a tag holds this text, in whatever case.", None
    )
    retired: bool | None = described(
        "false: only live prompts; true: only retired ones; null: both.", default=False
    )
    all_versions: bool | None = described(
        "Every version rather than the latest one, the newest first.", default=False
    )


@input_shape(name="PromptOrder")
class PromptOrderInput:
    """An order of prompts."""

    field: PromptOrderField = described("What to order by.")
    direction: Direction = described("Which end comes first.")


@input_shape()
class PromptFileInput:
    """A file of the prompts folder, and where it comes from."""

    path: str = described("Its path in the prompts folder, with `/`.")
    text: str = described("Its text.")
    commit_sha: str | None = described("The last commit that changed it.", None)
    author: str | None = described("That commit's author.", None)
    committed_at: dt.datetime | None = described("That commit's time.", None)


@input_shape()
class SyncPromptsInput:
    """A whole tree of prompt files: what is not in it is retired."""

    files: list[PromptFileInput] = described("Every file of the prompts folder.")
    source: str | None = described(
        "Who syncs: a sync retires and moves only what its own source owns.", DEFAULT_SOURCE
    )
    commit_sha: str | None = described("The commit that the tree is of.", None)
    sequence: int | None = described(
        "Grows along the source's history, e.g. the number of commits: an older tree is refused.", None
    )
    author: str | None = described("The commit's author.", None)
    committed_at: dt.datetime | None = described("The commit's time.", None)
    url: str | None = described("The web address of the prompts folder at that commit.", None)
    dry_run: bool | None = described("Plan only: nothing is written.", default=False)
    force: bool | None = described(
        "Apply it even if a newer tree was applied, or if the tree is empty.", default=False
    )


@input_shape()
class SetPromptLabelInput:
    """Where a label should point."""

    name: str = described("The prompt's name.")
    label: str = described("The label.")
    version: int = described("The version that it should point to.")
    override: bool | None = described(
        "Move it even though labels.yaml owns it, until its line there changes. Needs a reason.",
        default=False,
    )
    reason: str | None = described("Why, for the history.", None)


@input_shape()
class RemovePromptLabelInput:
    """A label to take away."""

    name: str = described("The prompt's name.")
    label: str = described("The label.")
    reason: str | None = described("Why, for the history.", None)


@input_shape()
class AssignPromptInput:
    """A way in which an agent should use a prompt."""

    agent: str = described("The agent's name.")
    role: str = described("What the prompt is to the agent, e.g. `triage`.")
    selector: str = described("Which version: `name@label`, `name@2`, or `name` for the latest.")
    when: JSON | None = described(
        "The circumstances: an object whose keys must all be equal; a list is any of.", None
    )
    metadata: JSON | None = described("Anything else worth keeping: an object.", None)


@input_shape()
class UnassignPromptInput:
    """An assignment to take away."""

    id: strawberry.ID = described("The assignment's id.")


def prompt_filter(given: PromptFilterInput | None) -> PromptFilter:
    """The filter that an input stands for.

    raises  InvalidInputError  a label is none, or conditions exclude each other
    """
    if given is None:
        return PromptFilter()
    return PromptFilter(
        name_in=several(given.name_in, "filter.nameIn"),
        name_prefix=_short(given.name_prefix, "filter.namePrefix"),
        tags_all=several(given.tags_all, "filter.tagsAll"),
        label=given.label,
        search=_short(given.search, "filter.search"),
        retired=given.retired,
        all_versions=bool(given.all_versions),
    )


def prompt_order(given: PromptOrderInput | None) -> PromptOrder:
    """The order that an input stands for; by name for none."""
    return PromptOrder() if given is None else PromptOrder(given.field, given.direction)


def origin(given: SyncPromptsInput) -> SyncOrigin:
    """Who syncs, and from which commit.

    raises  InvalidInputError  a text is too long, or the source has no proper name
    """
    return SyncOrigin(
        source=DEFAULT_SOURCE if given.source is None else given.source,
        commit_sha=_short(given.commit_sha, "commitSha"),
        sequence=given.sequence,
        author=_short(given.author, "author"),
        committed_at=given.committed_at,
        url=_short(given.url, "url", MAX_URL),
    )


def source_files(given: SyncPromptsInput) -> list[SourceFile]:
    """The files that a client sent, as if read from a folder.

    raises  TooManyRowsError   more files than a tree may have
            InvalidInputError  a path comes twice, or a path or a fact about a commit is too long
    """
    if len(given.files) > MAX_FILES:
        raise TooManyRowsError(f"A tree may have at most {MAX_FILES} files.", limit=MAX_FILES, field="files")
    first: dict[str, int] = {}
    for index, file in enumerate(given.files):
        if first.setdefault(file.path, index) != index:
            raise InvalidInputError(
                f"files[{index}].path is that of files[{first[file.path]}], too.",
                field=f"files[{index}].path",
            )
    return [_source_file(file, f"files[{index}]") for index, file in enumerate(given.files)]


def _source_file(given: PromptFileInput, field: str) -> SourceFile:
    return SourceFile(
        path=checked_text(given.path, field=f"{field}.path", limit=MAX_PATH),
        raw=given.text.encode(),
        commit_sha=_short(given.commit_sha, f"{field}.commitSha"),
        author=_short(given.author, f"{field}.author"),
        committed_at=given.committed_at,
    )


def new_assignment(given: AssignPromptInput) -> NewAssignment:
    """The assignment that an input stands for.

    raises  InvalidInputError  `when` or `metadata` is no object
    """
    return NewAssignment(
        agent=given.agent,
        role=given.role,
        selector=given.selector,
        when=json_object(given.when, "when"),
        metadata=json_object(given.metadata, "metadata"),
    )


def json_object(value: object, field: str) -> JsonObject:
    """A JSON object; an empty one for null.

    raises  InvalidInputError  another kind of JSON value, one that is too deep or too large, or one that
                               cannot be stored
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInputError(f"`{field}` must be a JSON object.", field=field)
    checked_json(value, field=field, limit=MAX_VARIABLES_BYTES)
    return value


def ids_of(given: list[strawberry.ID]) -> list[str]:
    """The ids of one request.

    raises  TooManyRowsError  more than a page holds
    """
    if len(given) > MAX_IDS:
        raise TooManyRowsError(f"At most {MAX_IDS} ids in one request.", limit=MAX_IDS, field="ids")
    return list(given)


def short(text: str, field: str) -> str:
    """A name, or what else is no longer than one.

    raises  InvalidInputError  it is longer
    """
    return checked_text(text, field=field, limit=MAX_SHORT)


def _short(text: str | None, field: str, limit: int = MAX_SHORT) -> str | None:
    return None if text is None else checked_text(text, field=field, limit=limit)


def several(texts: list[str] | None, field: str) -> tuple[str, ...] | None:
    """Names to choose from; None for any.

    raises  InvalidInputError  one is too long
    """
    if texts is None:
        return None
    if len(texts) > MAX_TEXTS:
        raise TooManyRowsError(f"At most {MAX_TEXTS} in {field}.", limit=MAX_TEXTS, field=field)
    return tuple(short(text, f"{field}[{index}]") for index, text in enumerate(texts))
