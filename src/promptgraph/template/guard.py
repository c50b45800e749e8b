"""What a prompt template may contain. The sandbox stops escapes, this stops what would run or grow without
end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, NoReturn, TypeAlias

import jinja2
from jinja2 import nodes as N  # noqa: N812  # Jinja's node classes, read as one short prefix

from promptgraph.domain.errors import TemplateError
from promptgraph.template.environment import ENVIRONMENT, TESTS

MAX_SOURCE = 256 * 1024
MAX_NODES, MAX_FILTERS = 2_000, 200
MAX_LOOPS, MAX_BLOCKS, MAX_BRANCHES = 2, 20, 50
MAX_EXPRESSION, MAX_OPERANDS = 32, 8
MAX_NUMBER, MAX_WIDTH, MAX_ARGUMENT = 1_000, 20, 20

Names: TypeAlias = frozenset[str]

_RESERVED = frozenset({"self", "super", "caller", "context", "varargs", "kwargs", "environment"})
_LOOP: Names = frozenset({"loop"})
_FILTERS = frozenset(name for name in ENVIRONMENT.filters if not name.startswith("_"))
_TOO_LONG = "The expression is too long: split it."
_GROWING = frozenset({"join", "indent", "tojson", "escape"})
_LOOPED = (N.Name, N.Getattr, N.Getitem, N.Filter)
_VALUES = (N.Name, N.Const, N.Getattr, N.Getitem, N.Filter, N.Tuple, N.List, N.Keyword)
_OPERATORS = (
    N.CondExpr,
    N.Compare,
    N.Operand,
    N.And,
    N.Or,
    N.Not,
    N.Test,
    N.Concat,
    N.Add,
    N.Sub,
    N.Neg,
    N.Pos,
)
_WORDS: dict[type[N.Node], str] = {
    N.Call: "a call",
    N.Dict: "a mapping in braces",
    N.Mul: "`*`",
    N.Pow: "`**`",
    N.Mod: "`%`",
    N.Div: "`/`",
    N.FloorDiv: "`//`",
    N.Assign: "{% set %}",
    N.AssignBlock: "{% set %}",
    N.Macro: "{% macro %}",
    N.CallBlock: "{% call %}",
    N.FilterBlock: "{% filter %}",
    N.Import: "{% import %}",
    N.FromImport: "{% import %}",
    N.Extends: "{% extends %}",
    N.Block: "{% block %}",
    N.With: "{% with %}",
    N.Scope: "{% autoescape %}",
    N.Include: "an {% include %} that is not resolved",
}


class _Spot(NamedTuple):
    """A statement, the names that loops around it bind, and how deep it stands."""

    node: N.Node
    bound: Names = frozenset()
    loops: int = 0
    blocks: int = 0


def check_template(source: str, *, in_loop: bool = False) -> set[str]:
    """The variables that `source` takes, once every part of it is known to be harmless. `in_loop`: it is
    part of a template that may include it in a loop.

    raises  TemplateError  it is no valid template, or holds what prompt templates may not, with its line
    """
    return check_tree(parsed(source), in_loop=in_loop)


def parsed(source: str) -> N.Template:
    """The syntax tree of `source`; nothing but its size and syntax is checked."""
    if len(source.encode(errors="replace")) > MAX_SOURCE:
        raise TemplateError(f"The template is larger than {MAX_SOURCE // 1024} KiB.")
    try:
        return ENVIRONMENT.parse(source)
    except jinja2.TemplateSyntaxError as error:
        message = (error.message or "it cannot be parsed").rstrip(".")
        raise TemplateError(f"Not a valid template: {message[:200]}.", line=error.lineno) from error
    except (RecursionError, ValueError, OverflowError) as error:
        raise TemplateError(
            "Not a valid template: an expression is too long or nested too deeply."
        ) from error


def check_tree(tree: N.Template, *, in_loop: bool = False) -> set[str]:
    """As `check_template`, of a template that is parsed already."""
    names: set[str] = set()
    filters = 0
    outer = _LOOP if in_loop else frozenset()
    for count, (expression, bound) in enumerate(_expressions(_Spot(tree, outer)), 1):
        nodes = _checked(expression)
        if "loop" not in bound and any(map(_is_loop_field, nodes)):
            _refuse(expression, "`loop` is only there inside a loop.")
        names |= {node.name for node in nodes if isinstance(node, N.Name)} - bound
        filters += sum(isinstance(node, N.Filter) for node in nodes)
        if count > MAX_NODES or filters > MAX_FILTERS:
            _refuse(
                expression, f"More than {MAX_NODES} expressions or {MAX_FILTERS} filters in one template."
            )
    return names


_Found: TypeAlias = Iterator[tuple[N.Node, Names]]
"""Expressions, each with the names bound around it."""


def _expressions(top: _Spot) -> _Found:
    """Every expression of the template; its statements are checked on the way."""
    stack = [top]
    count = 0
    while stack:
        spot = stack.pop()
        count += 1
        if count > MAX_NODES:
            _refuse(spot.node, f"More than {MAX_NODES} statements in one template.")
        if spot.blocks > MAX_BLOCKS:
            _refuse(spot.node, f"Blocks are nested deeper than {MAX_BLOCKS}.")
        walk = _STATEMENTS.get(type(spot.node))
        if walk is None:
            _refuse(spot.node, _not_allowed(spot.node))
        yield from walk(spot.node, spot, stack)


def _template(node: N.Template, spot: _Spot, stack: list[_Spot]) -> _Found:
    stack += _inside(spot, node.body)
    yield from ()


def _output(node: N.Output, spot: _Spot, _: list[_Spot]) -> _Found:
    return ((child, spot.bound) for child in node.nodes if not isinstance(child, N.TemplateData))


def _if(node: N.If, spot: _Spot, stack: list[_Spot]) -> _Found:
    if len(node.elif_) > MAX_BRANCHES:
        _refuse(node, f"More than {MAX_BRANCHES} branches in one {{% if %}}.")
    stack += _inside(spot, [*node.body, *node.elif_, *node.else_])
    yield node.test, spot.bound


def _for(node: N.For, spot: _Spot, stack: list[_Spot]) -> _Found:
    if node.recursive:
        _refuse(node, "Recursive loops are not allowed.")
    if spot.loops >= MAX_LOOPS:
        _refuse(node, f"Loops are nested deeper than {MAX_LOOPS}.")
    if not isinstance(node.iter, _LOOPED):
        _refuse(node, "A loop runs over an input variable only.")
    targets = {name.name for name in _checked(node.target) if isinstance(name, N.Name)}
    stack += _inside(spot, node.else_)
    stack += _inside(spot._replace(bound=spot.bound | targets | _LOOP, loops=spot.loops + 1), node.body)
    yield node.iter, spot.bound
    if node.test is not None:
        yield node.test, spot.bound | targets


def _inside(spot: _Spot, body: Sequence[N.Node]) -> Iterator[_Spot]:
    return (spot._replace(node=node, blocks=spot.blocks + 1) for node in reversed(body))


_STATEMENTS: dict[type[N.Node], Callable[..., _Found]] = {
    N.Template: _template,
    N.Output: _output,
    N.If: _if,
    N.For: _for,
}


def _checked(top: N.Node) -> list[N.Node]:
    """All nodes of an expression, each of them allowed; the work and the size it may take are bounded."""
    nodes: list[N.Node] = []
    stack: list[N.Node] = [top]
    while stack:
        node = stack.pop()
        if not isinstance(node, _VALUES + _OPERATORS):
            _refuse(node, _not_allowed(node))
        if complaint := _RULES.get(type(node), _no_complaint)(node):
            _refuse(node, complaint)
        if not _is_loop_field(node):
            stack += reversed(list(node.iter_child_nodes()))
        nodes.append(node)
        if len(nodes) > MAX_EXPRESSION:
            _refuse(top, _TOO_LONG)
    _check_growth(top, nodes)
    return nodes


def _check_growth(top: N.Node, nodes: list[N.Node]) -> None:
    joined = (node for node in nodes if isinstance(node, N.Concat | N.Add | N.List | N.Tuple))
    operands = sum(len(list(node.iter_child_nodes())) for node in joined)
    growing = sum(isinstance(node, N.Filter) and node.name in _GROWING for node in nodes)
    if operands > MAX_OPERANDS:
        _refuse(top, _TOO_LONG)
    if growing > 1:
        _refuse(top, f"An expression takes only one of the filters {', '.join(sorted(_GROWING))}.")


def _name(node: N.Name) -> str | None:
    if node.name.startswith("_") or node.name in _RESERVED:
        return f"The name `{node.name[:80]}` is reserved."
    if node.name == "loop":
        return "`loop` is no value and no variable: use loop.index, loop.first, loop.last, … inside a loop."
    return None


def _getattr(node: N.Getattr) -> str | None:
    return "Names that begin with _ are not allowed." if node.attr.startswith("_") else None


def _getitem(node: N.Getitem) -> str | None:
    arg = node.arg.node if isinstance(node.arg, N.Neg) else node.arg  # [-1] is the last one
    key = arg.value if isinstance(arg, N.Const) else None
    if not isinstance(key, str | int):
        return "Only a constant key or position may stand in [ ]."
    return "Names that begin with _ are not allowed." if str(key).startswith("_") else None


def _test(node: N.Test) -> str | None:
    if node.name not in TESTS:
        return f"The test `is {node.name[:80]}` is not allowed; there are: {', '.join(sorted(TESTS))}."
    return "* and ** are not allowed." if node.dyn_args or node.dyn_kwargs else None


def _conditional(node: N.CondExpr) -> str | None:
    return "An inline `if` needs an `else`." if node.expr2 is None else None


def _filter(node: N.Filter) -> str | None:
    if node.node is None or node.name not in _FILTERS:
        return f"The filter |{node.name[:80]} is not allowed; there are: {', '.join(sorted(_FILTERS))}."
    if node.dyn_args or node.dyn_kwargs:
        return "* and ** are not allowed."
    if node.name == "default":
        return None
    arguments = [*node.args, *(pair.value for pair in node.kwargs)]
    return next(filter(None, (_argument(node.name, argument) for argument in arguments)), None)


def _argument(name: str, node: N.Expr) -> str | None:
    value = node.value if isinstance(node, N.Const) else node
    limit = MAX_WIDTH if name in _GROWING else MAX_NUMBER
    if isinstance(value, N.Node):
        return f"The filter |{name} takes constants only."
    if isinstance(value, int | float) and abs(value) > limit:
        return f"A number larger than {limit} is not allowed in the filter |{name}."
    if isinstance(value, str) and len(value) > MAX_ARGUMENT:
        return f"A text longer than {MAX_ARGUMENT} characters is not allowed in the filter |{name}."
    return None


def _no_complaint(_: N.Node) -> None:
    return None


_RULES: dict[type[N.Node], Callable[..., str | None]] = {
    N.Name: _name,
    N.Getattr: _getattr,
    N.Getitem: _getitem,
    N.Test: _test,
    N.CondExpr: _conditional,
    N.Filter: _filter,
}


def _is_loop_field(node: N.Node) -> bool:
    """Whether `node` is `loop.index` or the like, or `loop` where no loop is: then it is no variable."""
    return isinstance(node, N.Getattr) and isinstance(node.node, N.Name) and node.node.name == "loop"


def _not_allowed(node: N.Node) -> str:
    words = _WORDS.get(type(node), type(node).__name__)
    return f"{words[0].upper()}{words[1:]} is not allowed in prompt templates."


def _refuse(node: N.Node, message: str) -> NoReturn:
    raise TemplateError(message, line=node.lineno)
