"""What changed between two contents, in words, and what it means for callers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher

from promptgraph.domain.canonical import Json, JsonObject, canonical_json
from promptgraph.domain.change import Change, ChangeKind, Impact, impact_of
from promptgraph.domain.prompt import Engine, Message, MessageRole, PromptContent, Variable
from promptgraph.domain.schema_diff import Schemas, facts, part_changes, same, schema_changes

__all__ = ["Change", "ChangeKind", "Impact", "changes_between", "impact_of"]

_ADDED, _REMOVED, _CHANGED = ChangeKind.ADDED, ChangeKind.REMOVED, ChangeKind.CHANGED


def changes_between(before: PromptContent, after: PromptContent) -> list[Change]:
    """Every difference, by path. Equal contents give an empty list, unequal ones never do."""
    old, new = before.canonical(), after.canonical()
    found = [
        change
        for section, compare in _SECTIONS.items()
        if not same(old.get(section), new.get(section))
        for change in (
            list(compare(before, after)) or [_rewritten(section, old.get(section), new.get(section))]
        )
    ]
    return sorted(found, key=lambda change: _natural(change.path))


def _rewritten(section: str, before: Json, after: Json) -> Change:
    sentence = f"`{section}` is written in another way."
    return Change(section, ChangeKind.CHANGED, before, after, Impact.PATCH, sentence)


def _natural(path: str) -> list[tuple[int, str]]:
    """A key that sorts messages[10] behind messages[2]."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d{1,9})", path)]


def _plain(path: str, kind: ChangeKind, before: Json, after: Json, sentence: str) -> Change:
    """A change that callers need not act on."""
    return Change(path, kind, before, after, Impact.MINOR, sentence)


def _messages(before: PromptContent, after: PromptContent) -> Iterator[Change]:
    old, new = before.messages, after.messages
    kept = {variable.name for variable in after.variables}
    matcher = SequenceMatcher(None, _keys(old), _keys(new), autojunk=False)
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        pairs = min(i_end - i, j_end - j)
        for step in range(pairs):
            yield from _message(f"messages[{j + step}]", old[i + step], new[j + step], kept)
        for index in range(i + pairs, i_end):
            yield _message_gone(f"messages[{index}]", old[index], kept)
        for index in range(j + pairs, j_end):
            yield _message_new(f"messages[{index}]", new[index])


def _keys(messages: Sequence[Message]) -> list[bytes]:
    return [canonical_json(message.as_json()) for message in messages]


def _message_gone(path: str, message: Message, kept: set[str]) -> Change:
    name = message.placeholder
    if name is None:
        sentence = f"{_article(message.role)} {message.role} message is gone."
        return _plain(path, _REMOVED, message.as_json(), None, sentence)
    if name in kept:
        return _plain(path, _REMOVED, message.as_json(), None, f"`{name}` is not put in here any more.")
    return Change(path, _REMOVED, message.as_json(), None, Impact.MAJOR, _gone(name))


def _message_new(path: str, message: Message) -> Change:
    name = message.placeholder
    what = (
        f"{_article(message.role)} {message.role} message is new."
        if name is None
        else f"New placeholder `{name}`: callers may send it."
    )
    return _plain(path, _ADDED, None, message.as_json(), what)


def _article(role: MessageRole | None) -> str:
    return "An" if role is MessageRole.ASSISTANT else "A"


def _gone(name: str) -> str:
    return f"Variable `{name}` is gone: callers must stop sending it."


