"""`promptgraph bump`."""

from pathlib import Path

import pytest

from tests.cli.conftest import Answer, Command
from tests.cli.repository import ANSWER, commit, edit, git
from tests.factories import prompt_yaml, write_tree


def files(folder: Path) -> dict[Path, bytes]:
    """Every file below `folder`, with what it says."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def bumped(name: str, before: int, after: int) -> dict[str, object]:
    return {"name": name, "path": f"{name}.prompt.yaml", "fromVersion": before, "toVersion": after}


def test_counts_from_the_registry(prompts: Path, cli: Command, answer: Answer) -> None:
    """Refused, bumped, accepted: the old version stays, the copy that a label names is kept."""
    cli("sync")
    edit(prompts / ANSWER, "You answer", "You always answer")
    assert "run: promptgraph bump support/answer" in cli("sync", code=1).output
    found = answer("bump", "support/answer")
    assert [bumped("support/answer", 1, 2)] == found["bumps"]
    assert ["support/answer@1.prompt.yaml"] == found["kept"]
    assert "version: 2                        # bump it" in (prompts / ANSWER).read_text()
    assert 0 == answer("check")["errors"]
    cli("sync")
    assert "You answer" in answer("render", "support/answer", "--version", "1", "--var", "question=x")["text"]


def test_does_nothing_twice(prompts: Path, cli: Command, answer: Answer) -> None:
    """A version that nobody has yet needs no other."""
    cli("sync")
    cli("bump", "support/answer")
    text = (prompts / ANSWER).read_text()
    found = answer("bump", "support/answer")
    assert [bumped("support/answer", 2, 2)] == found["bumps"]
    assert ([], text) == (found["kept"], (prompts / ANSWER).read_text())
    assert "which nobody has yet; nothing to do" in cli("bump", "support/answer").stdout


@pytest.mark.usefixtures("cli")
def test_counts_from_git(prompts: Path, answer: Answer) -> None:
    """Without a registry HEAD counts, and gives the older text as it was committed."""
    committed = (prompts / ANSWER).read_text()
    commit(prompts.parent)
    edit(prompts / ANSWER, "You answer", "You always answer")
    found = answer("bump", "support/answer")
    assert [bumped("support/answer", 1, 2)] == found["bumps"]
    assert committed == (prompts / "support/answer@1.prompt.yaml").read_text()
    assert "The registry could not be asked, so the files and git's HEAD were counted." in found["notes"][0]


def test_keeps_what_the_version_meant(prompts: Path, answer: Answer) -> None:
    """Where a partial has changed since, the copy says the old text itself."""
    commit(prompts.parent)
    before = answer("render", "support/answer", "--var", "question=x")
    edit(prompts / "_partials/tone.j2", "Be brief", "Be long")
    found = answer("bump", "_partials/tone.j2")
    assert ["support/answer@1.prompt.yaml"] == found["kept"]
    assert "include" not in (prompts / "support/answer@1.prompt.yaml").read_text()
    after = answer("render", "support/answer", "--version", "1", "--var", "question=x")
    assert before["prompt"]["contentHash"] == after["prompt"]["contentHash"]
    assert 0 == answer("check")["errors"]


@pytest.mark.parametrize("word", ["tone.j2", "tone", "_partials/tone.j2", "prompts/_partials/tone.j2"])
def test_bumps_every_prompt_that_includes_a_partial(prompts: Path, answer: Answer, word: str) -> None:
    """A partial stands for its prompts, however it is written."""
    write_tree(prompts, {"other.prompt.yaml": prompt_yaml(content='{% include "tone.j2" %}')})
    commit(prompts.parent)
    write_tree(prompts, {"third.prompt.yaml": prompt_yaml(content="Hi")})
    found = answer("bump", word)
    assert [bumped("other", 1, 2), bumped("support/answer", 1, 2)] == found["bumps"]


@pytest.mark.parametrize("word", ["support/answer", ANSWER, f"prompts/{ANSWER}", f"./prompts/{ANSWER}"])
def test_takes_names_and_paths(prompts: Path, answer: Answer, word: str) -> None:
    """A prompt may be named by its file."""
    commit(prompts.parent)
    assert [bumped("support/answer", 1, 2)] == answer("bump", word)["bumps"]


def test_refuses_to_lose_a_text_that_is_named(prompts: Path, cli: Command) -> None:
    """Without git and registry nobody knows the old text for certain: nothing is written, and what to do is
    said.
    """
    before = files(prompts)
    said = cli("bump", "support/answer", code=1).stderr
    assert "names version 1 of support/answer" in said
    assert "by hand as support/answer@1.prompt.yaml, or connect the registry (--database-url)" in said
    assert before == files(prompts)


def test_bumps_without_git_what_nothing_names(prompts: Path, answer: Answer) -> None:
    """Where no label and no agent names the version, nothing can be lost that is asked for."""
    write_tree(prompts, {"third.prompt.yaml": prompt_yaml(content="Hi")})
    found = answer("bump", "third")
    assert [bumped("third", 1, 2)] == found["bumps"]
    assert "only the files were counted" in found["notes"][0]


def test_writes_nothing_where_a_copy_cannot_stand(prompts: Path, cli: Command) -> None:
    """The copy comes first: where its place is taken, the prompt keeps its number."""
    name = "tricky.prompt.yaml"
    write_tree(prompts, {name: prompt_yaml(content="Hi")})
    cli("label", "set", "tricky", "production", "1")
    cli("sync")
    write_tree(prompts, {"tricky@1.prompt.yaml/keep.md": "a folder where the copy would be"})
    edit(prompts / name, "Hi", "Ho")
    assert "File exists" in cli("bump", "tricky", code=1).stderr
    assert "version: 1" in (prompts / name).read_text()


def test_says_which_kept_file_is_broken(prompts: Path, cli: Command) -> None:
    """A copy that is there and cannot be read is mended first; nothing is written."""
    cli("sync")
    write_tree(prompts, {"support/answer@1.prompt.yaml": "version: [\n"})
    before = files(prompts)
    said = cli("bump", "support/answer", code=1).stderr
    assert said.startswith("error: support/answer@1.prompt.yaml cannot be read; mend it first. ")
    assert before == files(prompts)


def test_follows_no_link(here: Path, prompts: Path, cli: Command) -> None:
    """A prompt that is a link to somewhere else is not changed there."""
    (here / "elsewhere.yaml").write_text((prompts / ANSWER).read_text())
    (prompts / ANSWER).unlink()
    (prompts / ANSWER).symlink_to(here / "elsewhere.yaml")
    before = (here / "elsewhere.yaml").read_text()
    assert "symbolic link" in cli("bump", "support/answer", code=1).stderr
    assert before == (here / "elsewhere.yaml").read_text()


def test_leaves_a_new_prompt_alone(prompts: Path, answer: Answer) -> None:
    """A file that neither git nor the registry has seen keeps its version 1."""
    commit(prompts.parent)
    write_tree(prompts, {"new.prompt.yaml": prompt_yaml(content="Hi")})
    assert [bumped("new", 1, 1)] == answer("bump", "new")["bumps"]


def test_counts_a_version_above_the_file(prompts: Path, cli: Command, answer: Answer) -> None:
    """After a revert the next version is above the highest stored, not above the file's."""
    edit(prompts / ANSWER, "version: 1 ", "version: 7 ")
    edit(prompts / "labels.yaml", "answer: 1", "answer: 7")
    cli("sync")
    edit(prompts / ANSWER, "version: 7 ", "version: 2 ")
    assert [bumped("support/answer", 2, 8)] == answer("bump", "support/answer")["bumps"]


