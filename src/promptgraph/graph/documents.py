"""Documents, parsed, guarded and validated once, then remembered by their text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    Token,
    TokenKind,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import NoSchemaIntrospectionCustomRule, ValuesOfCorrectTypeRule

from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.text import forbidden_character
from promptgraph.graph.bulk import Bulk, bulk_of
from promptgraph.graph.fast.deopt import DeoptError
from promptgraph.graph.fast.program import Program
from promptgraph.graph.guard import Limits, check_document
from promptgraph.graph.reach import EVERYTHING, Reach, reaches_of
from promptgraph.graph.remembered import Remembered
from promptgraph.graph.wording import MAX_ERRORS, ValuesFit

ROOM = 80 * 1024 * 1024
"""For documents, in bytes, with the programs that were made of them."""
PER_CHARACTER = 320
"""Bytes that a parsed document takes for each character of its text, by measurement."""

NUMBER_CHARACTERS = 30
"""As many as a number in variables may have: reading a long one takes the square of its length."""

OPENING = {TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L}
CLOSING = {TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R}
TEXTS = {TokenKind.STRING, TokenKind.BLOCK_STRING}
NUMBERS = {TokenKind.INT, TokenKind.FLOAT}

RULES = tuple(ValuesFit if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules)


class DocumentRefusedError(InvalidInputError):
    """`error` is what a client should read, with its position."""

    def __init__(self, message: str, error: GraphQLError) -> None:
        super().__init__(message)
        self.error = error


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of a document, what it costs, how much its request may bring, and what it asks of its
    caller.
    """

    node: OperationDefinitionNode
    cost: int
    bulk: Bulk
    reach: Reach = EVERYTHING

    @property
    def name(self) -> str | None:
        return self.node.name.value if self.node.name else None

    @property
    def kind(self) -> OperationType:
        return self.node.operation


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document within the limits, its operations by name, and why it does not fit the schema, if so.
    `programs`: what the fast executor made of the operations that were asked for, or why it made nothing.
    """

    text: str
    document: DocumentNode
    operations: Mapping[str | None, Operation]
    errors: tuple[GraphQLError, ...] = ()
    programs: dict[str | None, Program | DeoptError] = field(default_factory=dict, compare=False)


class Documents:
    """What `prepare` has accepted lately. One per schema; not shared between threads."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, introspection: bool) -> None:
        """`introspection`: clients may read the schema, and are helped with misspelt names."""
        self._schema = schema
        self._limits = limits
        self._open = introspection
        self._rules: tuple[type[ASTValidationRule], ...] = (
            RULES if introspection else (*RULES, NoSchemaIntrospectionCustomRule)
        )
        self._known: Remembered[str, Prepared] = Remembered(ROOM)

    def prepare(self, text: str) -> Prepared:
        """The parsed document.

        raises  DocumentRefusedError  it does not parse, or asks for too much
        """
        if found := self._known.get(text):
            return found
        prepared = self._prepared(text)
        self._known.put(text, prepared, PER_CHARACTER * len(text))
        return prepared

    @property
    def taken(self) -> int:
        """How much room they take."""
        return self._known.taken

    def grown(self, prepared: Prepared, room: int) -> None:
        """Say that this one takes so much more room."""
        self._known.grow(prepared.text, room)

    def _prepared(self, text: str) -> Prepared:
        limits = self._limits
        if len(text) > limits.characters:
            too_long = GraphQLError(f"A query may have at most {limits.characters:,} characters.")
            raise DocumentRefusedError(too_long.message, too_long)
        try:
            document = parse(text, max_tokens=limits.tokens)
            _check_tokens(document, limits.nesting)
            costs = check_document(self._schema, document, limits)
        except GraphQLError as error:
            raise DocumentRefusedError(error.message, error) from error
        errors = validate(self._schema, document, self._rules, MAX_ERRORS, hide_suggestions=not self._open)
        nodes = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        reaches = [EVERYTHING] * len(nodes) if errors else reaches_of(self._schema, document)
        operations = [
            Operation(node, cost, bulk_of(node), reach)
            for node, cost, reach in zip(nodes, costs, reaches, strict=True)
        ]
        return Prepared(text, document, {each.name: each for each in operations}, tuple(errors))


def _check_tokens(document: DocumentNode, nesting: int) -> None:
    """Brackets nest no deeper than the walks below can follow, texts hold only what can be stored, and
    numbers are of a size that anyone means.

    raises  GraphQLError  at the token to blame
    """
    level = 0
    token: Token | None = document.loc.start_token if document.loc else None
    while token is not None:
        level += (token.kind in OPENING) - (token.kind in CLOSING)
        if level > nesting:
            raise _at(document, token, f"This query is nested deeper than {nesting}.")
        if token.kind in TEXTS and (found := forbidden_character(token.value or "")):
            raise _at(document, token, f"This text holds the character {found}.")
        if token.kind in NUMBERS and len(token.value or "") > NUMBER_CHARACTERS:
            raise _at(document, token, f"A number may have at most {NUMBER_CHARACTERS} characters.")
        token = token.next


def _at(document: DocumentNode, token: Token, message: str) -> GraphQLError:
    source = document.loc.source if document.loc else None
    return GraphQLError(message, source=source, positions=[token.start])
