"""The SDL and the files' JSON Schemas as files."""

from __future__ import annotations

import difflib
from pathlib import Path

from promptgraph.app import sdl
from promptgraph.cli.output import dumps
from promptgraph.cli.writing import check_folder_above, check_own_folder, is_regular, put_text
from promptgraph.files.form import json_schemas

FOLDER = "schema"


def exported(file: Path) -> dict[Path, str]:
    """What each file should say: the SDL in `file`, the JSON Schemas in schema/ beside it."""
    folder = file.parent / FOLDER
    return {file: sdl()} | {folder / name: f"{dumps(one)}\n" for name, one in json_schemas().items()}


def write_exports(file: Path) -> list[Path]:
    """The files written: `file` in a folder that is there, and schema/ beside it, which is made.

    raises  InvalidInputError  the folder is missing, or something that is no regular file is in the way
    """
    files = exported(file)
    check_folder_above(file)
    check_own_folder(file.parent / FOLDER)
    for path in files:
        is_regular(path)
    (file.parent / FOLDER).mkdir(exist_ok=True)
    for path, text in files.items():
        put_text(path, text)
    return list(files)


def difference(path: Path, text: str) -> list[str]:
    """How `path` differs from `text`, as a unified diff; nothing when it is the same."""
    if not path.exists():
        return [f"{path} is missing."]
    if not path.is_file():
        return [f"{path} is no regular file."]
    present = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return list(difflib.unified_diff(present, text.splitlines(), str(path), "this version", lineterm=""))
