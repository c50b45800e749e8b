"""Safe YAML: what is refused, where, and that nothing hostile costs more than its size."""

import pytest

from promptgraph.files.node import Map, Scalar, Seq, YamlRefusedError, mark_at, node_at
from promptgraph.files.yaml import MAX_BYTES, MAX_DEPTH, MAX_EVENTS, load


def refused(raw: bytes | str) -> list[str]:
    """The findings of a refused file, as line:column: message."""
    with pytest.raises(YamlRefusedError) as caught:
        load(raw if isinstance(raw, bytes) else raw.encode())
    return [f"{found.line}:{found.column}: {found.message}" for found in caught.value.findings]


def laughs(levels: int) -> str:
    """The billion laughs: each level holds the one before nine times."""
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [" + ",".join([f"*a{i - 1}"] * 9) + "]" for i in range(1, levels)]
    return "\n".join(lines)


def test_keeps_every_scalar_as_text() -> None:
    """What YAML 1.1 takes for a boolean, a number or a date is the text that is written."""
    text = "version: 1.10\na: no\nb: 010\nc: 12:30:45\nd: 2026-13-45\ne: ~\nf: [x, 1_000]\n"
    expected = {
        "version": "1.10",
        "a": "no",
        "b": "010",
        "c": "12:30:45",
        "d": "2026-13-45",
        "e": "~",
        "f": ["x", "1_000"],
    }
    assert expected == load(text.encode())


def test_keeps_a_number_of_5000_digits_as_text() -> None:
    """No digit is converted before somebody asks for a number."""
    assert {"v": "9" * 5000} == load(f"v: {'9' * 5000}".encode())


def test_reads_block_text_as_written() -> None:
    """A literal block keeps its lines, a folded one joins them."""
    assert {"a": "Hi {{ name }}\n\n bye\n", "b": "x y\n"} == load(
        b"a: |\n  Hi {{ name }}\n\n   bye\nb: >\n  x\n  y\n"
    )


def test_takes_windows_line_ends_for_line_ends() -> None:
    """CRLF in a file is a line end in its texts."""
    assert {"a": "x\ny\n", "b": "1"} == load(b"a: |\r\n  x\r\n  y\r\nb: 1\r\n")


def test_knows_where_and_how_each_node_is_written() -> None:
    """Marks lead to the text of a node, in characters, whatever stands before it."""
    text = "é😀: \"x\"\r\nlist:\r\n- a\r\n- {k: 'v'}\r\nblock: |\r\n  t\r\n"
    root = load(text.encode())
    quoted, literal = root["é😀"], root["block"]
    assert isinstance(quoted, Scalar) and isinstance(literal, Scalar)
    assert '"x"' == text[quoted.start.index : quoted.end.index]
    assert (False, False, True) == (quoted.plain, quoted.literal, literal.literal)
    assert isinstance(root["list"], Seq)
    inner = node_at(root, ("list", 1))
    assert isinstance(inner, Map) and inner.flow and not root.flow
    assert "{k: 'v'}" == text[inner.start.index : inner.end.index]
    mark = mark_at(root, ("list", 1, "k"), key=True)
    assert (3, 3) == (mark.line, mark.column)


def test_leads_to_the_nearest_node_for_what_is_not_there() -> None:
    """A path that goes on where the file ends leads to the last node on its way."""
    root = load(b"a:\n  b: [1]\n")
    assert "1" == node_at(root, ("a", "b", 0, "c"))
    assert ["1"] == node_at(root, ("a", "b", 7))
    assert (1, 2) == (mark_at(root, ("a", "nope"), key=True).line, mark_at(root, ("a",)).column)


