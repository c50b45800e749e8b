"""Edits that keep comments and layout: a table of how people write, and a property over generated files."""

import re
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptgraph.domain.errors import InvalidInputError, NotFoundError
from promptgraph.files.edit import remove_label, set_label, set_version
from promptgraph.files.yaml import load

VERSIONS = {
    "plain": ("version: 3\ntemplate: x\n", "version: 4\ntemplate: x\n"),
    "comments": ("# a\nversion: 3 # b\n# c\ntemplate: x\n", "# a\nversion: 4 # b\n# c\ntemplate: x\n"),
    "last line without end": ("template: x\nversion: 3", "template: x\nversion: 4"),
    "line ends of Windows": ("a: x\r\nversion: 3\r\nb: y\r\n", "a: x\r\nversion: 4\r\nb: y\r\n"),
    "quoted key": ('"version": 3\n', '"version": 4\n'),
    "quoted value": ("version: '3'\n", "version: 4\n"),
    "flow": ("{version: 3, template: x}", "{version: 4, template: x}"),
    "spaces": ("version :   3   \n", "version :   4   \n"),
    "value below": ("version:\n  3\n", "version:\n  4\n"),
    "version elsewhere": (
        "input: {default: {version: 3}}\nversion: 3\ntemplate: 'version: 3'\n",
        "input: {default: {version: 3}}\nversion: 4\ntemplate: 'version: 3'\n",
    ),
    "other characters": ("é😀: x # ü\nversion: 3\n", "é😀: x # ü\nversion: 4\n"),
    "document start": ("---\nversion: 3\n...\n", "---\nversion: 4\n...\n"),
}


@pytest.mark.parametrize(("text", "expected"), VERSIONS.values(), ids=VERSIONS)
def test_sets_a_version(text: str, expected: str) -> None:
    """The digits change, nothing else does."""
    assert expected == set_version(text, 4)


UNEDITABLE = {
    "no version": ("template: x\n", "The file has no version to change: add `version:` to it."),
    "version without value": (
        "version:\ntemplate: x\n",
        "The file is written in a way that cannot be changed safely here: change it by hand.",
    ),
    "version as a list": (
        "version: [1]\n",
        "The file has no version to change: add `version:` to it.",
    ),
    "no YAML": (
        "version: 1\na: [\n",
        (
            "The file cannot be edited as it is at line 2: This is not valid YAML: "
            "did not find expected node content."
        ),
    ),
    "byte order mark": (
        "\ufeffversion: 1\n",
        "The file cannot be edited as it is at line 1: The file begins with a byte order mark.",
    ),
    "half a character": (
        "version: 1\na: \ud800\n",
        "The file cannot be edited as it is: It holds half a character.",
    ),
}


@pytest.mark.parametrize(("text", "expected"), UNEDITABLE.values(), ids=UNEDITABLE)
def test_refuses_to_guess(text: str, expected: str) -> None:
    """What cannot be edited safely is left to a person, with the reason."""
    with pytest.raises(InvalidInputError) as caught:
        set_version(text, 4)
    assert expected == str(caught.value)


@pytest.mark.parametrize("version", [0, -1, 2_147_483_648])
def test_refuses_versions_that_are_none(version: int) -> None:
    """Neither a file's version nor a label's."""
    with pytest.raises(InvalidInputError, match="A version is a whole number"):
        set_version("version: 1\n", version)
    with pytest.raises(InvalidInputError, match="A version is a whole number"):
        set_label("", "production", "a", version)


