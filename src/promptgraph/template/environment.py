"""The one Jinja environment: what a template may reach, and the budget that every render spends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from jinja2 import StrictUndefined, Undefined, pass_context
from jinja2 import nodes as N  # noqa: N812  # Jinja's node classes, read as one short prefix
from jinja2.exceptions import FilterArgumentError
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from promptgraph.domain.errors import TemplateError
from promptgraph.template.filters import FILTERS, Filter, kind_of, printable

T = TypeVar("T")

MAX_TOKENS = 20_000
MAX_ROUNDS = 100_000
MAX_SECONDS = 1.0
BUDGET = "_budget"
"""The variable that carries the budget; the guard lets no template name it."""

TESTS = frozenset(
    {
        *("defined", "undefined", "none", "string", "number", "mapping", "sequence", "boolean", "integer"),
        *("float", "true", "false", "eq", "ne", "lt", "le", "gt", "ge", "in"),
    }
)
_LOOP_FIELDS = ("index", "index0", "revindex", "revindex0", "first", "last", "length")
_NO_OBJECT = StrictUndefined()._undefined_obj  # noqa: SLF001  # Jinja's mark for "a variable, no key of anything"


@dataclass(slots=True)
class Budget:
    """What one render may still spend: rounds of loops, and time until `deadline` (of time.monotonic)."""

    rounds: int
    deadline: float

    def check(self) -> None:
        if self.rounds < 0:
            raise TemplateError(f"The template loops too long: more than {MAX_ROUNDS} rounds.")
        if time.monotonic() > self.deadline:
            raise TemplateError(f"The template takes too long: more than {MAX_SECONDS:g} s.")


class Missing(StrictUndefined):
    """What is not there: any use of it but `is defined` and `|default` is an error."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        name, of = f"`{self._undefined_name}`", self._undefined_obj
        if of is _NO_OBJECT:
            return f"{name} has no value: send it, or guard it with `is defined` or |default('…')."
        if isinstance(of, dict):
            return f"There is no key {name} in this mapping."
        if isinstance(of, list | tuple):
            return f"There is no {name} in this list of {len(of)}."
        if isinstance(of, LoopContext):
            return f"`loop` has no {name}; it has {', '.join(_LOOP_FIELDS)}."
        return f"There is no {name} here: {kind_of(of)} has no keys."


def counted(tokens: Iterable[T], line_of: Callable[[T], int]) -> Iterator[T]:
    """`tokens`, until there are more than a prompt template needs: parsing a token takes Jinja some 25 µs."""
    for count, token in enumerate(tokens):
        if count > MAX_TOKENS:
            raise TemplateError(f"The template has more than {MAX_TOKENS} tokens.", line=line_of(token))
        yield token


class _Counting(Extension):
    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        return counted(stream, lambda token: token.lineno)


class PromptEnvironment(ImmutableSandboxedEnvironment):
    """Inputs are JSON, so `d.items` is the key "items" of `d`; no attribute of a Python object is read."""

    def __init__(self) -> None:
        super().__init__(
            undefined=Missing,
            autoescape=False,
            finalize=printable,
            keep_trailing_newline=True,
            extensions=[_Counting],
        )
        self.globals.clear()
        self.filters = {name: _spending(name, work) for name, work in FILTERS.items()}
        # `default` is for what is missing, so it alone gets it; the last two are put in by `with_budget`
        self.filters |= {"default": _default, "_rounds": _rounds, "_timed": _timed}
        self.tests = {name: test for name, test in self.tests.items() if name in TESTS}

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, LoopContext) and attribute in _LOOP_FIELDS:
            return getattr(obj, attribute)
        return self._missing(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, dict | list | tuple):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                pass
        return self._missing(obj, argument)

    def _missing(self, obj: Any, name: Any) -> Undefined:
        if isinstance(obj, Undefined):
            str(obj)  # raises, naming what is missing first
        return self.undefined(obj=obj, name=name)


def _spending(name: str, work: Filter) -> Filter:
    """`work`, once the budget allows it; what it cannot take becomes an error that names the filter."""

    @pass_context
    def spend(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, Undefined):
            str(value)  # raises, naming what is missing
        context[BUDGET].check()
        try:
            return work(value, *args, **kwargs)
        except (TypeError, ValueError, ArithmeticError, LookupError, FilterArgumentError) as error:
            raise TemplateError(f"The filter |{name} cannot take {kind_of(value)} here.") from error

    return spend


def _default(
    value: Any,
    default_value: Any = "",
    boolean: bool = False,  # noqa: FBT001, FBT002  # Jinja's signature
) -> Any:
    return default_value if isinstance(value, Undefined) or (boolean and not value) else value


@pass_context
def _timed(context: Context, value: Any) -> Any:
    context[BUDGET].check()
    return value


@pass_context
def _rounds(context: Context, value: Any) -> Iterator[Any]:
    """The items of a loop, each of them paid for."""
    budget: Budget = context[BUDGET]
    if isinstance(value, Undefined) or not isinstance(value, Iterable):
        _no_list(value)
    for item in value:
        budget.rounds -= 1
        budget.check()
        yield item


def _no_list(value: Any) -> NoReturn:
    if isinstance(value, Undefined):
        str(value)  # raises, naming what is missing
    raise TemplateError(f"A loop runs over a list or a mapping, not over {kind_of(value)}.")


def with_budget(tree: N.Template) -> N.Template:
    """`tree`, changed so that loops and what may be slow on large values pay, and `~` joins texts only."""
    for node in list(tree.find_all((N.For, N.Compare, N.Test, N.Concat))):
        if isinstance(node, N.For):
            node.iter = _through("_rounds", node.iter)
        elif isinstance(node, N.Compare):
            node.expr = _through("_timed", node.expr)
        elif isinstance(node, N.Concat):
            node.nodes = [_through("string", each) for each in node.nodes]
        elif isinstance(node, N.Test) and node.args:
            node.node = _through("_timed", node.node)
    tree.set_environment(ENVIRONMENT)
    return tree


def _through(name: str, node: Any) -> N.Filter:
    return N.Filter(node, name, [], [], None, None, lineno=node.lineno)


ENVIRONMENT = PromptEnvironment()