def test_follows_a_new_name(prompts: Path, answer: Answer) -> None:
    """A renamed prompt keeps counting, and its older text is found under the name it had."""
    commit(prompts.parent)
    (prompts / ANSWER).rename(prompts / "support/reply.prompt.yaml")
    edit(
        prompts / "support/reply.prompt.yaml",
        "tags: [support]",
        "tags: [support]\nformerly: [support/answer]",
    )
    edit(prompts / "labels.yaml", "support/answer", "support/reply")
    edit(prompts / "agents/support-bot.agent.yaml", "support/answer", "support/reply")
    found = answer("bump", "support/reply")
    assert ([bumped("support/reply", 1, 2)], ["support/reply@1.prompt.yaml"]) == (
        found["bumps"],
        found["kept"],
    )
    assert 0 == answer("check")["errors"]


def test_says_that_labels_cannot_be_read(prompts: Path, answer: Answer) -> None:
    """Which versions a broken file names is not known: that is said, not passed over."""
    (prompts / "labels.yaml").write_text("production: [\n")
    assert answer("bump", "support/answer")["notes"][0].startswith("labels.yaml cannot be read")


def test_keeps_line_ends_and_rights(prompts: Path, cli: Command) -> None:
    """Only the number changes."""
    file = prompts / ANSWER
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    file.chmod(0o640)
    commit(prompts.parent)
    before = file.read_bytes()
    cli("bump", "support/answer")
    assert before.replace(b"version: 1 ", b"version: 2 ") == file.read_bytes()
    assert 0o640 == file.stat().st_mode & 0o777


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        ([""], 2, "An empty word names no prompt"),
        (["x" * 5000], 1, "There is no prompt or partial xxx"),
        (["support/answr"], 1, "There is no prompt or partial support/answr. Did you mean `support/answer`?"),
        (["support/answer", "nothing"], 1, "There is no prompt or partial nothing."),
        (["lonely.j2"], 1, "No prompt includes the partial lonely.j2, so there is nothing to bump."),
        (
            ["support/answer@1"],
            2,
            "support/answer@1 is a kept version and stays as it is; bump support/answer.",
        ),
        (["broken"], 1, "broken.prompt.yaml cannot be read; mend it first."),
        (["labels.yaml"], 1, "There is no prompt or partial labels.yaml."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_changes_nothing_when_a_name_is_wrong(
    prompts: Path, cli: Command, words: list[str], code: int, expected: str
) -> None:
    """All names or none: what is wrong is said, and no file is touched."""
    write_tree(prompts, {"_partials/lonely.j2": "x\n", "broken.prompt.yaml": "version: 1\n"})
    before = {path: path.read_bytes() for path in prompts.rglob("*") if path.is_file()}
    assert expected in cli("bump", *words, code=code).stderr
    assert before == {path: path.read_bytes() for path in prompts.rglob("*") if path.is_file()}


def test_says_that_there_is_no_folder(cli: Command) -> None:
    """Without a prompts folder there is nothing to bump."""
    assert "There is no folder prompts" in cli("bump", "x", code=2).stderr


@pytest.fixture
def branch(prompts: Path) -> Path:
    """The starter's prompts, committed on main, then edited and committed on a branch."""
    commit(prompts.parent)
    git(prompts.parent, "branch", "-m", "main")
    git(prompts.parent, "checkout", "--quiet", "-b", "edit")
    edit(prompts / ANSWER, "You answer", "You always answer")
    git(prompts.parent, "commit", "--quiet", "--all", "--message", "edit")
    return prompts


def test_bumps_what_a_branch_changed(branch: Path, cli: Command, answer: Answer) -> None:
    """The copy that a label names holds what main published, not what the branch made of that number."""
    found = answer("bump", "--changed", "--base", "main")
    assert [bumped("support/answer", 1, 2)] == found["bumps"]
    assert "You answer" in (branch / "support/answer@1.prompt.yaml").read_text()
    assert 0 == answer("check", "--base", "main")["errors"]
    assert "Nothing has changed" in cli("bump", "--changed", "--base", "main").stdout


def test_takes_a_number_that_the_target_has_not(branch: Path, cli: Command, answer: Answer) -> None:
    """Two branches bumped to the same number for other texts: the second one takes the number above."""
    cli("bump", "--changed", "--base", "main")
    git(branch.parent, "add", "--all")
    git(branch.parent, "commit", "--quiet", "--message", "bumped")
    git(branch.parent, "checkout", "--quiet", "main")
    edit(branch / ANSWER, "You answer", "You never answer")
    cli("bump", "--changed")
    git(branch.parent, "add", "--all")
    git(branch.parent, "commit", "--quiet", "--message", "theirs")
    git(branch.parent, "checkout", "--quiet", "edit")
    (problem,) = answer("check", "--base", "main", code=1)["problems"]
    assert "Version 2 of support/answer was published on main meanwhile" in problem["message"]
    assert [bumped("support/answer", 2, 3)] == answer("bump", "--changed", "--base", "main")["bumps"]
    assert 0 == answer("check", "--base", "main")["errors"]


@pytest.mark.usefixtures("prompts")
@pytest.mark.parametrize("words", [(), ("a", "--changed"), ("a", "--base", "main"), ("--base", "main")])
def test_bumps_names_or_changes(cli: Command, words: tuple[str, ...]) -> None:
    """One of the two is meant."""
    assert "Name prompts, or give --changed" in cli("bump", *words, code=2).stderr
