"""Prompts as modules of typed functions know them: names that a language takes, and shapes of values."""

from __future__ import annotations

import keyword
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from promptgraph.domain.canonical import Json
from promptgraph.domain.errors import InvalidInputError, PromptFilesError
from promptgraph.domain.prompt import PromptContent, Variable
from promptgraph.domain.schema_shape import Shape, shape_of
from promptgraph.domain.tree import PromptSpec, Tree

HEADER = "Typed prompts, made from the prompt files. Do not edit: run `promptgraph codegen {language}` again."
_RESERVED = """
arguments await break case catch class const continue debugger default delete do else enum eval export extends
false finally for function if implements import in instanceof interface let new null package private protected
public return static super switch this throw true try typeof var void while with yield
"""
RESERVED = frozenset(_RESERVED.split())
"""What names no function in a module of JavaScript."""
_PART = re.compile(r"[^a-z0-9]+")
_WORD = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A variable of a prompt. `default` counts where `has_default`."""

    name: str
    shape: Shape
    required: bool
    has_default: bool = False
    default: Json = None


@dataclass(frozen=True, slots=True)
class TypedPrompt:
    """The newest version of a prompt. `parts` are the words of its name: support/triage is (support, triage).
    `output` is None where the file says nothing of it.
    """

    name: str
    version: int
    parts: tuple[str, ...]
    description: str | None
    parameters: tuple[Parameter, ...]
    output: Shape | None

    @property
    def snake(self) -> str:
        """`support_triage`; a name that begins with a digit, or is a word of Python, gets a `_`."""
        name = "_".join(self.parts)
        return f"_{name}" if name[0].isdigit() else f"{name}_" if keyword.iskeyword(name) else name

    @property
    def pascal(self) -> str:
        """`SupportTriage`."""
        name = "".join(part.capitalize() for part in self.parts)
        return f"_{name}" if name[0].isdigit() else name

    @property
    def camel(self) -> str:
        """`supportTriage`; a word of JavaScript gets a `_`."""
        name = self.pascal[:1].lower() + self.pascal[1:]
        return f"{name}_" if name in RESERVED else name


def pascal(text: str) -> str:
    """`ToneOfVoice` of tone-of-voice: part of the name of a type."""
    return "".join(part[:1].upper() + part[1:] for part in _WORD.findall(text))


def typed_prompts(tree: Tree) -> list[TypedPrompt]:
    """The prompts of a tree, by name, what each sends the variables that must be given first.

    raises  PromptFilesError   a file cannot be read: a module without its prompt would break its callers
            InvalidInputError  two names become one in a program
    """
    if tree.errors:
        raise PromptFilesError(f"The prompt files have errors; nothing was written. {tree.errors[0]}")
    found = [_typed(spec) for _, spec in sorted(tree.newest().items())]
    _check_apart(found)
    return found


def _typed(spec: PromptSpec) -> TypedPrompt:
    content = spec.content
    parameters = (_parameter(variable, content) for variable in content.variables)
    return TypedPrompt(
        name=spec.name,
        version=spec.version,
        parts=tuple(filter(None, _PART.split(spec.name))),
        description=spec.description,
        parameters=tuple(sorted(parameters, key=lambda one: not one.required)),
        output=None if content.output_schema is None else shape_of(content.output_schema),
    )


def _parameter(variable: Variable, content: PromptContent) -> Parameter:
    name, defaults = variable.name, content.input_default
    shape = shape_of(variable.schema, content.input_schema)
    required = variable.required and name not in defaults
    return Parameter(name, shape, required, name in defaults, defaults.get(name))


def _check_apart(prompts: Iterable[TypedPrompt]) -> None:
    names: defaultdict[str, list[str]] = defaultdict(list)
    for prompt in prompts:
        names[prompt.snake].append(prompt.name)
    for name, same in names.items():
        if len(same) > 1:
            raise InvalidInputError(
                f"{' and '.join(same)} would both be `{name}` in a program; rename one of them (`formerly`"
                " keeps its calls and agents)."
            )
