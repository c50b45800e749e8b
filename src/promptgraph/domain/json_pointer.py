"""A place inside a JSON value, as `$ref` names it: #/$defs/NAME."""

from __future__ import annotations

from urllib.parse import unquote

from promptgraph.domain.canonical import Json


def is_inner(ref: Json) -> bool:
    """Whether a `$ref` points into its own document."""
    return isinstance(ref, str) and (ref == "#" or ref.startswith("#/"))


def pointed_at(ref: str, root: Json) -> Json:
    """What an inner reference points at.

    raises  LookupError  it is not there
    """
    at = root
    for step in unquote(ref[2:]).split("/") if ref != "#" else []:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(at, dict) and name in at:
            at = at[name]
        elif isinstance(at, list) and name.isdecimal() and int(name[:9]) < len(at):
            at = at[int(name[:9])]
        else:
            raise LookupError(name)
    return at
