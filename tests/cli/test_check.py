"""`promptgraph check`."""

from pathlib import Path

import pytest

from tests.cli.conftest import Answer, Command
from tests.cli.repository import ANSWER, commit, edit, git
from tests.factories import prompt_yaml, write_tree


@pytest.mark.usefixtures("prompts")
def test_is_silent_about_what_is_right(answer: Answer) -> None:
    """A folder without problems: exit code 0, and what was read is counted."""
    expected = {
        "folder": "prompts",
        "prompts": 1,
        "agents": 1,
        "labels": 1,
        "errors": 0,
        "warnings": 0,
        "problems": [],
    }
    assert expected == answer("check")


def test_tells_every_problem_in_one_run(prompts: Path, cli: Command, answer: Answer) -> None:
    """A broken file hides neither the others' problems nor those of labels and agents."""
    write_tree(
        prompts,
        {
            "a.prompt.yaml": "version: 1\nmesages: []\n",
            "b.prompt.yaml": "version: [\n",
            "c.prompt.yaml": prompt_yaml(
                content="Hi {{ name }}", tests=[{"input": {"name": "Ann"}, "contains": ["Bob"]}]
            ),
            "labels.yaml": "production: {support/answer: 1, supprt/answer: 1}\n",
        },
    )
    found = answer("check", code=1)
    paths = sorted({problem["path"] for problem in found["problems"]})
    assert ["a.prompt.yaml", "b.prompt.yaml", "c.prompt.yaml", "labels.yaml"] == paths
    assert found["errors"] >= 4
    shown = cli("check", code=1).stdout
    assert "prompts/a.prompt.yaml\n" in shown
    assert "Did you mean `messages`?" in shown
    assert "there is no prompt supprt/answer." in shown


def test_shows_line_message_and_hint_below_the_file(prompts: Path, cli: Command) -> None:
    """Problems stand under the file that they are in."""
    write_tree(prompts, {"labels.yaml": "# ours\nproduction: {supprt/answer: 1}\n"})
    lines = cli("check", code=1).stdout.splitlines()
    at = lines.index("prompts/labels.yaml")
    assert lines[at + 1].split()[:2][1] == "error"
    assert lines[at + 1].strip().startswith("2:")
    assert "Did you mean `support/answer`?" == lines[at + 2].strip()


def test_warnings_are_no_findings(prompts: Path, answer: Answer) -> None:
    """What the registry may hold is said, and the exit code stays 0."""
    text = (prompts / "support/answer.prompt.yaml").read_text().replace("version: 1 ", "version: 2 ")
    (prompts / "support/answer.prompt.yaml").write_text(text)
    found = answer("check")
    assert (0, 1) == (found["errors"], found["warnings"])
    assert {
        "path": "labels.yaml",
        "line": 3,
        "column": 3,
        "severity": "warning",
        "message": "Label production: version 1 of support/answer is not among the files.",
        "hint": "The registry must hold it; or keep it as support/answer@1.prompt.yaml.",
    } == found["problems"][0]


@pytest.mark.usefixtures("prompts")
@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("nowhere", "error: There is no folder nowhere. Start one with `promptgraph init nowhere`"),
        ("prompts/labels.yaml", "error: prompts/labels.yaml is a file; name the prompts folder."),
    ],
)
def test_says_that_there_is_no_such_folder(cli: Command, word: str, words: str) -> None:
    """A wrong path is wrong usage, and the sentence says what to do."""
    assert cli("check", word, code=2).stderr.startswith(words)


def test_survives_binary_files(prompts: Path, answer: Answer) -> None:
    """A picture named like a prompt is a problem with a place, not a crash."""
    write_tree(prompts, {"a.prompt.yaml": b"\x89PNG\r\n\x1a\n\x00\xff", "_partials/b.j2": b"\xff\xfe\x00"})
    found = answer("check", code=1)
    assert {"a.prompt.yaml", "_partials/b.j2"} <= {problem["path"] for problem in found["problems"]}


def test_reads_an_empty_folder(here: Path, answer: Answer) -> None:
    """Nothing to check is nothing wrong."""
    (here / "prompts").mkdir()
    assert 0 == answer("check")["prompts"]


def test_disarms_names_of_files(prompts: Path, cli: Command) -> None:
    """A file name can neither drive the terminal nor forge a line."""
    (prompts / "a\x1b[31m.prompt.yaml").write_text("version: 1\n")
    (prompts / "b\nall is well\n.prompt.yaml").write_text("version: 1\n")
    shown = cli("check", code=1).output
    assert "\x1b" not in shown
    assert "all is well" in shown
    assert not [line for line in shown.splitlines() if line.startswith("all is well")]