BLOCK = "# top\nproduction:\n  # why\n  a: 1 # one\n  b: 2\n# between\nstaging:\n  a: 3\n# end\n"
SETS = {
    "changed": (BLOCK, "production", "a", BLOCK.replace("a: 1 #", "a: 9 #")),
    "added to a block": (BLOCK, "production", "c", BLOCK.replace("  b: 2\n", "  b: 2\n  c: 9\n")),
    "label added to a block": (BLOCK, "beta", "c", BLOCK.replace("# end", "beta:\n  c: 9\n# end")),
    "changed in braces": ("p: {a: 1, b: 2}\n", "p", "b", "p: {a: 1, b: 9}\n"),
    "added in braces": ("p: {a: 1} # x\n", "p", "b", "p: {a: 1, b: 9} # x\n"),
    "added in empty braces": ("p: {}\n", "p", "b", "p: {b: 9}\n"),
    "added in empty braces with a comment": ("p: {#x\n}\n", "p", "b", "p: {b: 9 #x\n}\n"),
    "added behind a last comma": ("p: { a: 1, }\n", "p", "b", "p: { a: 1, b: 9, }\n"),
    "label added beside braces": ("p: {a: 1}", "q", "b", "p: {a: 1}\nq: {b: 9}"),
    "label added beside empty braces": ("p: {\n}\n", "q", "b", "p: {\n}\nq: {b: 9}\n"),
    "lines in braces": (
        "p: {\n  a: 1, # one\n  b: 2 # two\n}\n",
        "p",
        "c",
        "p: {\n  a: 1, # one\n  b: 2, # two\n  c: 9\n}\n",
    ),
    "lines in braces with a last comma": ("p: {\n  a: 1,\n}\n", "p", "c", "p: {\n  a: 1,\n  c: 9,\n}\n"),
    "JSON": (
        '{\n  "p": {\n    "a": 1\n  }\n}\n',
        "q",
        "b",
        '{\n  "p": {\n    "a": 1\n  },\n  q: {b: 9}\n}\n',
    ),
    "all in braces": ("{p: {a: 1}}", "q", "b", "{p: {a: 1}, q: {b: 9}}"),
    "empty mapping": ("{}\n", "q", "b", "{q: {b: 9}}\n"),
    "empty file": ("", "q", "b/c", "q:\n  b/c: 9\n"),
    "comments alone": ("# mine", "q", "b", "# mine\nq:\n  b: 9\n"),
    "line ends of Windows": ("p:\r\n  a: 1\r\n", "p", "b", "p:\r\n  a: 1\r\n  b: 9\r\n"),
    "line ends of Windows, no last one": ("p:\r\n  a: 1", "q", "b", "p:\r\n  a: 1\r\nq:\r\n  b: 9"),
    "quoted": ("'p':\n    \"a\": 1\n", "p", "b", "'p':\n    \"a\": 1\n    b: 9\n"),
    "all indented": ("  p:\n     a: 1\n", "q", "b", "  p:\n     a: 1\n  q:\n    b: 9\n"),
    "explicit key": ("? p\n: a: 1\n", "p", "b", "? p\n: a: 1\n  b: 9\n"),
    "document end": ("p:\n  a: 1\n...\n", "p", "b", "p:\n  a: 1\n  b: 9\n...\n"),
    "already so": ("p: {a: 9}\n", "p", "a", "p: {a: 9}\n"),
}


@pytest.mark.parametrize(("text", "label", "name", "expected"), SETS.values(), ids=SETS)
def test_sets_a_label(text: str, label: str, name: str, expected: str) -> None:
    """In the style of what is there."""
    assert expected == set_label(text, label, name, 9)


