"""Partials: texts that templates include, put in place once, when a tree of files is read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import jinja2

from promptgraph.domain.errors import TemplateError
from promptgraph.domain.nearest import near
from promptgraph.template.environment import ENVIRONMENT, counted
from promptgraph.template.guard import MAX_SOURCE, check_template

PARTIAL_DEPTH = 3
_CACHED = 256
_NEWLINE = re.compile("\r\n|\r|\n")
_MAYBE_INCLUDE = re.compile(r"\{%[-+]?\s*include\b")


class PartialError(TemplateError):
    """A partial is wrong by itself; the message names it, `line` is that of the include that leads to it."""


class Piece(NamedTuple):
    """A stretch of a template's own text, or the partial `name` in its place; `line` is where it begins."""

    line: int
    text: str = ""
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Inlined:
    """A template with its partials in place: their `names`, sorted, and where each stretch came from."""

    text: str
    names: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = field(default=(), repr=False)

    def origin(self, line: int) -> Piece:
        """Where a line of `text` came from: an own line if there is own text on it, or the line that includes
        the partial `name`.
        """
        first, found = 1, Piece(line)
        for piece in self.pieces:
            lines = piece.text.split("\n")
            if 0 <= line - first < len(lines) and lines[line - first].strip():
                found = piece if piece.name else Piece(piece.line + line - first)
                if found.name is None:
                    break
            first += len(lines) - 1
        return found


def inline(source: str, partials: Mapping[str, str], *, limit: int = MAX_SOURCE) -> Inlined:
    """`source` with every {% include "NAME" %} replaced by that partial, its last line end dropped.

    keys    partials by the name that includes use
    raises  TemplateError  a partial is missing, in a circle or nested too deeply, or the whole is too large
            PartialError   a partial is no harmless template by itself
    cost    each partial is checked and expanded once, however often it is included
    """
    if not _MAYBE_INCLUDE.search(source):
        return Inlined(source)
    expansion = _Expansion(partials, limit)
    pieces = expansion.fill(_split(source), ())
    return Inlined("".join(piece.text for piece in pieces), tuple(sorted(expansion.done)), tuple(pieces))


def check_inlined(inlined: Inlined) -> set[str]:
    """As `check_template`; lines count in the template's own text, partials are named in the message."""
    try:
        return check_template(inlined.text)
    except TemplateError as error:
        if error.line is None or not inlined.names:
            raise
        spot = inlined.origin(error.line)
        where = "" if spot.name is None else f"In the partial {spot.name}: "
        raise TemplateError(f"{where}{error}", line=spot.line) from error


def check_partial(source: str, partials: Mapping[str, str]) -> set[str]:
    """The variables of a partial that stands by itself, those of the partials that it includes among them.

    raises  TemplateError  it is no harmless template, or its includes fail as in `inline`
    """
    return check_template(inline(source, partials).text, in_loop=True)


class _Expanded(NamedTuple):
    """A partial's whole text, and how deep partials are nested in it: 1 for none."""

    text: str
    height: int


@dataclass(slots=True)
class _Expansion:
    """One `inline`: the partials there are, and those expanded so far."""

    partials: Mapping[str, str]
    limit: int
    done: dict[str, _Expanded] = field(default_factory=dict)

    def fill(self, pieces: tuple[Piece, ...], above: tuple[str, ...]) -> list[Piece]:
        """The pieces with the text of each partial in place."""
        filled: list[Piece] = []
        size, end = 0, ""
        for piece in pieces:
            text = piece.text if piece.name is None else self.partial(piece.name, piece.line, above).text
            if end == "{" and text.startswith(("{", "%", "#")):
                raise TemplateError(
                    "A partial and the text beside it would form a Jinja tag.", line=piece.line
                )
            size, end = size + len(text), text[-1:] or end
            if size > self.limit:
                raise _too_large(self.limit, piece.line)
            filled.append(piece._replace(text=text))
        return filled

    def partial(self, name: str, line: int, above: tuple[str, ...]) -> _Expanded:
        """A partial with its own includes in place; `above` are the partials that lead to it."""
        chain = (*above, name)
        if name in above:
            raise TemplateError(f"Partials include each other in a circle: {' → '.join(chain)}.", line=line)
        if name not in self.done and len(chain) <= PARTIAL_DEPTH:
            self.done[name] = self.expand(name, line, chain)
        if name not in self.done or len(above) + self.done[name].height > PARTIAL_DEPTH:
            raise TemplateError(
                f"Partials are nested deeper than {PARTIAL_DEPTH}: {' → '.join(chain)}.", line=line
            )
        return self.done[name]

    def expand(self, name: str, line: int, chain: tuple[str, ...]) -> _Expanded:
        if name not in self.partials:
            raise TemplateError(
                f"There is no partial {name[:80]!r}. {_others(name, self.partials)}", line=line
            )
        try:
            pieces = _partial_pieces(self.partials[name])
            text = "".join(piece.text for piece in self.fill(pieces, chain))
        except PartialError as error:
            raise PartialError(str(error), line=line) from error
        except TemplateError as error:
            where = "" if error.line is None else f", line {error.line}"
            raise PartialError(f"In the partial {name}{where}: {error}", line=line) from error
        inner = (self.done[piece.name].height for piece in pieces if piece.name is not None)
        return _Expanded(text, 1 + max(inner, default=0))