REFUSALS = {
    "duplicate key": ("a: 1\nb: 2\na: 3\n", ["3:1: The key `a` is already on line 1."]),
    "duplicate key, quoted": ('a: 1\n"a": 3\n', ["2:1: The key `a` is already on line 1."]),
    "duplicate key, nested": ("m:\n  - {x: 1, x: 2}\n", ["2:12: The key `x` is already on line 2."]),
    "duplicate empty key": ("'': 1\n'': 2\n", ["2:1: The key `` is already on line 1."]),
    "two duplicates": (
        "a: 1\na: 2\nb: 1\nb: 2\n",
        ["2:1: The key `a` is already on line 1.", "4:1: The key `b` is already on line 3."],
    ),
    "anchor": ("a: &x 1\n", ["1:4: The anchor `&x` is not read."]),
    "alias": ("a: *x\n", ["1:4: The alias `*x` is not read."]),
    "anchor of itself": (
        "a: &a [*a]\n",
        ["1:4: The anchor `&a` is not read.", "1:8: The alias `*a` is not read."],
    ),
    "anchor on a key": ("&k a: 1\n", ["1:1: The anchor `&k` is not read."]),
    "merge key": ("b: {<<: {x: 1}}\n", ["1:5: Merge keys (<<) are not read."]),
    "tag on a scalar": (
        "a: !!python/name:os.system x\n",
        ["1:4: The tag `tag:yaml.org,2002:python/name:os.system` is not read."],
    ),
    "tag on a mapping": (
        "a: !!python/object:os.x {}\n",
        ["1:4: The tag `tag:yaml.org,2002:python/object:os.x` is not read."],
    ),
    "bare tag": ("a: ! 12\n", ["1:4: The tag `!` is not read."]),
    "directive": ("%YAML 1.1\n---\na: 1\n", ["1:1: Directives (% lines) are not read."]),
    "two documents": ("a: 1\n---\nb: 2\n", ["2:1: A second document begins here."]),
    "scalar root": ("hello\n", ["1:1: The file must hold one mapping."]),
    "list root": ("- a\n", ["1:1: The file must hold one mapping."]),
    "empty file": ("", ["1:1: The file is empty."]),
    "comments alone": ("# nothing\n", ["1:1: The file is empty."]),
    "list as key": ("? [a]\n: 1\n", ["1:3: A list or a mapping cannot be a key."]),
    "template without quotes": ("a: {{ name }}\n", ["1:5: A list or a mapping cannot be a key."]),
    "template without quotes, and more": (
        "a: {{ name }} x\n",
        ["1:5: A list or a mapping cannot be a key."],
    ),
    "tab as indentation": (
        "a:\n\tb: 1\n",
        ["2:1: This is not valid YAML: found character that cannot start any token."],
    ),
    "colon in a text": (
        "a: b: c\n",
        ["1:5: This is not valid YAML: mapping values are not allowed in this context."],
    ),
    "bracket never closed": ("a: [\n", ["1:4: This is not valid YAML: did not find expected node content."]),
    "quote never closed": ("a: 'x\n", ["1:4: This is not valid YAML: found unexpected end of stream."]),
    "unknown escape": (
        'a: "\\d"\n',
        ["1:5: This is not valid YAML: found unknown escape character."],
    ),
    "NUL": ("a: 1\nb: x\0y\n", ["2:5: The file holds the character U+0000."]),
    "escaped NUL": ('a: "x\\0y"\n', ["1:4: The text holds the character U+0000."]),
    "escaped NUL in a key": ('"\\0": x\n', ["1:1: The text holds the character U+0000."]),
    "control character": ("a: \x1b[0m\n", ["1:4: The file holds the character U+001B."]),
    "C1 control character": ("a: x\x80\n", ["1:5: The file holds the character U+0080."]),
    "no character": ("a: x\ufffe\n", ["1:5: The file holds the character U+FFFE."]),
    "escaped surrogate": (
        'a: "\\ud800"\n',
        ["1:7: This is not valid YAML: found invalid Unicode character escape code."],
    ),
    "line separator": ("a: |\n  x\u2028  y\n", ["2:4: The file holds the character U+2028."]),
    "next line": ("a: |\n  x\u0085  y\n", ["2:4: The file holds the character U+0085."]),
    "bidi in a key": ("a\u202eb: 1\n", ["1:1: The key `a\\u202eb` holds the invisible character U+202E."]),
    "escaped zero width in a key": (
        '"a\\u200b": 1\n',
        ["1:1: The key `a\\u200b` holds the invisible character U+200B."],
    ),
    "key not in NFC": ("e\u0301: 1\n", ["1:1: The key `e\u0301` is not in Unicode's form NFC."]),
    "byte order mark": (b"\xef\xbb\xbfa: 1\n", ["1:1: The file begins with a byte order mark."]),
    "UTF-16": ("a: 1\n".encode("utf-16"), ["1:1: The file begins with a byte order mark."]),
    "UTF-16 without mark": ("a: 1\n".encode("utf-16-le"), ["1:2: The file holds the character U+0000."]),
    "latin-1": (b"a: 1\nb: caf\xe9\n", ["2:None: The file is not UTF-8."]),
    "surrogate bytes": (b"a: \xed\xa0\x80\n", ["1:None: The file is not UTF-8."]),
    "too large": ("a: " + "x" * MAX_BYTES, ["None:None: The file is larger than 256 KiB."]),
}


