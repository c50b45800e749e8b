"""A column of whole numbers as compact JSON: a ledger row is made of these, for reading many at once must
cost next to nothing.
"""

from __future__ import annotations

import binascii
import sys
from array import array
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from promptgraph.domain.canonical import Json
from promptgraph.domain.errors import InvalidRollupError
from promptgraph.domain.measures import INT64

Column: TypeAlias = int | Sequence[int]
"""A value per row, or the one value that all rows have."""

# array's names of unsigned numbers, and their bits
_CODES: Mapping[str, int] = {"B": 8, "H": 16, "I": 32, "Q": 64}
_DAMAGED = "A batch of the ledger is damaged: run `promptgraph rollup rebuild`."


def packed(column: Sequence[int]) -> Json:
    """The one value where all are the same, else [least, width, base64]: what each is above the least one, in
    the narrowest little-endian width. Values beyond 64 bits are kept at the bound.
    """
    low, high = min(column), max(column)
    if low < -INT64 or high > INT64:
        return packed([max(-INT64, min(INT64, value)) for value in column])
    if low == high:
        return low
    code = _narrowest(high - low)
    if low > 0 and code == _narrowest(high):
        low = 0
    numbers = array(code, [value - low for value in column] if low else column)
    return [low, code, binascii.b2a_base64(_little(numbers).tobytes(), newline=False).decode()]


def unpacked(value: Json, size: int) -> Column:
    """The inverse of `packed`, for a column of `size` values.

    raises  InvalidRollupError  `packed` did not write this
    """
    if type(value) is int:
        return value
    match value:
        case [int(low), str(code), str(text)] if code in _CODES:
            numbers = array(code)
        case _:
            raise InvalidRollupError(_DAMAGED)
    try:
        numbers.frombytes(binascii.a2b_base64(text, strict_mode=True))
    except ValueError as error:
        raise InvalidRollupError(_DAMAGED) from error
    if len(numbers) != size:
        raise InvalidRollupError(_DAMAGED)
    return [low + number for number in _little(numbers)] if low else _little(numbers)


def _narrowest(number: int) -> str:
    return next(code for code, bits in _CODES.items() if number.bit_length() <= bits)


def _little(numbers: array[int]) -> array[int]:
    """The numbers with their bytes in little-endian order, or back."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
