"""Files of the prompts folder, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_new(path: Path, text: str) -> None:
    """A file that was not there.

    raises  FileExistsError  it was
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8", newline="") as file:
        file.write(text)


def replace_text(path: Path, text: str) -> None:
    """A file says `text`; who reads meanwhile sees the old text or the new. Its rights stay."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        draft.chmod(path.stat().st_mode & 0o777)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read_text(path: Path) -> str:
    """The text of a file, its line ends as they are."""
    return path.read_bytes().decode()


def put_text(path: Path, text: str) -> None:
    """`path` says `text`, whether it was there or not."""
    if path.exists():
        replace_text(path, text)
    else:
        write_new(path, text)
