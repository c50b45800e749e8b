"""Regular files, written whole or not at all; no link is followed, no folder is made on the way."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from promptgraph.domain.errors import InvalidInputError
from promptgraph.files.read import read_file

NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS)
"""What a file system without hard links says."""


def read_text(folder: Path, path: str) -> str | None:
    """The text of a file of the prompts folder, its line ends as they are; None where there is none.

    raises  InvalidInputError  no regular file, or no UTF-8
    """
    raw = read_file(folder, path)
    try:
        return None if raw is None else raw.decode()
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{folder / path} is not UTF-8 text; mend it first.") from error


def put_text(path: Path, text: str) -> None:
    """`path` says `text`, whether it was there or not."""
    if is_regular(path):
        replace_text(path, text)
    else:
        write_new(path, text)


def write_new(path: Path, text: str) -> None:
    """A file that was not there, in a folder that is.

    raises  FileExistsError  it was
    """
    with _named(path), _draft(path, text) as draft:
        draft.chmod(0o666 & ~_umask())
        try:
            os.link(draft, path)
        except OSError as error:
            if error.errno not in NO_LINKS or os.path.lexists(path):
                raise
            draft.replace(path)


def replace_text(path: Path, text: str) -> None:
    """A file says `text`; who reads meanwhile sees the old text or the new. Its rights stay."""
    with _named(path), _draft(path, text) as draft:
        draft.chmod(path.lstat().st_mode & 0o777)
        draft.replace(path)


@contextmanager
def writing(path: Path) -> Iterator[IO[str]]:
    """A file to write to, for its owner alone; `path` is there, or replaced, once the body has ended.

    raises  InvalidInputError  the folder is missing, or something that is no regular file is in the way
    """
    check_folder_above(path)
    is_regular(path)
    with _named(path), _beside(path) as (draft, file):
        yield file
        file.close()
        draft.replace(path)


def is_regular(path: Path) -> bool:
    """Whether a regular file is at `path`; False for nothing at all.

    raises  InvalidInputError  something else is there, such as a link, a folder or a device
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(mode):
        what = "a symbolic link" if stat.S_ISLNK(mode) else "no regular file"
        raise InvalidInputError(f"{path} is {what}, so nothing was written. Remove it, or name another.")
    return True


def check_folder_above(path: Path) -> None:
    """raises  InvalidInputError  the folder that `path` is to stand in is not there"""
    above = path.absolute().parent
    if not above.is_dir():
        shown = path.parent
        what = f"{shown} is no folder" if above.exists() else f"There is no folder {shown}"
        raise InvalidInputError(f"{what}, so nothing was written. Make it first, or name another.")


def check_own_folder(path: Path) -> None:
    """raises  InvalidInputError  something else than a folder is at `path`, a link to one included"""
    if os.path.lexists(path) and (path.is_symlink() or not path.is_dir()):
        raise InvalidInputError(f"{path} is no folder, so nothing was written. Remove it, or name another.")


@contextmanager
def _draft(path: Path, text: str) -> Iterator[Path]:
    """A file beside `path` that holds `text`; gone afterwards, if it has not become `path`."""
    with _beside(path) as (draft, file):
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        file.close()
        yield draft


@contextmanager
def _beside(path: Path) -> Iterator[tuple[Path, IO[str]]]:
    """A new file beside `path`, open; gone afterwards, if it has not become `path`."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield draft, file
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """What goes wrong inside is told of `path`, not of the draft beside it."""
    try:
        yield
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from error


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