def test_says_that_a_path_is_too_long(cli: Command) -> None:
    """The sentence does not repeat all of it."""
    said = cli("check", "a" * 5000, code=2).stderr
    assert said.startswith("error: The prompts folder aaa")
    assert said.endswith("a… cannot be looked at: File name too long.\n")
    assert len(said) < 200


@pytest.fixture
def branch(prompts: Path) -> Path:
    """The starter's prompts, committed, with one of them edited on a branch."""
    commit(prompts.parent)
    git(prompts.parent, "branch", "-m", "main")
    git(prompts.parent, "checkout", "--quiet", "-b", "edit")
    edit(prompts / ANSWER, "You answer", "You always answer")
    return prompts


def test_says_what_a_branch_forgot(branch: Path, cli: Command, answer: Answer) -> None:
    """Changed without a new number: a finding with its mend; bumped: what it means, and whom it reaches."""
    found = answer("check", "--base", "main", code=1)
    assert ["Run: promptgraph bump support/answer"] == [problem["hint"] for problem in found["problems"]]
    cli("bump", "support/answer")
    found = answer("check", "--base", "main")
    assert "main" == found["base"]
    (change,) = found["changes"]
    assert ("support/answer", 1, 2, "MINOR") == tuple(change[key] for key in ("name", "from", "to", "impact"))
    assert "The text of the system message changed." in change["sentences"]
    assert branch.is_dir()


def test_annotates_a_pull_request(branch: Path, cli: Command) -> None:
    """One workflow command a finding, by file and line as the repository sees them."""
    shown = cli("check", "--base", "main", "--format", "github", code=1).stdout
    place = f"file={branch.name}/{ANSWER},line="
    (error,) = [line for line in shown.splitlines() if line.startswith("::error ")]
    assert error.startswith(f"::error {place}")
    assert "title=promptgraph::The content of support/answer changed" in error


def test_no_text_forges_an_annotation(branch: Path, cli: Command) -> None:
    """A line end or a percent sign in a message begins no other command."""
    write_tree(
        branch, {"a%0A::error.prompt.yaml": "version: 1\n", "b\n::error::c.prompt.yaml": "version: 1\n"}
    )
    shown = cli("check", "--format", "github", code=1).stdout
    assert all(
        line.startswith(("::error file=prompts/", "::warning file=prompts/")) for line in shown.splitlines()
    )


def test_reports_to_a_pull_request(branch: Path, cli: Command) -> None:
    """Markdown: a table, the sentences, and the lines that changed; names hold no mark-up."""
    cli("bump", "support/answer")
    write_tree(branch, {"new.prompt.yaml": prompt_yaml(1, "x", description="<b>")})
    shown = cli("check", "--base", "main", "--format", "markdown").stdout
    assert shown.startswith("## Prompts: what changes since `main`\n")
    assert "| `support/answer` | 1 → 2 | MINOR |" in shown
    assert "\n+You always answer" in shown
    assert "\n-You answer" in shown
    assert "| `new` | 1 (added) | NONE |" in shown


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("nope", "error: git knows no revision nope: fetch it first, or name another."),
        ("--all", "error: git knows no revision --all: fetch it first, or name another."),
        ("lonely", "error: What is checked out and lonely have no commit in common: name another base."),
    ],
)
def test_refuses_a_base_that_is_none(branch: Path, cli: Command, base: str, words: str) -> None:
    """Wrong usage, in a sentence."""
    git(branch.parent, "checkout", "--quiet", "--orphan", "lonely")
    git(branch.parent, "commit", "--quiet", "--message", "lonely")
    git(branch.parent, "checkout", "--quiet", "edit")
    assert cli("check", "--base", base, code=2).stderr.startswith(words)


def test_says_that_a_clone_is_shallow(branch: Path, cli: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clone that does not reach back to the fork cannot tell what changed; the mend is named."""
    git(branch.parent, "commit", "--quiet", "--all", "--message", "y")
    git(branch.parent, "checkout", "--quiet", "main")
    write_tree(branch, {"other.prompt.yaml": prompt_yaml(1, "x")})
    commit(branch.parent)
    shallow = branch.parent / "shallow"
    source = f"file://{branch.parent}"
    git(
        branch.parent,
        "clone",
        "--quiet",
        "--depth=1",
        "--no-single-branch",
        "--branch=edit",
        source,
        str(shallow),
    )
    monkeypatch.chdir(shallow)
    assert "git fetch --unshallow" in cli("check", "--base", "origin/main", code=2).stderr


@pytest.mark.usefixtures("prompts")
def test_needs_git_for_a_base(cli: Command) -> None:
    """Outside of any repository there is nothing to compare with."""
    assert "There is no git repository here" in cli("check", "--base", "main", code=2).stderr