def _message(path: str, before: Message, after: Message, kept: set[str]) -> Iterator[Change]:
    """What changed in one message; one that became a placeholder, or was one, is another message."""
    if before.placeholder is not None or after.placeholder is not None:
        yield _message_gone(f"{path}.placeholder" if before.placeholder else path, before, kept)
        yield _message_new(f"{path}.placeholder" if after.placeholder else path, after)
        return
    if before.role is not after.role:
        sentence = f"The {before.role} message is {_article(after.role).lower()} {after.role} message now."
        yield _plain(f"{path}.role", _CHANGED, str(before.role), str(after.role), sentence)
    yield from _content(path, before, after)
    if not same(_parts(before), _parts(after)):
        kind = _ADDED if before.parts is None else _REMOVED if after.parts is None else _CHANGED
        sentence = f"The parts of the {after.role} message changed."
        yield _plain(f"{path}.parts", kind, _parts(before), _parts(after), sentence)


def _content(path: str, before: Message, after: Message) -> Iterator[Change]:
    old, new = before.content, after.content
    if old == new:
        return
    kind = _ADDED if old is None else _REMOVED if new is None else _CHANGED
    spaces = old is not None and new is not None and old.split() == new.split()
    impact = Impact.PATCH if spaces else Impact.MINOR
    sentence = f"The text of the {after.role} message changed{' in white space only' if spaces else ''}."
    yield Change(f"{path}.content", kind, old, new, impact, sentence)


def _parts(message: Message) -> Json:
    return None if message.parts is None else list(message.parts)


def _input(before: PromptContent, after: PromptContent) -> Iterator[Change]:
    old = {variable.name: variable for variable in before.variables}
    new = {variable.name: variable for variable in after.variables}
    declared = _properties(before) | _properties(after)
    for name in sorted(declared):
        yield from _variable(name, old.get(name), new.get(name))
    for name in sorted(old.keys() & new.keys() & declared):
        yield from _required(
            name, _is_listed(before, name), _is_listed(after, name), covered=not new[name].required
        )
    for name in sorted(before.input_default.keys() | after.input_default.keys()):
        if (name in old) is (name in new):
            yield from _default(name, before.input_default, after.input_default, new.get(name))
    whole = Schemas("input.schema", "", before.input_schema, after.input_schema)
    yield from schema_changes(whole, without=("properties", "required"))


def _properties(content: PromptContent) -> set[str]:
    properties = content.input_schema.get("properties")
    return set(properties) if isinstance(properties, dict) else set()


def _is_listed(content: PromptContent, name: str) -> bool:
    required = content.input_schema.get("required")
    return isinstance(required, list) and name in required


def _variable(name: str, before: Variable | None, after: Variable | None) -> Iterator[Change]:
    path = f"input.schema.properties.{name}"
    if before is None and after is not None:
        if after.required:
            sentence = f"New required variable `{name}`: callers must send it."
            yield Change(path, _ADDED, None, after.schema, Impact.MAJOR, sentence)
        else:
            yield _plain(
                path, _ADDED, None, after.schema, f"New optional variable `{name}`: callers may send it."
            )
    elif before is not None and after is None:
        yield Change(path, _REMOVED, before.schema, None, Impact.MAJOR, _gone(name))
    elif before is not None and after is not None:
        pair = Schemas(path, name, facts(before.schema), facts(after.schema))
        yield from part_changes(pair, before.schema, after.schema)


def _required(name: str, before: bool, after: bool, *, covered: bool) -> Iterator[Change]:  # noqa: FBT001  # a pair
    path = f"input.schema.required.{name}"
    if after and not before:
        impact = Impact.MINOR if covered else Impact.MAJOR
        what = "its default covers callers that do not send it" if covered else "callers must send it"
        yield Change(path, _CHANGED, before, after, impact, f"Variable `{name}` is required now: {what}.")
    elif before and not after:
        yield _plain(path, _CHANGED, before, after, f"Variable `{name}` is optional now.")


