"""What git knows of a prompts folder, asked of real repositories."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from promptgraph.domain.errors import InvalidInputError
from promptgraph.files.git import checkout, files_at, provenance, text_at
from tests.factories import prompt_yaml, write_tree

A, B = "a.prompt.yaml", "team/b.prompt.yaml"


class Repository:
    """A scratch repository with a prompts folder in it; `git` runs there, as the author that is set."""

    def __init__(self, root: Path, folder: str = "prompts") -> None:
        self.root = root
        self.prompts = root / folder
        self.prompts.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str, author: bytes = b"Ann", at: str = "2026-01-02T03:04:05+02:00") -> str:
        env: dict[bytes, bytes] = {
            **{k: v for k, v in os.environb.items() if not k.startswith(b"GIT_")},
            b"GIT_CONFIG_GLOBAL": b"/dev/null",
            b"GIT_CONFIG_NOSYSTEM": b"1",
        }
        for who in (b"AUTHOR", b"COMMITTER"):
            env |= {
                b"GIT_%s_NAME" % who: author,
                b"GIT_%s_EMAIL" % who: b"ann@example.com",
                b"GIT_%s_DATE" % who: at.encode(),
            }
        done = subprocess.run(["git", *arguments], cwd=self.root, env=env, capture_output=True, check=True)
        return done.stdout.decode().strip()

    def commit(self, files: Mapping[str, str], message: str = "x", **how: bytes) -> str:
        write_tree(self.prompts, files)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message, **how)  # type: ignore[arg-type]  # author alone is passed
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo")


def test_checkout_names_the_commit(repository: Repository) -> None:
    """Commit, author, time in UTC, and the place on the first-parent line."""
    repository.commit({A: prompt_yaml()})
    sha = repository.commit({B: prompt_yaml()}, author=b"Ben")
    found = checkout(repository.prompts)
    assert found is not None
    assert (found.commit_sha, found.sequence, found.shallow) == (sha, 2, False)
    assert found.author == "Ben <ann@example.com>"
    assert found.committed_at.isoformat() == "2026-01-02T01:04:05+00:00"
    assert found.dirty == frozenset()
    assert found.root == repository.root


def test_each_file_has_its_last_commit(repository: Repository) -> None:
    """A later commit of other files does not count."""
    first = repository.commit({A: prompt_yaml(), B: prompt_yaml()})
    second = repository.commit({B: prompt_yaml(2)})
    repository.commit({"../README.md": "unrelated"})
    found = provenance(repository.prompts)
    assert {path: facts.commit_sha for path, facts in found.items()} == {A: first, B: second}


def test_changed_and_new_files_have_no_commit(repository: Repository) -> None:
    """What no commit holds as it is has no provenance; deleted files neither."""
    repository.commit({A: prompt_yaml(), B: prompt_yaml(), "c.prompt.yaml": prompt_yaml()})
    write_tree(repository.prompts, {A: prompt_yaml(2), "new.prompt.yaml": prompt_yaml()})
    (repository.prompts / "c.prompt.yaml").unlink()
    found = checkout(repository.prompts)
    assert found is not None
    assert found.dirty == {A, "new.prompt.yaml", "c.prompt.yaml"}
    assert set(provenance(repository.prompts)) == {B}


def test_prompts_may_be_the_repository_itself(tmp_path: Path) -> None:
    """Paths are relative to the folder, wherever it stands."""
    repository = Repository(tmp_path / "prompts", ".")
    sha = repository.commit({A: prompt_yaml()})
    assert {path: facts.commit_sha for path, facts in provenance(repository.prompts).items()} == {A: sha}


def test_odd_names_are_found(repository: Repository) -> None:
    """git's quoting of paths does not get in the way."""
    odd = 'täam/it "is" here.prompt.yaml'
    repository.commit({odd: prompt_yaml()})
    assert set(provenance(repository.prompts)) == {odd}


