"""What each path of a prompts folder is: which file says what, by its name alone."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from enum import StrEnum

from promptgraph.domain.names import MAX_VERSION, NAME_RULE, is_name
from promptgraph.domain.text import forbidden_character, invisible_character
from promptgraph.files.node import Finding, shown

LABELS = "labels.yaml"
PARTIALS = "_partials/"
AGENTS = "agents/"
PROMPT, AGENT, PARTIAL = ".prompt.yaml", ".agent.yaml", ".j2"
MAX_PATH = 512
MAX_FOLDERS = 20

_VERSION = re.compile(r"[1-9][0-9]{0,9}")
# README.md and the like; what editors leave behind
_IGNORED = re.compile(r".*\.md|.*~|#.*#|.*\.(swp|swo|bak|orig|rej|tmp)", re.IGNORECASE)
# as `.prompt.yml`, `.Prompt.YAML`, `.prompts.json`
_NEARLY = re.compile(r"(?P<stem>.*?)\.(?P<kind>prompt|agent)s?\.(yaml|yml|json)", re.IGNORECASE)
_BARE = {"prompt.yaml": PROMPT, "prompt.yml": PROMPT, "agent.yaml": AGENT, "agent.yml": AGENT}
_LABELISH = frozenset(f"{stem}.{end}" for stem in ("label", "labels") for end in ("yaml", "yml", "json"))
_TEMPLATES = (".j2", ".jinja", ".jinja2", ".txt")


class Kind(StrEnum):
    PROMPT = "prompt"
    AGENT = "agent"
    PARTIAL = "partial"
    LABELS = "labels"
    IGNORED = "ignored"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Spot:
    """What a path is. `version` is set for NAME@2.prompt.yaml alone; `finding` says what is wrong with it."""

    kind: Kind
    name: str = ""
    version: int | None = None
    finding: Finding | None = None

    @property
    def read(self) -> bool:
        """Whether the file's content matters."""
        return self.finding is None and self.kind not in (Kind.IGNORED, Kind.OTHER)


def spot(path: str) -> Spot:
    """What the file at `path` is; `path` is relative to the prompts folder, with / between its parts."""
    *folders, file = path.split("/")
    if wrong := _unsafe(path, folders):
        return Spot(Kind.OTHER, finding=wrong)
    if any(part.startswith(".") for part in (*folders, file)) or _IGNORED.fullmatch(file):
        return Spot(Kind.IGNORED)
    return _ours(path) or Spot(Kind.OTHER, finding=_near_miss(path, folders, file))


def _ours(path: str) -> Spot | None:
    """What a file is that is read; None for any other."""
    if path == LABELS:
        return Spot(Kind.LABELS)
    if path.endswith(PROMPT):
        return _prompt(path.removesuffix(PROMPT))
    if path.startswith(PARTIALS) and path.endswith(PARTIAL):
        return _named(Kind.PARTIAL, path.removeprefix(PARTIALS), "partial")
    if path.startswith(AGENTS) and path.endswith(AGENT):
        return _named(Kind.AGENT, path.removeprefix(AGENTS).removesuffix(AGENT), "agent")
    return None


def printable(path: str) -> str:
    """`path` with what is not UTF-8 in it written out, as \\udcff."""
    return path.encode("utf-8", "backslashreplace").decode()


def _unsafe(path: str, folders: list[str]) -> Finding | None:
    """Why a path cannot be one of a prompts folder; only a client's own list of files brings such."""
    if found := forbidden_character(path) or invisible_character(path):
        return Finding(f"The path holds the character {found}.", "Rename the file.")
    parts = path.split("/")
    if "\\" in path or not all(parts) or {".", ".."} & set(parts):
        return Finding(
            "This is no path below the prompts folder.", "Write it as folder/file, with no . and .."
        )
    if len(path) > MAX_PATH or len(folders) > MAX_FOLDERS:
        return Finding(
            f"The path is longer than {MAX_PATH} characters or {MAX_FOLDERS} folders.", "Shorten it."
        )
    return None


def _named(kind: Kind, name: str, noun: str) -> Spot:
    if is_name(name):
        return Spot(kind, name)
    lower = name.lower()
    hint = f"Rename the file: {shown(lower)}." if is_name(lower) else f"Use {NAME_RULE}."
    return Spot(kind, name, finding=Finding(f"{shown(name)} is no {noun} name.", hint))


def _prompt(stem: str) -> Spot:
    name, at, digits = stem.partition("@")
    known = _named(Kind.PROMPT, name, "prompt")
    if known.finding or not at:
        return known
    if _VERSION.fullmatch(digits) and int(digits) <= MAX_VERSION:
        return Spot(Kind.PROMPT, name, int(digits))
    finding = Finding(f"{shown(digits)} is no version.", "An older version is kept as NAME@2.prompt.yaml.")
    return Spot(Kind.PROMPT, name, finding=finding)


def _near_miss(path: str, folders: list[str], file: str) -> Finding | None:
    """What a file that is nearly one of ours should be called; None for a stranger."""
    return _misnamed(path, file) or _label_file(path, folders, file) or _partial_file(path, file)


def _misnamed(path: str, file: str) -> Finding | None:
    if suffix := _BARE.get(file.lower()):
        return Finding("This file has no name.", f"Call it NAME{suffix}.")
    if not (found := _NEARLY.fullmatch(path)):
        return None
    suffix = f".{found['kind'].lower()}.yaml"
    wanted = f"{found['stem']}{suffix}"
    if wanted == path:
        return Finding("An agent file belongs into agents/.", f"Move it to {shown(AGENTS + file)}.")
    return Finding("This file is nearly named like a prompt or agent file.", f"Rename it to {shown(wanted)}.")


def _label_file(path: str, folders: list[str], file: str) -> Finding | None:
    if file.lower() not in _LABELISH and not difflib.get_close_matches(path, [LABELS], cutoff=0.8):
        return None
    message = "Labels are read from labels.yaml at the top of the prompts folder."
    return Finding(message, "Move it there." if folders and file == LABELS else f"Rename it to {LABELS}.")


def _partial_file(path: str, file: str) -> Finding | None:
    inside, wanted = path.startswith(PARTIALS), file.rpartition(".")[0] + PARTIAL
    if inside and file.lower().endswith(_TEMPLATES):
        return Finding("A partial's name ends in .j2.", f"Rename it to {shown(wanted)}.")
    if not inside and file.lower().endswith(_TEMPLATES[:3]):
        return Finding("A partial belongs into _partials/.", f"Move it to {shown(PARTIALS + wanted)}.")
    return None
