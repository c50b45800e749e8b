"""From disk to bytes: regular files below one folder, nothing that blocks, leads out of it or has no end."""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, NoReturn

from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.tree import FileProblem, Place
from promptgraph.files.layout import MAX_FOLDERS, Kind, printable, spot
from promptgraph.files.yaml import MAX_BYTES

MAX_FILES = 10_000
MAX_TREE_BYTES = 64 * 1024 * 1024

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LINK = "This is a symbolic link; only regular files are read."
_NOT_REGULAR = "This is not a regular file."
_REMOVE = "Put the file itself here, or remove it."

# errno → what is wrong; for any other the file is said to be unreadable
_REASONS = {
    errno.ELOOP: _LINK,
    errno.ENXIO: _NOT_REGULAR,
    errno.EACCES: "This may not be read by this user.",
    errno.EPERM: "This may not be read by this user.",
    errno.ENOENT: "This was removed while it was being read.",
}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file's bytes, none where its content does not matter. `path` is relative to the prompts folder, its
    parts joined by /.
    """

    path: str
    raw: bytes
    commit_sha: str | None = None
    author: str | None = None
    committed_at: dt.datetime | None = None


class _FullError(Exception):
    """The tree holds more than may be read; the rest is left alone."""


def read_files(root: Path) -> tuple[list[SourceFile], list[FileProblem]]:
    """The files below `root`, by path, and what could not be read.

    raises  InvalidInputError  `root` is no folder that can be read
    """
    reading = _Reading([], [])
    try:
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        what = "There is no folder" if error.errno == errno.ENOENT else "This is no folder that can be read:"
        raise InvalidInputError(f"{what} {str(root)!r}.", field="prompts_dir") from error
    with contextlib.suppress(_FullError):
        reading.folder(handle, "", 0)
    return sorted(reading.files, key=lambda file: file.path), reading.problems


def read_file(root: Path, path: str) -> bytes | None:
    """The bytes of the regular file at `path` below `root`; None where there is nothing.

    raises  InvalidInputError  no regular file, reached through a link, too large, or not to be read
    """
    *folders, name = path.split("/")
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            above, handle = handle, os.open(folder, _FOLDER, dir_fd=handle)
            os.close(above)
        return _regular(os.open(name, _FILE, dir_fd=handle), root / path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(root / path, _REASONS.get(error.errno or 0, "This cannot be read.")) from error
    finally:
        os.close(handle)


def _regular(handle: int, path: Path) -> bytes:
    """The bytes behind an open handle, which is closed."""
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _unreadable(path, _NOT_REGULAR)
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise _unreadable(path, f"This holds more than {MAX_BYTES >> 10} KiB.")
    return raw


def _unreadable(path: Path, reason: str) -> InvalidInputError:
    return InvalidInputError(f"{printable(str(path))}: {reason}", field="prompts_dir")


class _Entry(NamedTuple):
    """A name in an open folder, what it is, and its path below the root."""

    name: str
    mode: int
    path: str


@dataclass(slots=True)
class _Reading:
    """What has been read so far. A folder is entered and a file opened by its name in the folder that is
    open already, so that no link put in place meanwhile leads anywhere else.
    """

    files: list[SourceFile]
    problems: list[FileProblem]
    size: int = 0
    seen: int = 0

    def refuse(self, path: str, message: str, hint: str | None = None) -> None:
        self.problems.append(FileProblem(Place(path), message, hint))

    def full(self, message: str) -> NoReturn:
        self.refuse(".", message, "Keep only prompt files in this folder.")
        raise _FullError

    def folder(self, handle: int, prefix: str, depth: int) -> None:
        """All that is below an open folder, which is closed."""
        try:
            for entry in self.looked_into(handle, prefix):
                if stat.S_ISDIR(entry.mode):
                    self.subfolder(handle, entry, depth + 1)
                else:
                    self.file(handle, entry)
        finally:
            os.close(handle)

    def looked_into(self, handle: int, prefix: str) -> list[_Entry]:
        """As `listed`; of a folder that cannot be listed, a problem and nothing."""
        try:
            return self.listed(handle, prefix)
        except OSError as error:  # it names the handle alone
            path = printable(prefix.rstrip("/")) or "."
            self.refuse(path, _REASONS.get(error.errno or 0, "This folder cannot be read."))
            return []

    def listed(self, handle: int, prefix: str) -> list[_Entry]:
        """What stands in a folder, by name; what begins with a dot is left out."""
        found: list[_Entry] = []
        with os.scandir(handle) as entries:
            for entry in entries:
                self.seen += 1
                if self.seen > MAX_FILES:
                    self.full(f"There are more than {MAX_FILES} files.")
                if not entry.name.startswith("."):
                    found.append(_Entry(entry.name, _mode(entry), prefix + entry.name))
        return sorted(found)

    def subfolder(self, parent: int, entry: _Entry, depth: int) -> None:
        if depth > MAX_FOLDERS:
            self.refuse(
                printable(entry.path), f"Folders are nested deeper than {MAX_FOLDERS}.", "Move it up."
            )
        elif (handle := self.opened(parent, entry, _FOLDER)) is not None:
            self.folder(handle, f"{entry.path}/", depth)

    def file(self, parent: int, entry: _Entry) -> None:
        path = printable(entry.path)
        if path != entry.path:
            self.refuse(path, "The name is not UTF-8.", "Rename it.")
        elif spot(path).kind is Kind.IGNORED:
            return
        elif not stat.S_ISREG(entry.mode):
            self.refuse(path, _LINK if stat.S_ISLNK(entry.mode) else _NOT_REGULAR, _REMOVE)
        elif not spot(path).read:
            self.files.append(SourceFile(path, b""))
        elif (handle := self.opened(parent, entry, _FILE)) is not None:
            self.content(handle, path)

    def opened(self, parent: int, entry: _Entry, flags: int) -> int | None:
        try:
            return os.open(entry.name, flags, dir_fd=parent)
        except OSError as error:
            self.refuse(printable(entry.path), _REASONS.get(error.errno or 0, "This cannot be read."))
            return None

    def content(self, handle: int, path: str) -> None:
        """The bytes behind an open handle, one more than a file may have at most."""
        with open(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                self.refuse(path, _NOT_REGULAR, _REMOVE)
                return
            raw = file.read(MAX_BYTES + 1)
        self.size += len(raw)
        if self.size > MAX_TREE_BYTES:
            self.full(f"The files hold more than {MAX_TREE_BYTES >> 20} MiB.")
        self.files.append(SourceFile(path, raw))


def _mode(entry: os.DirEntry[str]) -> int:
    """What an entry is; a regular file if it is gone again, which opening it will tell."""
    try:
        return entry.stat(follow_symlinks=False).st_mode
    except OSError:
        return stat.S_IFREG