def test_merge_that_mends_a_conflict_is_its_files_last_commit(repository: Repository) -> None:
    """The content stands in no parent, so the merge is where it came from."""
    repository.commit({A: prompt_yaml(1, "one")})
    repository.git("checkout", "-q", "-b", "side")
    repository.commit({A: prompt_yaml(1, "side")})
    repository.git("checkout", "-q", "main")
    repository.commit({A: prompt_yaml(1, "main")})
    with pytest.raises(subprocess.CalledProcessError):
        repository.git("merge", "-q", "side")
    merge = repository.commit({A: prompt_yaml(1, "both")})
    assert provenance(repository.prompts)[A].commit_sha == merge
    found = checkout(repository.prompts)
    assert found is not None
    assert found.sequence == 3


def test_author_that_is_not_utf8_is_shown_as_far_as_it_can_be(repository: Repository) -> None:
    """Old commits carry bytes that no encoding explains."""
    repository.commit({A: prompt_yaml()})
    raw = repository.git("cat-file", "commit", "HEAD").encode().replace(b"author Ann", b"author An\xff\xfe")
    (repository.root / "raw").write_bytes(raw + b"\n")
    sha = repository.git("hash-object", "-t", "commit", "-w", "raw")
    repository.git("update-ref", "HEAD", sha)
    (facts,) = provenance(repository.prompts).values()
    assert facts.author.startswith("An")
    assert facts.author.endswith(" <ann@example.com>")


def test_detached_head_is_a_checkout(repository: Repository) -> None:
    """CI checks commits out, not branches."""
    first = repository.commit({A: prompt_yaml()})
    repository.commit({A: prompt_yaml(2)})
    repository.git("checkout", "-q", "--detach", first)
    found = checkout(repository.prompts)
    assert found is not None
    assert (found.commit_sha, found.sequence) == (first, 1)


def test_shallow_clone_says_so_and_knows_no_more_than_it_has(repository: Repository, tmp_path: Path) -> None:
    """Its count of commits is not the history's, and its first commit did not add every file."""
    repository.commit({A: prompt_yaml()})
    repository.commit({"c.prompt.yaml": prompt_yaml()})
    last = repository.commit({B: prompt_yaml()})
    repository.git("clone", "-q", "--depth", "2", f"file://{repository.root}", str(tmp_path / "clone"))
    folder = tmp_path / "clone" / "prompts"
    found = checkout(folder)
    assert found is not None
    assert found.shallow
    assert {path: facts.commit_sha for path, facts in provenance(folder).items()} == {B: last}


