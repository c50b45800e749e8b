"""A Python module with a function for each prompt."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from promptgraph.cli.typed_prompts import HEADER, Parameter, TypedPrompt, pascal
from promptgraph.domain.schema_shape import (
    Anything,
    Exactly,
    Field,
    ListOf,
    MapOf,
    OneOf,
    Plain,
    Record,
    Shape,
)

PLAIN: Mapping[str, str] = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}
TAKEN = ("client", "given", "label", "version")
"""Names in a function beside those of a prompt's variables."""
_NO_NAME = re.compile(r"\W", re.ASCII)


def python_module(prompts: Sequence[TypedPrompt], *, is_async: bool = False) -> str:
    """The module's text; `is_async`: its functions are awaited, and take an AsyncClient."""
    types = _Types()
    functions = [line for prompt in prompts for line in _functions(prompt, types, is_async=is_async)]
    imports = [
        f'"""{HEADER.format(language="python")}"""',
        "# fmt: off",
        "# ruff: noqa",
        "",
        "from __future__ import annotations",
        "",
        "from typing import Any, Literal, NotRequired, TypeAlias, TypedDict, cast",
        "",
        f"from promptgraph import {'AsyncClient' if is_async else 'Client'}, Rendered",
    ]
    return "\n".join((*imports, *types.lines, *functions)) + "\n"


@dataclass
class _Types:
    """The classes that the functions need, in the order in which they are written."""

    lines: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def of(self, shape: Shape, name: str) -> str:
        """A type for `shape`; `name` is for the class that a record becomes."""
        if isinstance(shape, Plain):
            return PLAIN[shape.kind]
        if isinstance(shape, Exactly):
            return _literal(shape)
        if isinstance(shape, ListOf):
            return f"list[{self.of(shape.item, f'{name}Item')}]"
        if isinstance(shape, MapOf):
            return f"dict[str, {self.of(shape.value, f'{name}Value')}]"
        if isinstance(shape, OneOf):
            return " | ".join(self.of(one, f"{name}{at or ''}") for at, one in enumerate(shape.shapes))
        return "Any" if isinstance(shape, Anything) else self._record(shape, name)

    def alias(self, shape: Shape, name: str) -> str:
        """A type for `shape` that is called `name`."""
        type_ = self.of(shape, name)
        if type_ != name:
            name = self._free(name)
            self.lines += ["", f"{name}: TypeAlias = {type_!r}"]
        return name

    def _record(self, record: Record, name: str) -> str:
        name = self._free(name)
        fields = {key: self._field(one, f"{name}{pascal(key)}") for key, one in record.fields.items()}
        self.lines += _typed_dict(name, record, fields)
        return name

    def _field(self, one: Field, name: str) -> str:
        type_ = self.of(one.shape, name)
        return type_ if one.required else f"NotRequired[{type_}]"

    def _free(self, name: str) -> str:
        while name in self.names:
            name += "_"
        self.names.add(name)
        return name


def _literal(shape: Exactly) -> str:
    """Literal knows no floats: those are any number."""
    if any(isinstance(value, float) for value in shape.values):
        return "float"
    return f"Literal[{', '.join(repr(value) for value in shape.values)}]"


def _typed_dict(name: str, record: Record, fields: Mapping[str, str]) -> Iterator[str]:
    """As a class, or as a call where a key is no name."""
    if any(not key.isidentifier() or keyword.iskeyword(key) for key in fields):
        yield from ("", f"{name} = TypedDict({name!r}, {{")
        yield from (f"    {key!r}: {type_!r}," for key, type_ in fields.items())
        yield "})"
        return
    yield from ("", "", f"class {name}(TypedDict):")
    for key, type_ in fields.items():
        yield f"    {key}: {type_}"
        if said := record.fields[key].description:
            yield f"    {_text(said)}"


def _functions(prompt: TypedPrompt, types: _Types, *, is_async: bool) -> Iterator[str]:
    names = _parameters(prompt)
    how = ("async def", "await ", "AsyncClient") if is_async else ("def", "", "Client")
    signed = [
        _signed(one, names[one.name], types.of(one.shape, f"{prompt.pascal}{pascal(one.name)}"))
        for one in prompt.parameters
    ]
    yield from ("", "", f"{how[0]} {prompt.snake}(", f"    client: {how[2]},", "    *,")
    yield from (f"    {one}," for one in signed)
    yield from ("    label: str | None = None,", "    version: int | None = None,", ") -> Rendered:")
    about = f"{prompt.name}, made from version {prompt.version}."
    yield f"    {_text(about if prompt.description is None else f'{prompt.description} ({about})')}"
    yield from _body(prompt, names)
    yield f"    return {how[1]}client.render({prompt.name!r}, given, label=label, version=version)"
    if prompt.output is not None:
        yield from _output(prompt, types.alias(prompt.output, f"{prompt.pascal}Output"))


def _parameters(prompt: TypedPrompt) -> dict[str, str]:
    """A name that Python takes for each variable."""
    found: dict[str, str] = {}
    for one in prompt.parameters:
        name = _NO_NAME.sub("_", one.name)
        name = f"_{name}" if name[:1].isdigit() else name
        while name in TAKEN or keyword.iskeyword(name) or name in found.values():
            name += "_"
        found[one.name] = name
    return found


def _signed(one: Parameter, name: str, type_: str) -> str:
    if one.required:
        return f"{name}: {type_}"
    if _is_plain_default(one):
        return f"{name}: {type_} = {one.default!r}"
    return f"{name}: {type_} | None = None"


def _is_plain_default(one: Parameter) -> bool:
    """Whether a default can stand in a signature: lists and mappings are left to the prompt."""
    return one.has_default and not isinstance(one.default, list | dict)


def _body(prompt: TypedPrompt, names: Mapping[str, str]) -> Iterator[str]:
    always = [one for one in prompt.parameters if one.required or _is_plain_default(one)]
    pairs = ", ".join(f"{one.name!r}: {names[one.name]}" for one in always)
    yield f"    given: dict[str, Any] = {{{pairs}}}"
    for one in prompt.parameters:
        if one not in always:
            yield f"    if {names[one.name]} is not None:"
            yield f"        given[{one.name!r}] = {names[one.name]}"


def _output(prompt: TypedPrompt, type_: str) -> Iterator[str]:
    yield from ("", "", f"def {prompt.snake}_output(rendered: Rendered, text: str) -> {type_}:")
    yield f"    {_text(f'What a model answered to {prompt.name}, read and held against its schema.')}"
    yield f"    return cast({type_!r}, rendered.prompt.read_output(text))"


def _text(said: str) -> str:
    """A docstring of one line: no text of a prompt file ends it early."""
    plain = " ".join(said.split()).replace("\\", "\\\\").replace('"""', "'''")
    return f'"""{plain} """' if plain.endswith('"') else f'"""{plain}"""'
