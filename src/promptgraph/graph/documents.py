"""Documents, parsed, guarded and validated once, then remembered by their text."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    Token,
    TokenKind,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import NoSchemaIntrospectionCustomRule, ValuesOfCorrectTypeRule

from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.text import forbidden_character
from promptgraph.graph.guard import Limits, check_document
from promptgraph.graph.wording import MAX_ERRORS, ValuesFit

REMEMBERED_CHARACTERS = 256 * 1024
"""A parsed document takes some 300 times its text, so this is about 80 MB at worst."""

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
class Prepared:
    """A document within the limits, its operations and what each costs by name, and why it does not fit the
    schema, if so.
    """

    text: str
    document: DocumentNode
    operations: Mapping[str | None, OperationDefinitionNode]
    costs: Mapping[str | None, int]
    errors: tuple[GraphQLError, ...] = ()


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
        self._known: OrderedDict[str, Prepared] = OrderedDict()
        self._characters = 0

    def prepare(self, text: str) -> Prepared:
        """The parsed document.

        raises  DocumentRefusedError  it does not parse, or asks for too much
        """
        if found := self._known.get(text):
            self._known.move_to_end(text)
            return found
        prepared = self._prepared(text)
        self._remember(text, prepared)
        return prepared

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
        operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        names = [d.name.value if d.name else None for d in operations]
        return Prepared(
            text,
            document,
            dict(zip(names, operations, strict=True)),
            dict(zip(names, costs, strict=True)),
            tuple(errors),
        )

    def _remember(self, text: str, prepared: Prepared) -> None:
        self._known[text] = prepared
        self._characters += len(text)
        while self._characters > REMEMBERED_CHARACTERS:
            gone, _ = self._known.popitem(last=False)
            self._characters -= len(gone)


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
