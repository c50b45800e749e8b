"""The SDL, what Apollo Client knows of it, and the files' JSON Schemas: as files, and as they once were."""

from __future__ import annotations

import difflib
from pathlib import Path

from promptgraph.app import SchemaChanges, apollo_files, changes_since, sdl
from promptgraph.cli.output import dumps
from promptgraph.cli.writing import check_folder_above, check_own_folder, is_regular, put_text
from promptgraph.domain.errors import InvalidInputError
from promptgraph.files.form import json_schemas
from promptgraph.files.git import text_at

FOLDER = "schema"


def exported(file: Path) -> dict[Path, str]:
    """What each file should say: the SDL in `file`, the rest in schema/ beside it."""
    beside = {name: f"{dumps(one)}\n" for name, one in json_schemas().items()} | apollo_files()
    return {file: sdl()} | {file.parent / FOLDER / name: text for name, text in beside.items()}


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


def changes_against(file: Path, against: str) -> SchemaChanges:
    """What is different in this version's SDL from that in the file `against`, or from what `file` said at
    the git revision `against`.

    raises  InvalidInputError  there is neither, or what there is is no SDL
    """
    earlier = Path(against)
    if not earlier.exists():
        return changes_since(text_at(file, against), f"{file} at {against}")
    if not earlier.is_file():
        raise InvalidInputError(f"{earlier} is no regular file.")
    try:
        return changes_since(earlier.read_text(encoding="utf-8"), str(earlier))
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{earlier} is not UTF-8 text.") from error
