"""What a path is: which files are read, which are nearly right, which are left alone."""

import pytest

from promptgraph.files.layout import Kind, spot

READ = {
    "triage.prompt.yaml": (Kind.PROMPT, "triage", None),
    "support/triage.prompt.yaml": (Kind.PROMPT, "support/triage", None),
    "support/triage@2.prompt.yaml": (Kind.PROMPT, "support/triage", 2),
    "a@2147483647.prompt.yaml": (Kind.PROMPT, "a", 2_147_483_647),
    "1.5/x_-.y.prompt.yaml": (Kind.PROMPT, "1.5/x_-.y", None),
    "_partials/tone.j2": (Kind.PARTIAL, "tone.j2", None),
    "_partials/sub/x.j2": (Kind.PARTIAL, "sub/x.j2", None),
    "agents/bot.agent.yaml": (Kind.AGENT, "bot", None),
    "agents/team/bot.agent.yaml": (Kind.AGENT, "team/bot", None),
    "labels.yaml": (Kind.LABELS, "", None),
}


@pytest.mark.parametrize(("path", "expected"), READ.items(), ids=READ)
def test_reads(path: str, expected: tuple[Kind, str, int | None]) -> None:
    """The name comes from the path, the version from NAME@2."""
    found = spot(path)
    assert (expected, None, True) == ((found.kind, found.name, found.version), found.finding, found.read)


IGNORED = (
    ".git/config",
    "sub/.DS_Store",
    ".prompt.yaml",
    "README.md",
    "support/notes.MD",
    "a.prompt.yaml~",
    ".a.prompt.yaml.swp",
    "a.prompt.yaml.orig",
    "#a.prompt.yaml#",
)


@pytest.mark.parametrize("path", IGNORED)
def test_ignores(path: str) -> None:
    """Notes, hidden files and what editors leave behind say nothing and trouble nobody."""
    assert (Kind.IGNORED, None, False) == (spot(path).kind, spot(path).finding, spot(path).read)


@pytest.mark.parametrize("path", ["notes.txt", "x.yaml", "data/table.csv", "agents/helper.py"])
def test_leaves_strangers_alone(path: str) -> None:
    """Any other file is known as such; the tree warns of it."""
    assert (Kind.OTHER, None, False) == (spot(path).kind, spot(path).finding, spot(path).read)


NAME_RULE = "Use lower-case letters, digits and . _ / - (at most 128, first a letter or digit, no ..)."
LABEL_PLACE = "Labels are read from labels.yaml at the top of the prompts folder."
NEAR_PROMPT = "This file is nearly named like a prompt or agent file."
WRONG = {
    "a.prompt.yml": (NEAR_PROMPT, "Rename it to `a.prompt.yaml`."),
    "a.PROMPT.yaml": (NEAR_PROMPT, "Rename it to `a.prompt.yaml`."),
    "sub/a.prompts.yaml": (NEAR_PROMPT, "Rename it to `sub/a.prompt.yaml`."),
    "a.prompt.json": (NEAR_PROMPT, "Rename it to `a.prompt.yaml`."),
    "agents/a.agent.yml": (NEAR_PROMPT, "Rename it to `agents/a.agent.yaml`."),
    "prompt.yaml": ("This file has no name.", "Call it NAME.prompt.yaml."),
    "agents/agent.yaml": ("This file has no name.", "Call it NAME.agent.yaml."),
    "a.agent.yaml": ("An agent file belongs into agents/.", "Move it to `agents/a.agent.yaml`."),
    "label.yaml": (LABEL_PLACE, "Rename it to labels.yaml."),
    "labels.yml": (LABEL_PLACE, "Rename it to labels.yaml."),
    "Labels.yaml": (LABEL_PLACE, "Rename it to labels.yaml."),
    "lables.yaml": (LABEL_PLACE, "Rename it to labels.yaml."),
    "sub/labels.yaml": (LABEL_PLACE, "Move it there."),
    "_partials/tone.jinja2": ("A partial's name ends in .j2.", "Rename it to `tone.j2`."),
    "_partials/tone.txt": ("A partial's name ends in .j2.", "Rename it to `tone.j2`."),
    "partials/tone.j2": ("A partial belongs into _partials/.", "Move it to `_partials/tone.j2`."),
    "A.prompt.yaml": ("`A` is no prompt name.", "Rename the file: `a`."),
    "a b.prompt.yaml": ("`a b` is no prompt name.", NAME_RULE),
    "a..b.prompt.yaml": ("`a..b` is no prompt name.", NAME_RULE),
    "_drafts/a.prompt.yaml": ("`_drafts/a` is no prompt name.", NAME_RULE),
    "é.prompt.yaml": ("`é` is no prompt name.", NAME_RULE),
    f"{'a' * 129}.prompt.yaml": (f"`{'a' * 60}…` is no prompt name.", NAME_RULE),
    "_partials/Tone.j2": ("`Tone.j2` is no partial name.", "Rename the file: `tone.j2`."),
    "agents/Bot.agent.yaml": ("`Bot` is no agent name.", "Rename the file: `bot`."),
    "a@b.prompt.yaml": ("`b` is no version.", "An older version is kept as NAME@2.prompt.yaml."),
    "a@02.prompt.yaml": ("`02` is no version.", "An older version is kept as NAME@2.prompt.yaml."),
    "a@0.prompt.yaml": ("`0` is no version.", "An older version is kept as NAME@2.prompt.yaml."),
    "a@2147483648.prompt.yaml": (
        "`2147483648` is no version.",
        "An older version is kept as NAME@2.prompt.yaml.",
    ),
    "../a.prompt.yaml": (
        "This is no path below the prompts folder.",
        "Write it as folder/file, with no . and ..",
    ),
    "/a.prompt.yaml": (
        "This is no path below the prompts folder.",
        "Write it as folder/file, with no . and ..",
    ),
    "a//b.prompt.yaml": (
        "This is no path below the prompts folder.",
        "Write it as folder/file, with no . and ..",
    ),
    "a\\b.prompt.yaml": (
        "This is no path below the prompts folder.",
        "Write it as folder/file, with no . and ..",
    ),
    "": ("This is no path below the prompts folder.", "Write it as folder/file, with no . and .."),
    "a\0.prompt.yaml": ("The path holds the character U+0000.", "Rename the file."),
    "a\u202e.prompt.yaml": ("The path holds the character U+202E.", "Rename the file."),
    "a\ud800.prompt.yaml": ("The path holds the character U+D800.", "Rename the file."),
    "x/" * 21 + "a.prompt.yaml": (
        "The path is longer than 512 characters or 20 folders.",
        "Shorten it.",
    ),
}


@pytest.mark.parametrize(("path", "expected"), WRONG.items(), ids=[ascii(path)[:40] for path in WRONG])
def test_says_what_a_file_should_be_called(path: str, expected: tuple[str, str]) -> None:
    """A file that is nearly one of ours, or named against the rule, is told how to be right."""
    found = spot(path)
    assert found.finding is not None and not found.read
    assert expected == (found.finding.message, found.finding.hint)