@pytest.mark.parametrize(("raw", "expected"), REFUSALS.values(), ids=REFUSALS)
def test_refuses(raw: str | bytes, expected: list[str]) -> None:
    """What is refused is told with its line and column."""
    assert expected == refused(raw)


NEARLY = {
    "brackets": "[" * 100_000,
    "mappings": "{a: " * 50_000,
    "dashes": "- " * 100_000,
    "block mappings": "".join(" " * i + "a:\n" for i in range(700)),
}


@pytest.mark.parametrize("text", NEARLY.values(), ids=NEARLY)
def test_refuses_deep_nesting_before_anything_recurses(text: str) -> None:
    """A file that would end the process is refused by its depth."""
    assert f"Nested deeper than {MAX_DEPTH}." in refused(text)[0]


def test_reads_up_to_its_depth() -> None:
    """Twenty containers in each other are fine, one more is not."""
    brackets = MAX_DEPTH - 1
    load(("a: " + "[" * brackets + "]" * brackets).encode())
    assert [f"1:{4 + brackets}: Nested deeper than {MAX_DEPTH}."] == refused("a: " + "[" * 20 + "]" * 20)


def test_refuses_more_events_than_a_file_may_hold() -> None:
    """The limit holds for small keys too, at the line that passes it."""
    lines = "".join(f"k{i}: v\n" for i in range(MAX_EVENTS))
    (found,) = refused(lines)
    assert f"9999:8: The file holds more than {MAX_EVENTS} YAML events." == found


def test_refuses_the_billion_laughs() -> None:
    """Aliases end the reading; nothing is expanded, and the list of findings is bounded."""
    found = refused(laughs(9))
    assert "1:5: The anchor `&a0` is not read." == found[0]
    assert 20 == len(found)


HINTS = {
    "template without quotes": ("a: {{ name }}\n", "Put quotes round a text that begins with {{."),
    "colon in a text": (
        "a: b: c\n",
        "Put quotes round a text that holds `: `, and check the indentation.",
    ),
    "unknown escape": (
        'a: "\\d"\n',
        "In double quotes a backslash begins an escape: write \\\\ or use single quotes.",
    ),
    "line separator": (
        "a: x\u2028y\n",
        'YAML takes it for a line end, editors do not: write "\\u2028" in double quotes.',
    ),
}


@pytest.mark.parametrize(("text", "expected"), HINTS.values(), ids=HINTS)
def test_says_what_to_do(text: str, expected: str) -> None:
    """The usual mistakes get the usual advice."""
    with pytest.raises(YamlRefusedError) as caught:
        load(text.encode())
    assert expected == caught.value.findings[0].hint


def test_reads_escaped_line_separators() -> None:
    """What is refused bare may be written as an escape."""
    assert {"a": "x\u2028y\u0085"} == load(b'a: "x\\u2028y\\u0085"\n')


def test_takes_quoted_arrows_for_a_key_like_any_other() -> None:
    """Only the plain << asks for a merge."""
    assert {"<<": "x"} == load(b'"<<": x\n')