REMOVALS = {
    "first of a block": (BLOCK, "a", BLOCK.replace("  a: 1 # one\n", "")),
    "last of a block": (BLOCK, "b", BLOCK.replace("  b: 2\n", "")),
    "only one of a block": ("# x\nproduction: # y\n  # z\n  a: 1\n", "a", "# x\nproduction: {} # y\n  # z\n"),
    "first in braces": ("production: {a: 1, b: 2}\n", "a", "production: {b: 2}\n"),
    "last in braces": ("production: { a: 1, b: 2 }\n", "b", "production: { a: 1 }\n"),
    "between others": ("production: {a: 1, b: 2, c: 3}\n", "b", "production: {a: 1, c: 3}\n"),
    "only one in braces": ("production: {a: 1}\n", "a", "production: {}\n"),
    "before a last comma": ("production: {a: 1, b: 2,}\n", "b", "production: {a: 1, }\n"),
    "line in braces": ("production: {\n  a: 1,\n  b: 2\n}\n", "a", "production: {\n  b: 2\n}\n"),
    "last line in braces": ("production: {\n  a: 1,\n  b: 2\n}\n", "b", "production: {\n  a: 1\n}\n"),
    "comment lines in braces": (
        "production: {\n  a: 1\n  # why\n  ,\n  b: 2\n}\n",
        "b",
        "production: {\n  a: 1\n  # why\n}\n",
    ),
    "no last line end": ("production:\n  a: 1\n  b: 2", "b", "production:\n  a: 1\n"),
    "comment inside": (
        "production:\n  a:\n    # why\n    1\n  b: 2\n",
        "a",
        "production:\n    # why\n  b: 2\n",
    ),
}


@pytest.mark.parametrize(("text", "name", "expected"), REMOVALS.values(), ids=REMOVALS)
def test_removes_a_label(text: str, name: str, expected: str) -> None:
    """The entry goes with its own comment; lines of comment stay."""
    assert expected == remove_label(text, "production", name)


@pytest.mark.parametrize("text", ["", "# x\n", "staging: {a: 1}\n", "production: {b: 1}\n"])
def test_tells_that_there_is_nothing_to_remove(text: str) -> None:
    """A label that the file does not set is not removed."""
    with pytest.raises(NotFoundError, match="no `production` of `a`"):
        remove_label(text, "production", "a")


@pytest.mark.parametrize(
    "text", ["a: [1]\n", 'production: {a: "1"}\n', "production: {a: 1}\n---\nb: 1\n", "- a\n"]
)
def test_refuses_to_edit_what_is_no_label_file(text: str) -> None:
    """A file that does not load is mended by a person first."""
    with pytest.raises(InvalidInputError, match="cannot be edited as it is at line"):
        set_label(text, "production", "a", 1)
    with pytest.raises(InvalidInputError, match="cannot be edited as it is at line"):
        remove_label(text, "production", "a")


def test_refuses_to_guess_at_rare_forms() -> None:
    """What would break the file is refused."""
    with pytest.raises(InvalidInputError, match="change it by hand"):
        remove_label("? production\n: a: 1\n", "production", "a")


@pytest.mark.parametrize(
    ("label", "name", "words"),
    [
        ("latest", "a", "reserved"),
        ("A", "a", "A label is made of"),
        ("a", "A", "no prompt name"),
        ("a", "x: 1\ny", "no prompt name"),
    ],
)
def test_refuses_to_write_what_could_not_be_read(label: str, name: str, words: str) -> None:
    """Labels and names keep to their rules."""
    with pytest.raises(InvalidInputError, match=words):
        set_label("", label, name, 1)


Versions = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Written:
    """A label file as a person might have written it, and what it says."""

    text: str
    says: Versions


LABELS = st.sampled_from(["production", "staging", "beta", "on", "x-1"])
NAMES = st.sampled_from(["a", "support/triage", "x.y_z-1", "null", "1.5", "true"])
COMMENTS = st.sampled_from(["", " # why", "  # {a: 1}, 'x", "\t# tab"])
SAYINGS = st.dictionaries(
    LABELS, st.dictionaries(NAMES, st.integers(1, 99), max_size=3), min_size=1, max_size=3
)
COMMENT_LINES = st.lists(st.sampled_from(["# note", "    # {deep: 1}", "#", "# 'quote", ""]), max_size=2)


def key(draw: st.DrawFn, text: str) -> str:
    """A key, quoted or not."""
    return draw(st.sampled_from([text, f"'{text}'", f'"{text}"']))


