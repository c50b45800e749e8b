"""What git knows of a prompts folder: its commit, who last changed each file, what a commit held.

Everything is None or empty where there is no git, no repository and no commit: prompts work without; only
who asks for a file at a revision is told what is missing. git is asked with argument lists, without a
shell, without its hooks and monitors, and for a limited time.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from promptgraph.domain.errors import InvalidInputError
from promptgraph.files.layout import spot
from promptgraph.files.read import MAX_FILES, MAX_TREE_BYTES, SourceFile
from promptgraph.files.yaml import MAX_BYTES

log = logging.getLogger("promptgraph.files")

MAX_SECONDS = 60.0
_GIT = (
    *("git", "--no-pager", "--no-optional-locks", "--literal-pathspecs"),
    # a repository's own settings may name programs to run
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "log.showSignature=false"),
)
# inside a hook git points its children at its own index and folder
_HOOK_VARIABLES = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"})
_COMMIT = "%H%x02%an <%ae>%x02%cI"

# A part of the host's name → how its pages are addressed.
_FORGES: Mapping[str, str] = {
    "github": "blob",
    "gitlab": "-/blob",
    "bitbucket": "src",
    "codeberg": "src/commit",
    "gitea": "src/commit",
    "forgejo": "src/commit",
}
_REMOTE = re.compile(
    r"(?:(?:https?|ssh|git)://(?:[^@/]*@)?(?P<host>[\w.-]+)(?::\d+)?/|(?:[\w.-]+@)?(?P<scp>[\w.-]+):(?!/))"
    r"(?P<path>[\w./~-]+?)(?:\.git)?/?"
)
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Provenance:
    """The commit that last changed a file."""

    commit_sha: str
    author: str
    committed_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Checkout:
    """The commit that is checked out. `sequence` counts the commits of the first-parent line; in a shallow
    clone it counts too few. `url` is the web address of the prompts folder at this commit, None where the
    forge is not known. `dirty` are the folder's files that differ from the commit, relative to it.
    """

    root: Path
    commit_sha: str
    author: str
    committed_at: dt.datetime
    sequence: int
    shallow: bool
    url: str | None
    dirty: frozenset[str]


def checkout(folder: Path) -> Checkout | None:
    """The commit that `folder` is checked out at; None without git, a repository or a commit."""
    facts = _asked(folder, "rev-parse", "--show-toplevel", "--show-prefix", "--is-shallow-repository", "HEAD")
    if facts is None:
        return None
    root, prefix, shallow, sha = facts.split("\n")[:4]
    head = _asked(folder, "log", "-1", f"--format={_COMMIT}")
    count = _asked(folder, "rev-list", "--count", "--first-parent", "HEAD")
    dirty = _dirty(folder, prefix)
    if head is None or count is None or dirty is None:
        return None
    last = _provenance(head)
    remote = _asked(folder, "remote", "get-url", "origin")
    return Checkout(
        root=Path(root),
        commit_sha=sha,
        author=last.author,
        committed_at=last.committed_at,
        sequence=int(count),
        shallow=shallow == "true",
        url=None if remote is None else _web_address(remote.strip(), sha, prefix),
        dirty=dirty,
    )


def provenance(folder: Path) -> dict[str, Provenance]:
    """The last commit of each file of `folder` that is as that commit left it, by its path in the folder. A
    file that last changed before a shallow clone begins has none.

    cost  one walk through the history, ended as soon as every file is found
    """
    prefix = (_asked(folder, "rev-parse", "--show-prefix") or "").removesuffix("\n")
    listed, dirty = _asked(folder, "ls-files", "-z"), _dirty(folder, prefix)
    if listed is None or dirty is None:
        return {}
    missing = set(filter(None, listed.split("\0"))) - dirty
    found: dict[str, Provenance] = {}
    if not missing:
        return found
    commit: Provenance | None = None
    for entry in _history(folder):
        if entry.startswith("\x01"):
            facts, _, marks = entry[1:].rpartition("\x02")
            # the last commit of a shallow clone seems to add every file
            commit = None if "grafted" in marks else _provenance(facts)
        elif commit is not None and (path := entry.removeprefix(prefix)) in missing:
            found[path] = commit
            missing.discard(path)
            if not missing:
                break
    return found


def files_at(folder: Path, commit: str = "HEAD") -> list[SourceFile] | None:
    """The prompt files of `folder` as `commit` holds them, by path; None where it holds none, or git knows
    no such commit.
    """
    listed = _asked(folder, "ls-tree", "-r", "-z", "--long", "--end-of-options", commit)
    entries = [entry for line in (listed or "").split("\0") if (entry := _entry(line))]
    if not entries or len(entries) > MAX_FILES or sum(size for _, _, size in entries) > MAX_TREE_BYTES:
        return None
    wanted = "".join(f"{sha}\n" for _, sha, _ in entries)
    blobs = _run(folder, "cat-file", "--batch", given=wanted.encode())
    if blobs is None:
        return None
    return [SourceFile(path, raw) for (path, _, _), raw in zip(entries, _contents(blobs), strict=True)]


def text_at(path: Path, revision: str) -> str:
    """What a file of the repository that it stands in said at a revision, whether it is there now or not.

    raises  InvalidInputError  no git, no repository, no such revision, no such file in it, or no UTF-8
    """
    folder = path.absolute().parent
    sha = commit_of(folder, revision)
    prefix = _asked(folder, "rev-parse", "--show-prefix") or ""
    name = prefix.removesuffix("\n") + path.name
    raw = _run(folder, "cat-file", "blob", f"{sha}:{name}")
    if raw is None:
        raise InvalidInputError(f"{name} is no file in {revision}: name a revision that has it, or a file.")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{name} in {revision} is not UTF-8 text.") from error


def root_of(folder: Path) -> Path | None:
    """The root of the repository that `folder` is in; None without one."""
    root = _asked(folder, "rev-parse", "--show-toplevel")
    return None if root is None else Path(root.removesuffix("\n"))


def commit_of(folder: Path, revision: str) -> str:
    """The commit that `revision` names in the repository of `folder`.

    raises  InvalidInputError  no git, no repository, or no such revision
    """
    if shutil.which(_GIT[0]) is None:
        raise InvalidInputError("git is not installed, so it knows no revisions: install it first.")
    if _asked(folder, "rev-parse", "--show-prefix") is None:
        raise InvalidInputError(f"There is no git repository here, so there is no revision {revision}.")
    sha = _asked(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if sha is None:
        raise InvalidInputError(f"git knows no revision {revision}: fetch it first, or name another.")
    return sha.strip()


def fork_of(folder: Path, revision: str) -> str:
    """The commit where what is checked out parted from `revision`.

    raises  InvalidInputError  no such revision, or the two have no known commit in common
    """
    commit_of(folder, revision)
    sha = _asked(folder, "merge-base", "--end-of-options", "HEAD", revision)
    if sha is not None:
        return sha.strip()
    if (_asked(folder, "rev-parse", "--is-shallow-repository") or "").strip() == "true":
        raise InvalidInputError(
            f"This clone is shallow and does not reach back to where it parted from {revision}: run"
            " `git fetch --unshallow` (in CI: fetch-depth: 0)."
        )
    raise InvalidInputError(
        f"What is checked out and {revision} have no commit in common: name another base."
    )


def _entry(line: str) -> tuple[str, str, int] | None:
    """Path, object and size of a regular file that is of interest."""
    facts, _, path = line.partition("\t")
    mode, kind, sha, size = facts.split() if facts else ("", "", "", "-")
    wanted = kind == "blob" and mode.startswith("100") and spot(path).read
    return (path, sha, int(size)) if wanted and int(size) <= MAX_BYTES else None


def _contents(blobs: bytes) -> Iterator[bytes]:
    """The contents that `cat-file --batch` gives: each a line that ends with its size, then so many bytes."""
    position = 0
    while position < len(blobs):
        end = blobs.index(b"\n", position)
        size = int(blobs[position:end].split()[-1])
        yield blobs[end + 1 : end + 1 + size]
        position = end + 1 + size + 1


def _dirty(folder: Path, prefix: str) -> frozenset[str] | None:
    """What differs from the commit or is not in it, relative to the folder."""
    told = _asked(
        folder, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", "."
    )
    if told is None:
        return None
    return frozenset(line[3:].removeprefix(prefix) for line in told.split("\0") if line)


def _provenance(line: str) -> Provenance:
    sha, author, at = line.strip("\n\0").split("\x02")
    return Provenance(sha, _CONTROL.sub("\ufffd", author), dt.datetime.fromisoformat(at).astimezone(dt.UTC))


def _web_address(remote: str, sha: str, prefix: str) -> str | None:
    """The forge's page of the prompts folder; nothing of a login that the remote may carry."""
    found = _REMOTE.fullmatch(remote)
    host = (found["host"] or found["scp"] or "").lower() if found else ""
    page = next((page for name, page in _FORGES.items() if name in host), None)
    if found is None or page is None:
        return None
    return f"https://{host}/{found['path'].strip('/')}/{page}/{sha}/{quote(prefix)}".rstrip("/")


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _HOOK_VARIABLES}
    return kept | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


