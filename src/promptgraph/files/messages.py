"""The messages of a prompt file: their shape, and their templates with partials in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.errors import TemplateError
from promptgraph.domain.prompt import Engine, Message, MessageRole
from promptgraph.files.core import core, is_text
from promptgraph.files.node import Finding, Map, Node, Scalar, Seq, YamlRefusedError, finding, node_at
from promptgraph.template.partials import check_inlined, inline
from promptgraph.template.parts import templates_of, with_templates

_ROLES = {role.value: role for role in MessageRole}
_BODIES = ("content", "parts", "placeholder")


@dataclass(slots=True)
class Messages:
    """Messages with partials in place, and the variables that they use, each with the node that does.

    units  `whole`: every template could be read, so that `partials` and `used` are complete
    """

    messages: list[Message] = field(default_factory=list)
    partials: set[str] = field(default_factory=set)
    used: dict[str, Node] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    whole: bool = True

    @property
    def placeholders(self) -> list[str]:
        return [message.placeholder for message in self.messages if message.placeholder is not None]


def read_messages(root: Map, partials: Mapping[str, str]) -> Messages:
    """The messages of a prompt file, as far as they can be told."""
    read = Messages(findings=[*_misshapen(root)])
    for node in _written(root):
        message = _draft(node)
        if message.placeholder is not None:
            read.used.setdefault(message.placeholder, node["placeholder"])
        read.messages.append(message if is_verbatim(root) else _inlined(read, message, node, partials))
    return read


def is_verbatim(root: Map) -> bool:
    """Whether the file keeps its text out of rendering."""
    return root.get("engine") == Engine.NONE.value


def _inlined(read: Messages, message: Message, node: Node, partials: Mapping[str, str]) -> Message:
    """`message` with partials in place; what its templates use and lack goes into `read`."""
    texts: dict[str, str] = {}
    for path, source in templates_of(message):
        if source in texts:
            continue
        spot = node_at(node, path)
        try:
            inlined = inline(source, partials)
            variables = check_inlined(inlined)
        except TemplateError as error:
            read.findings.append(Finding(str(error), None, *line_in(spot, error.line)))
            read.whole = False
            return message
        texts[source] = inlined.text
        read.partials.update(inlined.names)
        for name in sorted(variables):
            read.used.setdefault(name, spot)
    return with_templates(message, texts.__getitem__)


def line_in(node: Node, line: int | None) -> tuple[int, int | None]:
    """Line and column in the file of a line of a template. A literal block alone keeps its lines, and they
    begin below the `|`; any other template is found by where it begins.
    """
    if line is not None and isinstance(node, Scalar) and node.literal:
        return node.start.line + 1 + line, None
    return node.start.line + 1, node.start.column + 1


def _written(root: Map) -> Iterator[Map]:
    """The messages as they are written; `template` in its long form, what is no mapping passed over."""
    template, messages = root.get("template"), root.get("messages")
    if isinstance(template, Scalar):
        long = Map(template.start, flow=True)
        long["content"] = template
        yield long
    for node in messages if isinstance(messages, Seq) else ():
        if isinstance(node, Map):
            yield node


def _draft(node: Map) -> Message:
    role, content, placeholder = node.get("role"), node.get("content"), node.get("placeholder")
    if isinstance(placeholder, Scalar):
        return Message(placeholder=str(placeholder))
    speaker = _ROLES.get(role, MessageRole.USER) if isinstance(role, str) else MessageRole.USER
    if isinstance(content, Scalar):
        return Message(speaker, content=str(content))
    return Message(speaker, parts=_parts(node.get("parts")))


def _parts(node: Node | None) -> list[JsonObject]:
    try:
        values = core(node) if isinstance(node, Seq) else []
    except YamlRefusedError:
        return []
    parts = [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
    return parts if len(parts) == len(node or ()) else []


def _misshapen(root: Map) -> Iterator[Finding]:
    """What is wrong between keys, each of which may be right by itself."""
    template, messages = root.key("template"), root.get("messages")
    if template is not None and "messages" in root:
        yield finding(template.start, "`template` and `messages` cannot stand together.", "Keep one of them.")
    if template is None and "messages" not in root:
        yield finding(root.start, "There is no message.", "Add `template: |`, or a list under `messages:`.")
    for index, node in enumerate(messages if isinstance(messages, Seq) else ()):
        if isinstance(node, Map):
            yield from _misfit(f"messages[{index}]", node, verbatim=is_verbatim(root))


def _untyped(where: str, part: Map) -> Iterator[Finding]:
    """A part without a `type` that is a text, or a text part without its text."""
    node = part.get("type")
    if node is None:
        yield finding(part.start, f"`{where}` is missing.", "Say what the part is, as `type: text`.")
    elif not is_text(node):
        yield finding(node.start, f"`{where}` must be text.", "Put quotes round it.")
    elif node == "text" and ("text" not in part or not is_text(part["text"])):
        of = where.removesuffix(".type")
        yield finding(part.start, f"`{of}.text` must be text.", 'Write it as `text: "…"` beside the type.')


def _misfit(where: str, node: Map, *, verbatim: bool) -> Iterator[Finding]:
    """What is wrong with one message as a whole."""
    bodies = [key for key in _BODIES if key in node]
    role, placeholder = node.key("role"), node.key("placeholder")
    if len(bodies) != 1:
        wanted = "content, parts and placeholder"
        said = "holds more than one of" if bodies else "needs one of"
        yield finding(node.start, f"`{where}` {said} {wanted}.", "A message is exactly one of them.")
    if role is None and placeholder is None and bodies:
        yield finding(node.start, f"`{where}.role` is missing.", f"Add `role:` ({', '.join(_ROLES)}).")
    if role is not None and placeholder is not None:
        yield finding(role.start, "A placeholder has no role: its messages bring theirs.", "Remove the role.")
    parts = node.get("parts")
    for index, part in enumerate(parts if isinstance(parts, Seq) else ()):
        if isinstance(part, Map):
            yield from _untyped(f"{where}.parts[{index}].type", part)
    if placeholder is not None and verbatim:
        hint = "Remove one of the two."
        yield finding(placeholder.start, "`engine: none` takes no placeholder: nothing is rendered.", hint)