def test_no_repository_no_commit_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prompts work without git: nothing is known, nothing fails."""
    plain = write_tree(tmp_path / "plain", {A: prompt_yaml()})
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    empty = Repository(tmp_path / "empty")
    write_tree(empty.prompts, {A: prompt_yaml()})
    for folder in (plain, empty.prompts, tmp_path / "missing"):
        assert (checkout(folder), provenance(folder), files_at(folder)) == (None, {}, None)
    monkeypatch.setenv("PATH", "")
    assert (checkout(plain), provenance(plain), files_at(plain)) == (None, {}, None)


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("git@github.com:org/repo.git", "https://github.com/org/repo/blob/SHA/prompts"),
        ("https://user:secret@github.com/org/repo.git", "https://github.com/org/repo/blob/SHA/prompts"),
        ("https://github.com/org/repo", "https://github.com/org/repo/blob/SHA/prompts"),
        (
            "ssh://git@gitlab.example.com:2222/a/b/c.git",
            "https://gitlab.example.com/a/b/c/-/blob/SHA/prompts",
        ),
        ("git@bitbucket.org:org/repo.git", "https://bitbucket.org/org/repo/src/SHA/prompts"),
        ("https://codeberg.org/org/repo.git", "https://codeberg.org/org/repo/src/commit/SHA/prompts"),
        ("https://git.example.com/org/repo.git", None),
        ("/srv/git/repo.git", None),
        ("javascript:alert(1)", None),
    ],
)
def test_folder_has_a_web_address_at_known_forges(
    repository: Repository, remote: str, url: str | None
) -> None:
    """Never with a login in it; an unknown host is not guessed at."""
    sha = repository.commit({A: prompt_yaml()})
    repository.git("remote", "add", "origin", remote)
    found = checkout(repository.prompts)
    assert found is not None
    assert found.url == (None if url is None else url.replace("SHA", sha))


def test_commit_s_files_are_read_as_they_were(repository: Repository) -> None:
    """Contents byte by byte, links and other files left out, whatever lies in the folder now."""
    (repository.prompts / "link.prompt.yaml").symlink_to("a.prompt.yaml")
    text = prompt_yaml(1, "Grüße\n\n{{ name }}\n")
    repository.commit({A: text, B: prompt_yaml(2), "notes.md": "# no"})
    write_tree(repository.prompts, {A: prompt_yaml(9)})
    found = files_at(repository.prompts)
    assert found is not None
    assert [(file.path, file.raw) for file in found] == [(A, text.encode()), (B, prompt_yaml(2).encode())]


def test_unknown_commit_holds_nothing(repository: Repository) -> None:
    """A name that looks like an option is a name."""
    repository.commit({A: prompt_yaml()})
    assert files_at(repository.prompts, "0" * 40) is None
    assert files_at(repository.prompts, "--output=x") is None


def test_settings_of_the_repository_run_nothing(repository: Repository, tmp_path: Path) -> None:
    """A clone's own settings may name programs; they are not started."""
    repository.commit({A: prompt_yaml()})
    mark = tmp_path / "ran"
    repository.git("config", "core.fsmonitor", f"touch {mark}")
    repository.git("config", "core.pager", f"touch {mark}")
    assert checkout(repository.prompts) is not None
    assert provenance(repository.prompts)
    assert not mark.exists()


def test_inside_a_hook_the_folder_counts(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """git points a hook's children at its own folder; the prompts may be elsewhere."""
    sha = repository.commit({A: prompt_yaml()})
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    found = checkout(repository.prompts)
    assert found is not None
    assert found.commit_sha == sha


def test_a_file_says_what_it_said_then(repository: Repository) -> None:
    """At a commit, a tag or a branch, even where it is gone or changed since; line ends as they are."""
    first = repository.commit({"api.graphql": "one\r\n"})
    repository.git("tag", "v1")
    repository.commit({"api.graphql": "two\n"})
    (repository.prompts / "api.graphql").unlink()
    for revision, expected in (
        (first, "one\r\n"),
        ("v1", "one\r\n"),
        ("main", "two\n"),
        ("HEAD~1", "one\r\n"),
    ):
        assert expected == text_at(repository.prompts / "api.graphql", revision)


@pytest.mark.parametrize(
    ("name", "revision", "expected"),
    [
        ("a.txt", "nope", "git knows no revision nope: fetch it first"),
        ("a.txt", "--all", "git knows no revision --all: fetch it first"),
        ("a.txt", "", "git knows no revision : fetch it first"),
        ("b.txt", "HEAD", "prompts/b.txt is no file in HEAD"),
        ("team", "HEAD", "prompts/team is no file in HEAD"),
        ("raw", "HEAD", "prompts/raw in HEAD is not UTF-8 text."),
    ],
)
def test_says_why_there_is_no_file_then(
    repository: Repository, name: str, revision: str, expected: str
) -> None:
    """An unknown revision, a file that it does not have, a folder, no text."""
    (repository.prompts / "raw").write_bytes(b"\xff")
    repository.commit({"a.txt": "a", "team/c.txt": "c"})
    with pytest.raises(InvalidInputError) as refusal:
        text_at(repository.prompts / name, revision)
    assert str(refusal.value).startswith(expected)


def test_says_that_git_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder outside of any repository, and a machine without git."""
    with pytest.raises(InvalidInputError, match="There is no git repository here"):
        text_at(tmp_path / "a.txt", "HEAD")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidInputError, match="git is not installed"):
        text_at(tmp_path / "a.txt", "HEAD")