def braces(draw: st.DrawFn, entries: list[str]) -> str:
    """Entries in braces: on one line, or each on its own, with or without a last comma."""
    last = draw(st.sampled_from(["", ","])) if entries else ""
    if draw(st.booleans()):
        space = draw(st.sampled_from(["", " "]))
        return "{" + space + ", ".join(entries) + last + space + "}"
    lines = [f"{entry}{',' if entry is not entries[-1] else last}{draw(COMMENTS)}" for entry in entries]
    return "{\n" + "".join(f"    {line}\n" for line in [*draw(COMMENT_LINES), *lines]) + "  }"


@st.composite
def label_files(draw: st.DrawFn) -> Written:
    """Label files in block and flow style, with comments, quotes, either line end, the last one or none."""
    says: Versions = draw(SAYINGS)
    lines: list[str] = draw(COMMENT_LINES)
    flow = draw(st.booleans())
    inner: list[str] = []
    for label, versions in says.items():
        entries = [f"{key(draw, name)}: {version}" for name, version in versions.items()]
        if flow:
            inner.append(f"{key(draw, label)}: {braces(draw, entries)}")
        elif not entries or draw(st.booleans()):
            lines += [f"{key(draw, label)}: {braces(draw, entries)}{draw(COMMENTS)}", *draw(COMMENT_LINES)]
        else:
            lines.append(f"{key(draw, label)}:{draw(COMMENTS)}")
            for entry in entries:
                lines += [*draw(COMMENT_LINES), f"  {entry}{draw(COMMENTS)}"]
    if flow:
        lines.append(braces(draw, inner))
    text = "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n# end\n"]))
    return Written(re.sub("\n", draw(st.sampled_from(["\n", "\r\n"])), text), says)


def says(text: str) -> Versions:
    """What a label file says."""
    return {
        str(label): {str(name): int(str(version)) for name, version in versions.items()}
        for label, versions in load(text.encode()).items()
        if isinstance(versions, dict)
    }


def comment_lines(text: str) -> Counter[str]:
    """The lines that are comments alone."""
    return Counter(line.strip() for line in text.splitlines() if line.lstrip().startswith("#"))


def same_line_ends(before: str, after: str) -> bool:
    """Whether no other kind of line end came in."""
    kinds = set(re.findall("\r\n|\n", before)) or {"\n"}
    return set(re.findall("\r\n|\n", after)) <= kinds


@given(label_files(), LABELS, NAMES, st.integers(1, 99))
def test_setting_changes_only_the_wanted_value(written: Written, label: str, name: str, version: int) -> None:
    """Whatever the style, the file loads, says just one thing more, and keeps every comment."""
    assert written.says == says(written.text)
    after = set_label(written.text, label, name, version)
    assert written.says | {label: written.says.get(label, {}) | {name: version}} == says(after)
    assert comment_lines(written.text) <= comment_lines(after)
    assert same_line_ends(written.text, after)


@given(label_files(), LABELS, NAMES)
def test_removing_changes_only_the_wanted_value(written: Written, label: str, name: str) -> None:
    """Whatever the style, the file loads, says just one thing less, and keeps every line of comment."""
    if name not in written.says.get(label, {}):
        with pytest.raises(NotFoundError):
            remove_label(written.text, label, name)
        return
    after = remove_label(written.text, label, name)
    rest = {other: version for other, version in written.says[label].items() if other != name}
    assert written.says | {label: rest} == says(after)
    assert comment_lines(written.text) <= comment_lines(after)
    assert same_line_ends(written.text, after)


@given(label_files(), LABELS, NAMES, st.integers(1, 99))
def test_removing_takes_back_what_was_set(written: Written, label: str, name: str, version: int) -> None:
    """A label that was not there before is gone again after."""
    if name in written.says.get(label, {}):
        return
    after = remove_label(set_label(written.text, label, name, version), label, name)
    assert written.says | {label: written.says.get(label, {})} == says(after)
