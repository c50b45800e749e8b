"""What makes two recordings of a call the same."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from typing import Any

from promptgraph.domain.call import NewCall, micros, nanos
from promptgraph.domain.canonical import Json, canonical_json

CALL_HASH_SCHEME = 1
"""Stored beside every idempotency hash; what scheme 1 covers is the docstring of `idempotency_hash`."""

_EPOCH, _MICROSECOND = dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.timedelta(microseconds=1)
_MAX_INT = 2**53 - 1
_MIN_FLOAT, _MAX_FLOAT = 1e-4, 1e16  # between them Python writes no exponent
_encode = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode


def idempotency_hash(call: NewCall, prompt_id: int | None) -> str:
    """SHA-256, hex, over the RFC 8785 form of what the caller sent, for a call that passed `check_call`.

    `prompt_id` is the row that `call.prompt_id` was resolved to, so that the global id and the database id of
    a prompt are the same. The call's own id is left out, and so is what is absent or equal to its default:
    a field that a later release adds leaves the hashes of older calls alone. Numbers are taken as they are
    kept (whole microseconds, nano-USD, UTC); variables, output and metadata each stand for themselves by
    their own SHA-256.

    raises  InvalidInputError  the contents have no canonical form
    cost    40 µs for a call of 20 fields with 1 kB of variables
    """
    sent: dict[str, Json] = {} if prompt_id is None else {"prompt_id": prompt_id}
    for name, default, convert in _FIELDS:
        value = getattr(call, name)
        if value != default:
            sent[name] = convert(value) if convert else value
    return hashlib.sha256(_encode(sent).encode()).hexdigest()  # short texts and small whole numbers: plain


def exact_json(value: Json) -> bytes:
    """The same bytes as `canonical_json`, by the C encoder where it can only agree: several times as fast."""
    if is_plain(value):
        try:
            return _encode(value).encode()
        except (UnicodeEncodeError, RecursionError):
            pass  # canonical_json has the words for it
    return canonical_json(value)


def is_plain(value: Json) -> bool:
    """Whether the standard library writes `value` as RFC 8785 does. Not so: floats that one of them writes
    with an exponent or without a fraction, integers beyond 2**53 - 1, keys beyond the BMP, which sort by
    UTF-16, and subclasses of the JSON types.
    """
    stack: list[Json] = [value]
    while stack:
        item = stack.pop()
        kind = type(item)
        if item is None or kind is str or kind is bool:
            continue
        judge = _PLAIN.get(kind)
        if judge is None or not judge(item):
            return False
        if isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return True


def _plain_key(key: object) -> bool:
    return type(key) is str and (key.isascii() or max(key) <= "\uffff")


_PLAIN: dict[type, Callable[[Any], bool]] = {
    dict: lambda item: all(map(_plain_key, item)),
    list: lambda _: True,
    int: lambda item: -_MAX_INT <= item <= _MAX_INT,
    float: lambda item: _MIN_FLOAT <= abs(item) < _MAX_FLOAT and not item.is_integer(),
}


def _digest(value: Json) -> str:
    return hashlib.sha256(exact_json(value)).hexdigest()


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
    "variables": _digest,
    "output": _digest,
    "metadata": _digest,
}
_NOTHING = NewCall(model="")
_FIELDS = tuple(
    (item.name, getattr(_NOTHING, item.name), _CONVERT.get(item.name))
    for item in fields(NewCall)
    if item.name not in ("call_id", "prompt_id")
)
