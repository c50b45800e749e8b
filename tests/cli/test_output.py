"""Data on stdout, words on stderr, the same for people, pipes and programs."""

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from promptgraph.cli.output import (
    as_json,
    camel,
    counted,
    dumps,
    instant,
    plain,
    progress,
    say,
    show,
    show_json,
    show_table,
    show_text,
    working,
)
from promptgraph.domain.diff import Impact
from promptgraph.domain.registry import SyncAction, SyncStep


@dataclass(frozen=True, slots=True)
class Spot:
    """A record to print."""

    folder: Path
    moved_at: dt.datetime | None
    tags: tuple[str, ...] = ()


AT = dt.datetime(2026, 11, 23, 14, 5, 6, tzinfo=dt.timezone(dt.timedelta(hours=2)))


def test_prints_records_with_the_names_of_the_graph() -> None:
    """Fields are in camel case, instants are UTC, paths and enums are text."""
    assert {
        "folder": "a/b",
        "movedAt": "2026-11-23T12:05:06Z",
        "tags": ["x"],
    } == as_json(Spot(Path("a/b"), AT, ("x",)))


def test_prints_a_step_as_the_graph_does() -> None:
    """A step of a plan has the fields of SyncStep."""
    step = SyncStep(
        action=SyncAction.ADD, kind="prompt", name="a", version=2, sentence="New.", impact=Impact.MINOR
    )
    expected = {
        "action": "ADD",
        "kind": "prompt",
        "name": "a",
        "version": 2,
        "sentence": "New.",
        "impact": "MINOR",
        "path": None,
    }
    assert expected == as_json(step)


def test_refuses_what_has_no_json_form() -> None:
    """A value that nobody thought of is a fault, not a string."""
    with pytest.raises(TypeError, match="object has no JSON form"):
        as_json(object())


@pytest.mark.parametrize(
    ("name", "expected"), [("name", "name"), ("committed_at", "committedAt"), ("a_b_c", "aBC")]
)
def test_names_fields_in_camel_case(name: str, expected: str) -> None:
    """Python's names become the graph's."""
    assert expected == camel(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Grüße, 世界 🙂", "Grüße, 世界 🙂"),
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\x00b\x9bc\r", "a\\x00b\\x9bc\\r"),
        ("\u202eevil", "\\u202eevil"),
    ],
    ids=["letters", "tabs and line ends", "escape sequence", "other controls", "direction"],
)
def test_disarms_control_characters(text: str, expected: str) -> None:
    """No text from outside can drive the terminal."""
    assert expected == plain(text)


def test_lets_nobody_forge_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A name with a line end in it stays on the line that it is in, wherever it is printed."""
    forged = "a\nok\u2028ok"
    say(forged)
    show(forged)
    show_table(("name",), [(forged,)])
    printed = capsys.readouterr()
    assert "a\\nok\\u2028ok\n" == printed.err
    assert ["a\\nok\\u2028ok", "name", "a\\nok\\u2028ok"] == printed.out.splitlines()


def test_keeps_the_lines_of_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    """What was asked for as text has its lines, and drives no terminal either."""
    show_text("a\nb\x1b")
    assert "a\nb\\x1b\n" == capsys.readouterr().out


def test_escapes_in_json_what_drives_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON leaves C1 controls as they are; here they are escaped, and read back the same."""
    show_json({"a": "\x9b31m\u202e"})
    printed = capsys.readouterr().out
    assert ("\x9b" not in printed, {"a": "\x9b31m\u202e"}) == (True, json.loads(printed))


def test_keeps_data_apart_from_words(capsys: pytest.CaptureFixture[str]) -> None:
    """Data goes to stdout, words about the work to stderr."""
    say("working")
    show("result")
    assert ("result\n", "working\n") == capsys.readouterr()


def test_prints_markup_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Square brackets and emoji codes of a text are text."""
    show("[red]x[/red] :smile: {a} 12")
    assert "[red]x[/red] :smile: {a} 12\n" == capsys.readouterr().out


def test_neither_cuts_nor_wraps_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """A row is one line however long it is, without blanks at its end."""
    long = "word " * 60 + "end"
    show_table(("name", "text"), [("a", long), ("bcdef", None)])
    lines = capsys.readouterr().out.splitlines()
    assert ["name   text", f"a      {long}", "bcdef"] == lines


def test_prints_one_json_document_in_utf_8(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Letters stay letters; half of a surrogate pair becomes an escape rather than a failure."""
    show_json({"a": "ü\ud800"})
    raw = capfdbinary.readouterr().out
    assert "ü".encode() in raw
    assert {"a": "ü\ud800"} == json.loads(raw)


def test_refuses_numbers_that_json_lacks() -> None:
    """NaN is never printed as JSON."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps({"x": float("nan")})


def test_shows_no_spinner_and_no_bar_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """What moves is for terminals alone."""
    with working("Reading"):
        done = list(progress([1, 2], "Rendering"))
    assert ([1, 2], ("", "")) == (done, tuple(capsys.readouterr()))


def test_honours_no_color(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With NO_COLOR even a terminal gets no colour."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    show("x", "warn")
    assert "\x1b[33mx\x1b[0m\n" == capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    show("x", "warn")
    assert "x\n" == capsys.readouterr().out


def test_shows_instants_in_utc() -> None:
    """People read one zone, and see which."""
    assert ("2026-11-23 12:05:06Z", "") == (instant(AT), instant(None))


@pytest.mark.parametrize(("count", "expected"), [(0, "0 files"), (1, "1 file"), (2, "2 files")])
def test_counts_in_words(count: int, expected: str) -> None:
    """One is singular."""
    assert expected == counted(count, "file")