def _asked(folder: Path, *arguments: str) -> str | None:
    """What git prints, or None when it refuses. A name that is not UTF-8 comes with U+FFFD in it."""
    told = _run(folder, *arguments)
    return None if told is None else told.decode(errors="replace")


def _run(folder: Path, *arguments: str, given: bytes = b"") -> bytes | None:
    try:
        done = subprocess.run(  # noqa: S603  # a fixed program, arguments as a list
            [*_GIT, *arguments],
            cwd=folder,
            env=_environment(),
            input=given,
            capture_output=True,
            timeout=MAX_SECONDS,
            check=False,
        )
    except OSError:
        return None
    except subprocess.TimeoutExpired:
        log.warning("git %s took longer than %g s; going on without it.", arguments[0], MAX_SECONDS)
        return None
    if b"dubious ownership" in done.stderr:
        log.warning("git does not trust this folder, so versions get no commit: see git's safe.directory.")
    return done.stdout if done.returncode == 0 else None


def _history(folder: Path) -> Iterator[str]:
    """The log of the folder, newest first: \\x01 and a commit's facts, then the files it changed, relative to
    the repository. A merge names the files that it has like none of its parents.
    """
    command = [*_GIT, "log", "-c", "--no-renames", "--name-only", "-z"]
    command += ["--decorate-refs-exclude=refs/*", f"--format=%x01{_COMMIT}%x02%D", "--", "."]
    with subprocess.Popen(  # noqa: S603  # a fixed program, arguments as a list
        command,
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        timer = threading.Timer(MAX_SECONDS, process.kill)
        timer.start()
        try:
            assert process.stdout is not None  # noqa: S101  # it is a pipe
            rest = b""
            while chunk := os.read(process.stdout.fileno(), 1 << 16):
                *entries, rest = (rest + chunk).split(b"\0")
                yield from (entry.decode(errors="replace").lstrip("\n") for entry in entries)
        finally:
            timer.cancel()
            process.kill()
