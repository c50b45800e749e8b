"""One canonical form of JSON, and the hashes made from it."""

from __future__ import annotations

import hashlib
from typing import TypeAlias

import rfc8785

from promptgraph.domain.errors import InvalidInputError

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = dict[str, Json]

HASH_SCHEME = 1
"""Stored beside every hash: 1 is SHA-256 over RFC 8785."""


def canonical_json(value: Json) -> bytes:
    """The RFC 8785 form: sorted keys, no white space, ECMAScript numbers.

    raises  InvalidInputError  NaN, an infinity, an integer beyond 2**53 - 1, or a lone surrogate
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.FloatDomainError, rfc8785.IntegerDomainError) as error:
        raise InvalidInputError(
            "A number that is infinite, no number, or a whole one beyond 2**53 - 1 has no exact JSON form."
        ) from error
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise InvalidInputError("This value has no canonical JSON form.") from error


def content_hash(value: Json) -> str:
    """SHA-256, in hex, of the canonical form."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