def _default(name: str, before: JsonObject, after: JsonObject, variable: Variable | None) -> Iterator[Change]:
    path, old, new = f"input.default.{name}", before.get(name), after.get(name)
    if name not in before:
        yield _plain(path, _ADDED, None, new, f"Variable `{name}` has a default now.")
    elif name in after:
        if not same(old, new):
            yield _plain(path, _CHANGED, old, new, f"The default of variable `{name}` changed.")
    elif variable is not None and variable.required:
        sentence = f"Variable `{name}` has no default any more: callers must send it."
        yield Change(path, _REMOVED, old, None, Impact.MAJOR, sentence)
    else:
        yield _plain(path, _REMOVED, old, None, f"Variable `{name}` has no default any more.")


def _output(before: PromptContent, after: PromptContent) -> Iterator[Change]:
    path, old, new = "output.schema", before.output_schema, after.output_schema
    if old is None:
        yield _plain(path, _ADDED, None, new, "The output has a schema now.")
    elif new is None:
        sentence = "The output has no schema any more: code that reads it breaks."
        yield Change(path, _REMOVED, old, None, Impact.MAJOR, sentence)
    else:
        yield from part_changes(Schemas(path, "", facts(old), facts(new), read=True), old, new)


def _model(before: PromptContent, after: PromptContent) -> Iterator[Change]:
    old, new = before.model, after.model
    kind = _ADDED if old is None else _REMOVED if new is None else _CHANGED
    yield _plain("model", kind, old, new, f"The model is {new or 'not set'} instead of {old or 'not set'}.")


def _engine(before: PromptContent, after: PromptContent) -> Iterator[Change]:
    now = "kept verbatim" if after.engine is Engine.NONE else "a Jinja template"
    sentence = f"The text is {now} now."
    yield _plain("engine", _CHANGED, before.engine.value, after.engine.value, sentence)


def _config(before: PromptContent, after: PromptContent) -> Iterator[Change]:
    yield from _deep("config", before.config, after.config)


def _tools(before: PromptContent, after: PromptContent) -> Iterator[Change]:
    old, new = _by_name(before.tools), _by_name(after.tools)
    found = False
    for name in sorted(old.keys() | new.keys()):
        path = f"tools[{name}]"
        if name not in new:
            changes = [_plain(path, _REMOVED, old[name], None, f"Tool `{name}` is gone.")]
        elif name not in old:
            changes = [_plain(path, _ADDED, None, new[name], f"Tool `{name}` is new.")]
        else:
            changes = [] if same(old[name], new[name]) else list(_deep(path, old[name], new[name]))
        found = found or bool(changes)
        yield from changes
    if not found:
        yield _plain("tools", _CHANGED, before.tools, after.tools, "The tools stand in another order.")


def _by_name(tools: list[Json]) -> dict[str, Json]:
    """Tools by name, those without a name of their own by position."""
    names = [_tool_name(tool) for tool in tools]
    return {
        name if name is not None and names.count(name) == 1 else str(index): tool
        for index, (name, tool) in enumerate(zip(names, tools, strict=True))
    }


def _tool_name(tool: Json) -> str | None:
    inner = tool.get("function", tool) if isinstance(tool, dict) else None
    name = inner.get("name") if isinstance(inner, dict) else None
    return name if isinstance(name, str) else None


def _deep(path: str, before: Json, after: Json) -> Iterator[Change]:
    """Every key that differs, however deep; lists and all else as a whole."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        yield _plain(path, _CHANGED, before, after, f"`{path}` changed.")
        return
    for key in sorted(before.keys() | after.keys()):
        inner = f"{path}.{key}"
        if key not in before:
            yield _plain(inner, _ADDED, None, after[key], f"`{inner}` is new.")
        elif key not in after:
            yield _plain(inner, _REMOVED, before[key], None, f"`{inner}` is gone.")
        elif not same(before[key], after[key]):
            yield from _deep(inner, before[key], after[key])


_SECTIONS: dict[str, Callable[[PromptContent, PromptContent], Iterator[Change]]] = {
    "messages": _messages,
    "model": _model,
    "config": _config,
    "tools": _tools,
    "input": _input,
    "output": _output,
    "engine": _engine,
}
