"""Edits of a file's text that leave comments and layout as they are: only the wanted value changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from promptgraph.domain.errors import InvalidInputError, NotFoundError
from promptgraph.domain.names import NAME_RULE, checked_label, checked_version, is_name
from promptgraph.files.filling import filled
from promptgraph.files.form import LabelsForm
from promptgraph.files.node import Finding, Map, Scalar, YamlRefusedError, map_at, shown
from promptgraph.files.splice import added, appended, removed, replaced
from promptgraph.files.yaml import load


def set_version(text: str, version: int) -> str:
    """A prompt file's text with this version.

    raises  InvalidInputError  it is no YAML, holds no version, or cannot be edited safely
    """
    checked_version(version)
    root = _parsed(text)
    node = root.get("version")
    if not isinstance(node, Scalar):
        raise InvalidInputError("The file has no version to change: add `version:` to it.", field="version")
    return _verified(text, replaced(text, node, str(version)), {**root, "version": str(version)})


def set_label(text: str, label: str, name: str, version: int) -> str:
    """The label file's text with `label` of `name` at this version; what is missing is added.

    raises  InvalidInputError  it is no label file, or cannot be edited safely
    """
    checked_label(label)
    checked_version(version)
    if not is_name(name):
        raise InvalidInputError(f"{shown(name)} is no prompt name: use {NAME_RULE}.", field="name")
    if _says_nothing(text):
        return appended(text, f"{label}:", f"  {name}: {version}")
    root = _labels(text)
    wanted = {**root, label: {**map_at(root, (label,)), name: str(version)}}
    return _verified(text, _with_label(text, root, label, name, version), wanted)


def remove_label(text: str, label: str, name: str) -> str:
    """The label file's text without `label` of `name`.

    raises  NotFoundError      it says nothing of them
            InvalidInputError  it is no label file, or cannot be edited safely
    """
    root = None if _says_nothing(text) else _labels(text)
    owner = None if root is None else root.key(label)
    entry = None if root is None else map_at(root, (label,)).key(name)
    if root is None or owner is None or entry is None:
        raise NotFoundError(f"The label file has no {shown(label)} of {shown(name)}.", field="label")
    versions = map_at(root, (label,))
    wanted = {**root, label: {key: value for key, value in versions.items() if key != name}}
    return _verified(text, removed(text, versions, entry, owner), wanted)


def _with_label(text: str, root: Map, label: str, name: str, version: int) -> str:
    versions = map_at(root, (label,))
    node = versions.get(name)
    if isinstance(node, Scalar):
        return replaced(text, node, str(version))
    if label in root:
        return added(text, versions, f"{name}: {version}")
    *_, last = root.values() or (None,)
    if isinstance(last, Map) and last.flow:
        return added(text, root, f"{label}: {{{name}: {version}}}")
    return added(text, root, f"{label}:", f"  {name}: {version}")


def _says_nothing(text: str) -> bool:
    """Whether there is nothing but blank lines and comments."""
    return all(not line.strip() or _is_comment(line) for line in text.splitlines())


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _parsed(text: str) -> Map:
    try:
        return load(text.encode())
    except YamlRefusedError as error:
        raise _uneditable(error.findings[0]) from error
    except UnicodeEncodeError as error:
        raise _uneditable(Finding("It holds half a character.")) from error


def _labels(text: str) -> Map:
    root = _parsed(text)
    if found := filled(LabelsForm, root).findings:
        raise _uneditable(found[0])
    return root


def _uneditable(found: Finding) -> InvalidInputError:
    line = "" if found.line is None else f" at line {found.line}"
    return InvalidInputError(f"The file cannot be edited as it is{line}: {found.message}", field="text")


def _verified(before: str, after: str | None, wanted: Mapping[str, object]) -> str:
    """`after`, once it says what is wanted and lacks no comment line of `before`."""
    try:
        if after is not None and load(after.encode()) == wanted and _comments(before) <= _comments(after):
            return after
    except YamlRefusedError:
        pass
    raise InvalidInputError(
        "The file is written in a way that cannot be changed safely here: change it by hand.", field="text"
    )


def _comments(text: str) -> Counter[str]:
    return Counter(line.strip() for line in text.splitlines() if _is_comment(line))
