"""What the rows of an old database become: names, versions, contents. Pure, and as frozen as a revision.

A revision reaches it as `op.get_context().opts["legacy"]`.
"""

import datetime as dt
import hashlib
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import jinja2
import rfc8785
from jinja2 import meta, nodes

MAX_VERSION = 2_147_483_647
NAME = re.compile(r"[a-z0-9][a-z0-9._/-]{0,127}")
JINJA = jinja2.Environment(keep_trailing_newline=True)  # noqa: S701  # prompts are text, no HTML
JINJA.globals.clear()
MAX_SOURCE, MAX_NODES, MAX_DEPTH, MAX_PARTS, MAX_LOOPS = 65_536, 1_000, 12, 16, 2
RESERVED = {"loop", "self", "super", "caller", "context", "varargs", "kwargs", "environment"}
FILTERS = {"lower", "upper", "trim", "title", "capitalize", "length"}


def instant(text: str | None) -> dt.datetime | None:
    """The instant that a text stands for, in UTC where it names no zone."""
    try:
        found = dt.datetime.fromisoformat(text or "")
        return found.astimezone(dt.UTC) if found.tzinfo else found.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        return None


# ------------------------------------------------------------------ names


def is_name(text: str) -> bool:
    return bool(NAME.fullmatch(text)) and ".." not in text and all(text.split("/"))


def slug(text: str) -> str:
    """A name within the rule that looks like `text`; empty where nothing of it is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    plain = re.sub(r"[^a-z0-9._/-]+", "-", plain)
    plain = re.sub(r"[._-]*/[._/-]*", "/", plain)
    return re.sub(r"\.{2,}", ".", plain).strip("._/-")[:100].strip("._/-")


def free(wanted: str, taken: set[str]) -> str:
    """`wanted`, or the first of wanted-2, wanted-3, … that nobody has; it is taken then."""
    name, count = wanted, 1
    while name in taken:
        count += 1
        name = f"{wanted[:100]}-{count}"
    taken.add(name)
    return name


def prompt_names(old: Mapping[int, str | None]) -> dict[int, str]:
    """The name of each prompt by id. One name stays one name; prompts without any are no versions of each
    other.
    """
    names = {text: text for text in old.values() if text is not None and is_name(text)}
    taken = set(names)
    unnamed = {}
    for id_, text in old.items():
        if not text:
            unnamed[id_] = free(f"prompt-{id_}", taken)
        elif text not in names:
            names[text] = free(slug(text) or f"prompt-{id_}", taken)
    return {id_: names[text] if text else unnamed[id_] for id_, text in old.items()}


def agent_names(old: Mapping[int, str | None]) -> dict[int, str]:
    """The name of each agent by id: free text without control characters, unique."""
    taken: set[str] = set()
    names = {}
    for id_, text in old.items():
        kept = "".join(c for c in text or "" if unicodedata.category(c) != "Cc").strip()[:128]
        names[id_] = free(kept or f"agent-{id_}", taken)
    return names


# ------------------------------------------------------------------ versions


def versions(old: Mapping[int, str | None]) -> dict[int, int]:
    """The version of each prompt of one name by id: its own where it is the first to claim it."""
    found: dict[int, int] = {}
    taken: set[int] = set()
    for id_, text in old.items():
        claimed = version(text)
        if claimed is not None and claimed not in taken:
            found[id_] = claimed
            taken.add(claimed)
    for id_, text in old.items():
        if id_ not in found:
            found[id_] = next_version(version(text) or max(taken, default=0), taken)
            taken.add(found[id_])
    return found


def version(text: str | None) -> int | None:
    """The number, where it may be a version."""
    if text is None or not re.fullmatch(r"[0-9]{1,10}", text) or not 1 <= int(text) <= MAX_VERSION:
        return None
    return int(text)


def next_version(above: int, taken: set[int]) -> int:
    """The first free one above; after the highest possible one comes 1."""
    found = above % MAX_VERSION + 1
    while found in taken:
        found = found % MAX_VERSION + 1
    return found


# ------------------------------------------------------------------ contents


def content(text: str) -> dict[str, Any]:
    """The columns that a text becomes."""
    messages = [{"role": "user", "content": text}]
    names = variables(text)
    schema: dict[str, Any] = {}
    if names:
        required = sorted(names)
        schema = {"type": "object", "properties": {name: {} for name in required}, "required": required}
    canonical: dict[str, Any] = {"messages": messages}
    canonical |= {"input": {"schema": schema}} if schema else {}
    canonical |= {"engine": "none"} if names is None else {}
    return {
        "messages": messages,
        "engine": "none" if names is None else "jinja",
        "input_schema": schema,
        "content_hash": hashlib.sha256(rfc8785.dumps(canonical)).hexdigest(),
    }


def text(messages: list[dict[str, Any]]) -> str:
    """The text that messages become again."""
    match messages:
        case [{"role": "user", "content": str(only)}]:
            return only
    return rfc8785.dumps(messages).decode()


def variables(source: str) -> set[str] | None:
    """The variables of a template that holds nothing but what is known here; None for any other text."""
    if len(source) > MAX_SOURCE or "\0" in source:
        return None
    try:
        tree = JINJA.parse(source)
        return meta.find_undeclared_variables(tree) if is_plain(tree) else None
    except (jinja2.TemplateError, RecursionError, ValueError, OverflowError):
        return None


def is_plain(tree: nodes.Template) -> bool:
    """Whether every part of the template is known, and there are not too many of them."""
    stack = [(tree, 0, 0)]
    count = 0
    while stack:
        node, depth, loops = stack.pop()
        count += 1
        loops += isinstance(node, nodes.For)
        if count > MAX_NODES or depth > MAX_DEPTH or loops > MAX_LOOPS or not is_known(node):
            return False
        stack += [(child, depth + 1, loops) for child in node.iter_child_nodes()]
    return True


def is_known(node: nodes.Node) -> bool:
    rule = RULES.get(type(node))
    small = isinstance(node, nodes.Stmt | nodes.Template) or len(list(node.find_all(nodes.Node))) < MAX_PARTS
    return rule is not None and small and rule(node)


def is_filter(node: nodes.Filter) -> bool:
    bare = not (node.args or node.kwargs or node.dyn_args or node.dyn_kwargs)
    return bare and node.node is not None and node.name in FILTERS


def is_loop(node: nodes.For) -> bool:
    simple = isinstance(node.iter, nodes.Name | nodes.Getattr) and isinstance(node.target, nodes.Name)
    return simple and not node.recursive and node.test is None


def anything(_: nodes.Node) -> bool:
    return True


RULES = {
    **dict.fromkeys((nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const), anything),
    **dict.fromkeys((nodes.Not, nodes.And, nodes.Or, nodes.Compare, nodes.Operand), anything),
    nodes.Name: lambda node: not node.name.startswith("_") and node.name not in RESERVED,
    nodes.Getattr: lambda node: not node.attr.startswith("_"),
    nodes.Filter: is_filter,
    nodes.If: lambda node: len(node.elif_) < MAX_PARTS,
    nodes.For: is_loop,
}