def _too_large(limit: int, line: int) -> TemplateError:
    return TemplateError(f"With its partials the template is larger than {limit // 1024} KiB.", line=line)


def _others(name: str, partials: Mapping[str, str]) -> str:
    found = near(name.removeprefix("_partials/"), partials)
    if found:
        return f"Did you mean {found!r}?"
    known = ", ".join(sorted(partials)[:10])
    return f"There are: {known}." if known else "There are none: put it below _partials/."


@lru_cache(maxsize=_CACHED)
def _partial_pieces(text: str) -> tuple[Piece, ...]:
    """A partial in pieces, once it is known to be a harmless template by itself."""
    pieces = _split(text.removesuffix("\n").removesuffix("\r"))
    check_template("".join(piece.text for piece in pieces), in_loop=True)
    return pieces


def _split(source: str) -> tuple[Piece, ...]:
    """`source` cut at its includes, by Jinja's own lexer: raw blocks and comments stay as they are."""
    text = _NEWLINE.sub("\n", source)
    pieces: list[Piece] = []
    begin = 0
    for tag in _includes(text):
        before = text[begin : tag.start]
        pieces.append(_own(text, begin, before.rstrip() if tag.strips else before))
        pieces.append(Piece(_line(text, tag.start), name=tag.name))
        begin = tag.end
    pieces.append(_own(text, begin, text[begin:]))
    return tuple(piece for piece in pieces if piece.text or piece.name)


def _own(source: str, begin: int, text: str) -> Piece:
    return Piece(_line(source, begin), text)


def _line(source: str, position: int) -> int:
    return source.count("\n", 0, position) + 1


class _Include(NamedTuple):
    """An include in a text: from `start` to `end`; `strips` the white space before it, as {%- does."""

    start: int
    end: int
    name: str
    strips: bool


def _includes(source: str) -> Iterator[_Include]:
    last = max((found.start() for found in _MAYBE_INCLUDE.finditer(source)), default=-1)
    position = start = 0
    strips = False
    words: list[_Word] = []
    for line, kind, text in _words(source) if last >= 0 else ():
        # the words are the source but for white space that {%- eats, so each is the next one like it
        at = source.index(text, position)
        position = at + len(text)
        if kind == "block_begin":
            start, words, strips = at, [], text.endswith("-")
            if at > last:
                return
        elif kind == "block_end" and words and words[0][2] == "include":
            yield _Include(start, position, _included(words), strips)
        elif kind != "whitespace":
            words.append((line, kind, text))


_Word: TypeAlias = tuple[int, str, str]
"""A token of Jinja's lexer: line, kind, text."""


def _words(source: str) -> Iterator[_Word]:
    try:
        yield from counted(ENVIRONMENT.lexer.tokeniter(source, None), lambda word: word[0])
    except jinja2.TemplateSyntaxError as error:
        message = (error.message or "it cannot be read").rstrip(".")
        raise TemplateError(f"Not a valid template: {message[:200]}.", line=error.lineno) from error


def _included(words: list[_Word]) -> str:
    if [kind for _, kind, _ in words] != ["name", "string"]:
        line = words[0][0]
        raise TemplateError('An include takes one constant name: {% include "NAME.j2" %}.', line=line)
    return words[1][2][1:-1]
