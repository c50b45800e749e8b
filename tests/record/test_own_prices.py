"""The operator's own prices: before the list, exact, and refused with the place where they are wrong."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from promptgraph.domain.call import NewCall
from promptgraph.domain.errors import InvalidInputError
from promptgraph.record.own_prices import MAX_FILE_BYTES, read_prices
from promptgraph.record.prices import PriceBook, Rate, Rates

AT = dt.datetime(2025, 9, 1, tzinfo=dt.UTC)
OWN = """{
  "openai/gpt-4o": {"input_per_mtok": 2, "output_per_mtok": 8.25, "cache_read_per_mtok": 0.1,
                    "cache_write_per_mtok": 3, "reasoning_per_mtok": 7, "per_request": 0.001},
  "OpenRouter/Meta/Llama": {"input_per_mtok": 0.5, "output_per_mtok": 1},
  "*/my-model": {"input_per_mtok": 0.3, "output_per_mtok": 0}
}"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "prices.json"


def book(file: Path, text: str = OWN) -> PriceBook:
    file.write_text(text)
    return read_prices(file)


@pytest.mark.parametrize(
    ("facts", "expected", "origin"),
    [
        pytest.param({"provider": "openai"}, 1_000_000 + 10 * 2_000 + 10 * 8_250, "openai/gpt-4o", id="own"),
        pytest.param(
            {
                "provider": "OpenAI",
                "cache_read_input_tokens": 3,
                "cache_write_input_tokens": 2,
                "reasoning_output_tokens": 4,
            },
            1_000_000 + 5 * 2_000 + 3 * 100 + 2 * 3_000 + 6 * 8_250 + 4 * 7_000,
            "openai/gpt-4o",
            id="every kind of token",
        ),
        pytest.param(
            {"provider": "openai", "model": "gpt-4o", "response_model": "gpt-4o-2024-08-06"},
            1_000_000 + 10 * 2_000 + 10 * 8_250,
            "openai/gpt-4o",
            id="own price of the model asked for goes before the list's for the one that answered",
        ),
        pytest.param(
            {"provider": "openrouter", "model": "meta/llama"}, 15_000, "OpenRouter/Meta/Llama", id="a slash"
        ),
        pytest.param({"provider": "vllm", "model": "my-model"}, 3_000, "*/my-model", id="any provider"),
        pytest.param({"model": "my-model"}, 3_000, "*/my-model", id="no provider"),
    ],
)
def test_own_price_goes_before_the_list(
    file: Path, facts: dict[str, Any], expected: int, origin: str
) -> None:
    """What the operator pays is what is counted, and the price says whose it is."""
    call = NewCall(model="gpt-4o", input_tokens=10, output_tokens=10)._replace(**facts)
    found = book(file).price(call, AT)
    assert found is not None
    assert (expected, f"prices.json: {origin}") == (found.nano_usd, found.origin)


def test_list_still_prices_all_other_models(file: Path) -> None:
    """The file adds to the list, it does not stand for it."""
    call = NewCall(provider="openai", model="gpt-4o-mini", input_tokens=10, output_tokens=10)
    assert PriceBook().price(call, AT) == book(file).price(call, AT)


def test_own_price_does_not_guess_counts(file: Path) -> None:
    """Unknown tokens have no price, whoever states the rate; the list is not asked instead."""
    assert book(file).price(NewCall(provider="openai", model="gpt-4o", input_tokens=10), AT) is None


def test_numbers_are_exact(file: Path) -> None:
    """A price is the decimal number that stands in the file, not the nearest double."""
    own = book(file, '{"a/b": {"input_per_mtok": 0.1234567890123456789}}').own
    rate = Rate(Decimal("0.1234567890123456789"))
    assert {("a", "b"): Rates(input=rate, origin="prices.json: a/b")} == own


def test_empty_file_of_prices_is_fine(file: Path) -> None:
    """No model of its own."""
    assert PriceBook() == book(file, "{}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "no JSON", id="empty"),
        pytest.param("{,}", "no JSON: .*line 1 column 2", id="no JSON"),
        pytest.param("[" * 100_000, "no JSON", id="endless depth"),
        pytest.param("[]", "must be an object of models", id="a list"),
        pytest.param(
            '{"gpt-4o": {"input_per_mtok": 1}}', "'gpt-4o' must be provider/model", id="no provider"
        ),
        pytest.param('{"openai/": {"input_per_mtok": 1}}', "'openai/' must be provider/model", id="no model"),
        pytest.param('{"a/b": 3}', "a/b must be an object with input_per_mtok", id="no object"),
        pytest.param('{"a/b": {}}', "a/b must be an object with input_per_mtok", id="no price"),
        pytest.param('{"a/b": {"input_per_mtok": 1, "inputs": 2}}', "a/b may not hold 'inputs'", id="a slip"),
        pytest.param(
            '{"a/b": {"input_per_mtok": -1}}', "input_per_mtok of a/b must be a number", id="negative"
        ),
        pytest.param('{"a/b": {"input_per_mtok": 100001}}', "from 0 to 100000", id="too much"),
        pytest.param('{"a/b": {"input_per_mtok": 1e999999}}', "from 0 to 100000", id="far too much"),
        pytest.param(
            '{"a/b": {"input_per_mtok": 1e99999999999999999999}}', "beyond every number", id="beyond decimals"
        ),
        pytest.param('{"a/b": {"input_per_mtok": NaN}}', "from 0 to 100000", id="NaN"),
        pytest.param('{"a/b": {"input_per_mtok": Infinity}}', "from 0 to 100000", id="infinity"),
        pytest.param('{"a/b": {"input_per_mtok": "1"}}', "must be a number", id="text"),
        pytest.param('{"a/b": {"input_per_mtok": true}}', "must be a number", id="a truth value"),
        pytest.param('{"a/b": {"input_per_mtok": null}}', "must be a number", id="null"),
        pytest.param(
            '{"a/b": {"input_per_mtok": 1, "input_per_mtok": 2}}',
            "the key 'input_per_mtok' comes twice",
            id="twice",
        ),
        pytest.param(
            '{"a/b": {"input_per_mtok": 1}, "A/b": {"input_per_mtok": 2}}',
            "A/b stands there twice",
            id="case",
        ),
        pytest.param(" " * (MAX_FILE_BYTES + 1), "at most 1,048,576 bytes", id="too large"),
    ],
)
def test_refuses_what_no_price_can_be(file: Path, text: str, words: str) -> None:
    """The sentence names the file, the model and what is wrong; nothing is priced by half a file."""
    with pytest.raises(InvalidInputError, match=f"The prices file prices.json is refused: .*{words}"):
        book(file, text)


def test_refuses_a_file_that_is_not_there(file: Path) -> None:
    """A mistyped path is an error, not an empty list."""
    with pytest.raises(InvalidInputError, match="cannot be read: No such file"):
        read_prices(file)


def test_refuses_a_folder_and_bytes_that_are_no_text(file: Path) -> None:
    """What is there but is no JSON text is said in the same words."""
    with pytest.raises(InvalidInputError, match="cannot be read: Is a directory"):
        read_prices(file.parent)
    file.write_bytes(b"\xff\xfe{}")
    with pytest.raises(InvalidInputError, match="no JSON"):
        read_prices(file)
