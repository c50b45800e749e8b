"""What makes two recordings of a call the same."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from decimal import Decimal
from operator import attrgetter
from typing import Any

from promptgraph.domain.call import LlmCall, NewCall, ToldCall, micros, nanos
from promptgraph.domain.canonical import Json, content_hash, plain_json

CALL_HASH_SCHEME = 1
"""Stored beside every idempotency hash; what scheme 1 covers is the docstring of `idempotency_hash`."""
TOLD_HASH_SCHEME = 0
"""The same hash, but of a ToldCall: it is not held against that of another recording."""

_EPOCH, _MICROSECOND = dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.timedelta(microseconds=1)


def idempotency_hash(call: NewCall, prompt_id: int | None) -> str:
    """SHA-256, hex, over the RFC 8785 form of what the caller sent, for a call that passed `check_call`.

    `prompt_id` is the row that `call.prompt_id` was resolved to, so that the global id and the database id of
    a prompt are the same. The call's own id is left out, and so is what is absent or equal to its default:
    a field that a later release adds leaves the hashes of older calls alone. Numbers are taken as they are
    kept (whole microseconds, nano-USD, UTC); variables, output and metadata each stand for themselves by
    their own SHA-256.

    raises  InvalidInputError  the contents have no canonical form
    cost    20 µs for a call of 20 fields with 1 kB of variables
    """
    sent: dict[str, Json] = {} if prompt_id is None else {"prompt_id": prompt_id}
    for (name, default, convert), value in zip(_FIELDS, _values(call), strict=True):
        if value is not default and value != default:
            sent[name] = convert(value) if convert else value
    return hashlib.sha256(plain_json(sent)).hexdigest()  # texts and small whole numbers


def hash_scheme(call: NewCall) -> int:
    """What the hash of a call is good for."""
    return TOLD_HASH_SCHEME if isinstance(call, ToldCall) else CALL_HASH_SCHEME


def is_same(digest: str, scheme: int | None, stored: LlmCall) -> bool:
    """Whether a call with this hash is the stored one, which has the same id. A call that only a span tells
    of may be less than its caller's own recording: there the id decides.
    """
    return digest == stored.content_hash or TOLD_HASH_SCHEME in (scheme, stored.hash_scheme)


def _instant(at: dt.datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _money(amount: Decimal) -> str:
    return str(nanos(amount))  # text: it may exceed 2**53 - 1


# what is hashed in another form than it is sent in
_CONVERT: dict[str, Callable[[Any], Json]] = {
    "status": str,
    "finish_reasons": list,
    "cost_usd": _money,
    "latency_ms": micros,
    "time_to_first_token_ms": micros,
    "started_at": _instant,
    "variables": content_hash,
    "output": content_hash,
    "metadata": content_hash,
}
_NOTHING = NewCall(model="")
_FIELDS = tuple(
    (name, default, _CONVERT.get(name))
    for name, default in _NOTHING._asdict().items()
    if name not in ("call_id", "prompt_id")
)
_values = attrgetter(*(name for name, _, _ in _FIELDS))
