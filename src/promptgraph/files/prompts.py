"""A prompt file, read: the version that it says, or all that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from promptgraph.domain.content import IN_FULL, Levels
from promptgraph.domain.prompt import PromptContent, Source
from promptgraph.domain.tree import Place, PromptSpec, PromptTest
from promptgraph.files.core import free_at
from promptgraph.files.filling import MAX_FOUND, filled
from promptgraph.files.form import PromptForm, RecordForm
from promptgraph.files.inputs import input_findings, schema_findings
from promptgraph.files.layout import Spot
from promptgraph.files.messages import Messages, is_verbatim, read_messages
from promptgraph.files.node import Finding, Map, finding, mark_at, place_at
from promptgraph.files.partials import Partials
from promptgraph.files.typed import UnfitError, version
from promptgraph.files.usage import undeclared_findings, unused_findings

_SPEAKING = frozenset(("messages", "template", "engine", "input"))
"""The keys that say which variables there are; a fault in one of them makes the rest guesswork."""


@dataclass(frozen=True, slots=True)
class PromptFile:
    """What a prompt file says: a spec, or None with findings.

    keys   `kept` is the version in the file's name, None for a main file
    units  `version` and `partials` are None as long as the file does not tell
    """

    path: str
    name: str
    kept: int | None = None
    spec: PromptSpec | None = None
    findings: tuple[Finding, ...] = ()
    version: int | None = None
    partials: frozenset[str] | None = None
    former: Mapping[str, Place] = field(default_factory=dict)


def read_prompt(root: Map, spot: Spot, source: Source, partials: Partials) -> PromptFile:
    """The prompt that a file's mapping describes."""
    form = filled(PromptForm, root)
    messages = read_messages(root, partials.texts)
    variables = _verbatim_findings(root)
    if not is_verbatim(root):
        variables = _variable_findings(root, form.wrong, messages, partials)
    found = [*form.findings, *messages.findings, *_version_findings(root, spot), *_output_findings(root)]
    found += islice(variables, MAX_FOUND)
    whole = form.form if not found and not messages.partials & partials.broken else None
    return PromptFile(
        path=source.path,
        name=spot.name,
        kept=spot.version,
        spec=None if whole is None else _spec(whole, root, messages, spot, source),
        findings=tuple(found),
        version=_version(root),
        partials=frozenset(messages.partials) if messages.whole else None,
        former=_former(form.form, root, source.path),
    )


def _former(form: PromptForm | None, root: Map, path: str) -> dict[str, Place]:
    names = () if form is None else form.formerly
    return {name: place_at(root, ("formerly", index), path) for index, name in enumerate(names)}


def _variable_findings(
    root: Map, wrong: frozenset[str], messages: Messages, partials: Partials
) -> Iterator[Finding]:
    placeholders = messages.placeholders
    yield from input_findings(root, placeholders)
    if messages.findings or wrong & _SPEAKING:
        return
    yield from undeclared_findings(root, messages.used, placeholders)
    if not messages.partials & partials.broken:
        yield from unused_findings(root, messages.used)


def _version(root: Map) -> int | None:
    try:
        return version(root["version"]) if "version" in root else None
    except UnfitError:
        return None


def _version_findings(root: Map, spot: Spot) -> Iterator[Finding]:
    said = _version(root)
    if spot.version is not None and said is not None and said != spot.version:
        message = f"The file's name says version {spot.version}, the file says {said}."
        yield finding(
            mark_at(root, ("version",)), message, f"Write `version: {spot.version}`, or rename the file."
        )


def _output_findings(root: Map) -> Iterator[Finding]:
    path = ("output", "schema")
    return schema_findings(root, path, free_at(root, path))


def _verbatim_findings(root: Map) -> Iterator[Finding]:
    if (key := root.key("input")) is not None:
        hint = "Remove `input`, or write `engine: jinja`."
        yield finding(key.start, "`engine: none` takes no variables: nothing is rendered.", hint)


def _spec(form: PromptForm, root: Map, messages: Messages, spot: Spot, source: Source) -> PromptSpec:
    content = PromptContent(
        messages=tuple(messages.messages),
        engine=form.engine,
        model=form.model,
        config=form.config,
        tools=list(form.tools),
        input_schema=form.input.schema_,
        input_default=form.input.default,
        output_schema=None if form.output is None else form.output.schema_,
    )
    return PromptSpec(
        name=spot.name,
        version=form.version,
        content=content,
        digest=content.digest(),
        description=form.description,
        tags=tuple(form.tags),
        metadata=form.metadata,
        record=_record(form.record),
        formerly=tuple(form.formerly),
        partials=tuple(sorted(messages.partials)),
        tests=_tests(form, root, source.path),
        kept=spot.version is not None,
        source=source,
        place=place_at(root, ("version",), source.path, key=True),
    )


def _record(form: RecordForm) -> Levels:
    levels = Levels(form.variables, form.output, form.metadata)
    return IN_FULL if levels == IN_FULL else levels


def _tests(form: PromptForm, root: Map, path: str) -> tuple[PromptTest, ...]:
    return tuple(
        PromptTest(
            input=test.input,
            contains=tuple(test.contains),
            excludes=tuple(test.excludes),
            place=place_at(root, ("tests", index), path),
        )
        for index, test in enumerate(form.tests)
    )
