"""The operator's own prices: a JSON file of models that goes before the public list."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.json_file import read_json
from promptgraph.record.prices import ANY_PROVIDER, PriceBook, Rate, Rates

MAX_FILE_BYTES = 1024 * 1024
MAX_USD = 100_000

_NEEDED = ("input_per_mtok", "output_per_mtok")
_KEYS = (*_NEEDED, "cache_read_per_mtok", "cache_write_per_mtok", "reasoning_per_mtok", "per_request")


def read_prices(path: Path) -> PriceBook:
    """The public list, and before it the prices of a file such as
    `{"openai/gpt-4o": {"input_per_mtok": 2, "output_per_mtok": 8}, "*/my-model": {"input_per_mtok": 0.1}}`.

    units   USD for a million tokens; per_request: USD for a call
    raises  InvalidInputError  it cannot be read, or says what no price can be; the sentence says where
    """
    own: dict[tuple[str, str], Rates] = {}
    for key, entry in _entries(path).items():
        name = _name(path, key)
        if name in own:
            raise _refused(path, f"{key} stands there twice; upper and lower case are one.")
        own[name] = _rates(path, key, entry)
    return PriceBook(own)


def _entries(path: Path) -> dict[str, Any]:
    try:
        entries = read_json(
            path, MAX_FILE_BYTES, parse_float=_number, parse_int=Decimal, parse_constant=Decimal
        )
    except InvalidInputError as error:
        raise _refused(path, str(error)) from error
    if not isinstance(entries, dict):
        raise _refused(path, 'it must be an object of models, as {"openai/gpt-4o": {"input_per_mtok": 2}}.')
    return entries


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text[:40]} is beyond every number") from error


def _name(path: Path, key: str) -> tuple[str, str]:
    provider, _, model = key.lower().partition("/")
    if not (provider and model):
        raise _refused(path, f"{key!r} must be provider/model, or {ANY_PROVIDER}/model for any provider.")
    return provider, model


def _rates(path: Path, key: str, entry: Any) -> Rates:
    if not isinstance(entry, dict) or not any(name in entry for name in _NEEDED):
        raise _refused(path, f"{key} must be an object with {' or '.join(_NEEDED)}.")
    amounts = {name: _amount(path, key, name, value) for name, value in entry.items()}
    rates = {name: Rate(amount) for name, amount in amounts.items()}
    return Rates(
        input=rates.get("input_per_mtok"),
        output=rates.get("output_per_mtok"),
        cache_read=rates.get("cache_read_per_mtok"),
        cache_write=rates.get("cache_write_per_mtok"),
        reasoning=rates.get("reasoning_per_mtok"),
        request=amounts.get("per_request", Decimal(0)),
        origin=f"{path.name}: {key}",
    )


def _amount(path: Path, key: str, name: str, value: object) -> Decimal:
    if name not in _KEYS:
        raise _refused(path, f"{key} may not hold {name!r}; it may hold {', '.join(_KEYS)}.")
    if isinstance(value, Decimal) and value.is_finite() and 0 <= value <= MAX_USD:
        return value
    raise _refused(path, f"{name} of {key} must be a number of USD from 0 to {MAX_USD}.")


def _refused(path: Path, problem: str) -> InvalidInputError:
    return InvalidInputError(f"The prices file {path.name} is refused: {problem}")
