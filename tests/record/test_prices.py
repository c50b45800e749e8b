"""Prices: by hand for models that everybody knows, like the package for all the others, None for unknown."""

import datetime as dt
import subprocess
import sys
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from uuid import UUID

import pytest
from genai_prices import Usage
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ConditionalPrice, ModelInfo, Provider

from promptgraph.domain.call import CostSource, LlmCall, NewCall
from promptgraph.record.prices import Price, PriceBook, Rate, Rates
from tests.children import surroundings

AT = dt.datetime(2025, 9, 1, tzinfo=dt.UTC)
BOOK = PriceBook()


def price(**facts: Any) -> Price | None:
    at = facts.pop("at", AT)
    return BOOK.price(NewCall(model="gpt-4o")._replace(**facts), at)


def nano(**facts: Any) -> int | None:
    found = price(**facts)
    return found.nano_usd if found else None


# USD for a million tokens is a thousand nano-USD for one: the rates below, times 1000, by the package's data
@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        # gpt-4o: input 2.50, cached 1.25, output 10
        pytest.param(
            {"model": "gpt-4o", "input_tokens": 1000, "output_tokens": 100},
            1000 * 2_500 + 100 * 10_000,
            id="gpt-4o",
        ),
        pytest.param(
            {"model": "gpt-4o", "input_tokens": 1000, "output_tokens": 100, "cache_read_input_tokens": 300},
            700 * 2_500 + 300 * 1_250 + 100 * 10_000,
            id="gpt-4o with cached input",
        ),
        pytest.param(
            {"model": "gpt-4o", "input_tokens": 1000, "output_tokens": 100, "cache_write_input_tokens": 300},
            1000 * 2_500 + 100 * 10_000,
            id="gpt-4o has no price of its own for writing the cache",
        ),
        pytest.param(
            {"model": "gpt-4o", "input_tokens": 10, "output_tokens": 100, "reasoning_output_tokens": 60},
            10 * 2_500 + 100 * 10_000,
            id="gpt-4o has no price of its own for reasoning",
        ),
        # claude-sonnet-4: input 3, cache read 0.30, cache write 3.75, output 15
        pytest.param(
            {
                "model": "claude-sonnet-4-20250514",
                "input_tokens": 10_000,
                "output_tokens": 500,
                "cache_read_input_tokens": 8_000,
                "cache_write_input_tokens": 1_500,
            },
            500 * 3_000 + 8_000 * 300 + 1_500 * 3_750 + 500 * 15_000,
            id="claude-sonnet-4 with cache reads and writes",
        ),
        # gemini-2.5-pro: input 1.25, output 10; above 200,000 input tokens 2.50 and 15
        pytest.param(
            {"model": "gemini-2.5-pro", "input_tokens": 200_000, "output_tokens": 100},
            200_000 * 1_250 + 100 * 10_000,
            id="gemini-2.5-pro at its limit",
        ),
        pytest.param(
            {"model": "gemini-2.5-pro", "input_tokens": 200_001, "output_tokens": 100},
            200_001 * 2_500 + 100 * 15_000,
            id="gemini-2.5-pro above its limit",
        ),
        # sonar-deep-research: input 2, output 8, reasoning 3
        pytest.param(
            {
                "provider": "perplexity",
                "model": "sonar-deep-research",
                "input_tokens": 10,
                "output_tokens": 100,
                "reasoning_output_tokens": 60,
            },
            10 * 2_000 + 40 * 8_000 + 60 * 3_000,
            id="sonar-deep-research bills reasoning apart",
        ),
        # sonar: input 1, output 1, and 12 USD for a thousand calls
        pytest.param(
            {"provider": "perplexity", "model": "sonar", "input_tokens": 10, "output_tokens": 20},
            30 * 1_000 + 12_000_000,
            id="sonar bills each call",
        ),
        # text-embedding-3-small: input 0.02, no output
        pytest.param(
            {"provider": "openai", "model": "text-embedding-3-small", "input_tokens": 7},
            7 * 20,
            id="an embedding has no output",
        ),
        pytest.param({"input_tokens": 0, "output_tokens": 0}, 0, id="no tokens are known to be free"),
    ],
)
def test_computes_the_list_price(facts: dict[str, Any], expected: int) -> None:
    """Tokens by kind, each at the rate that the list states for it."""
    assert expected == nano(**facts)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"model": "my-own-model"}, id="a model nobody lists"),
        pytest.param({"model": "gpt-99"}, id="a model that its provider does not list"),
        pytest.param({"provider": "my-gateway"}, id="a provider nobody lists"),
        pytest.param({"provider": "anthropic"}, id="another provider's model"),
        pytest.param({"provider": "github-copilot"}, id="a model listed without a price"),
        pytest.param({"provider": "groq", "model": "whisper-large-v3"}, id="a model billed by the hour"),
        pytest.param({"input_tokens": None}, id="unknown input"),
        pytest.param({"output_tokens": None}, id="unknown output"),
        pytest.param({"input_tokens": None, "output_tokens": None}, id="no counts at all"),
        pytest.param(
            {"cache_read_input_tokens": 6, "cache_write_input_tokens": 5}, id="more cached than sent"
        ),
        pytest.param({"reasoning_output_tokens": 11}, id="more reasoning than output"),
        pytest.param({"model": "text-embedding-3-small"}, id="output of a model that has none"),
    ],
)
def test_unknown_is_none_and_never_zero(facts: dict[str, Any]) -> None:
    """Nobody knows the price: no number is made up."""
    assert price(**{"provider": "openai", "input_tokens": 10, "output_tokens": 10} | facts) is None


@pytest.mark.parametrize(
    ("asked", "answered", "expected"),
    [
        pytest.param("gpt-4o", "gpt-4o-mini-2024-07-18", 150, id="the one that answered"),
        pytest.param("gpt-4o", "gpt-4o-2024-08-06", 2_500, id="its dated name"),
        pytest.param("gpt-4o", "deployment-7", 2_500, id="unknown: the one that was asked for"),
        pytest.param("deployment-7", "gpt-4o", 2_500, id="only the answer is known"),
        pytest.param("gpt-4o", None, 2_500, id="nothing said"),
    ],
)
def test_goes_by_the_model_that_answered(asked: str, answered: str | None, expected: int) -> None:
    """The response names what was really used; what nobody lists does not hide what is listed."""
    assert expected == nano(model=asked, response_model=answered, input_tokens=1, output_tokens=0)


@pytest.mark.parametrize(
    ("provider", "model", "origin"),
    [
        pytest.param(None, "gpt-4o", "openai/gpt-4o", id="inferred"),
        pytest.param(
            None, "claude-3-5-haiku-20241022", "anthropic/claude-3-5-haiku-latest", id="inferred too"
        ),
        pytest.param("openai", "GPT-4o", "openai/gpt-4o", id="given"),
        pytest.param("azure.ai.openai", "gpt-4o", "azure/gpt-4o", id="OpenTelemetry's Azure"),
        pytest.param("azure.ai.inference", "gpt-4o", "azure/gpt-4o", id="OpenTelemetry's other Azure"),
        pytest.param("gcp.gen_ai", "gemini-2.5-pro", "google/gemini-2.5-pro", id="OpenTelemetry's Google"),
        pytest.param("gcp.vertex_ai", "gemini-2.5-pro", "google/gemini-2.5-pro", id="OpenTelemetry's Vertex"),
        pytest.param("x_ai", "grok-3", "x-ai/grok-3", id="OpenTelemetry's xAI"),
        pytest.param(
            "mistral_ai", "mistral-large-latest", "mistral/mistral-large", id="OpenTelemetry's Mistral"
        ),
    ],
)
def test_finds_the_provider(provider: str | None, model: str, origin: str) -> None:
    """The names of gen_ai.provider.name are understood; without one the model's name tells."""
    found = price(provider=provider, model=model, input_tokens=1, output_tokens=1)
    assert found is not None
    assert origin == found.origin.rpartition(": ")[2]


@pytest.mark.parametrize(
    ("at", "rate", "since"),
    [
        pytest.param(dt.datetime(2025, 6, 9, 23, 59, tzinfo=dt.UTC), 10_000, None, id="the day before"),
        pytest.param(dt.datetime(2025, 6, 10, tzinfo=dt.UTC), 2_000, dt.date(2025, 6, 10), id="the day"),
        pytest.param(
            dt.datetime(2025, 6, 10, 1, tzinfo=dt.timezone(dt.timedelta(hours=2))),
            10_000,
            None,
            id="the day in UTC",
        ),
    ],
)
def test_price_is_the_one_in_effect_at_the_time(at: dt.datetime, rate: int, since: dt.date | None) -> None:
    """o3 fell from 10 to 2 USD on 2025-06-10: a call before that keeps its price when it is priced today."""
    found = price(model="o3", input_tokens=1, output_tokens=0, at=at)
    assert found is not None
    assert (rate, since) == (found.nano_usd, found.since)


def test_says_its_source() -> None:
    """A price names the list, its release and the entry."""
    found = price(input_tokens=1, output_tokens=1)
    assert found is not None
    assert (CostSource.COMPUTED, None) == (found.source, found.since)
    assert found.origin.startswith("genai-prices ") and found.origin.endswith(": openai/gpt-4o")


def test_prices_a_kept_call_like_a_new_one() -> None:
    """Repricing and recording ask in the same way."""
    kept = LlmCall(
        id=UUID(int=1), model="gpt-4o", started_at=AT, recorded_at=AT, input_tokens=5, output_tokens=1
    )
    assert price(input_tokens=5, output_tokens=1) == BOOK.price(kept, AT)


@pytest.mark.parametrize(
    ("rate", "tokens", "expected"),
    [
        pytest.param("0.0005", 1, 0, id="half down to even"),
        pytest.param("0.0005", 3, 2, id="half up to even"),
        pytest.param("0.0001", 6, 1, id="above half"),
        pytest.param("0.0001", 4, 0, id="below half"),
    ],
)
def test_rounds_the_sum_to_even_nano_usd(rate: str, tokens: int, expected: int) -> None:
    """One rounding, at the end."""
    rates = Rates(input=Rate(Decimal(rate)), origin="test")
    found = rates.price(NewCall(model="m", input_tokens=tokens))
    assert found is not None
    assert expected == found.nano_usd


# ---------------------------------------------------------------- the same as the package, for all it lists

TIMES = [dt.datetime(2024, 1, 1, 3, tzinfo=dt.UTC), dt.datetime(2026, 11, 1, 17, 30, tzinfo=dt.UTC)]


@dataclass(frozen=True)
class Listed:
    provider: Provider
    model: ModelInfo


def listed_by_name() -> list[Listed]:
    """Every model of the list that its own id leads to."""
    snapshot = get_snapshot()
    return [
        Listed(provider, model)
        for provider in snapshot.providers
        for model in provider.models
        if provider.find_model(model.id, all_providers=snapshot.providers) is model
    ]


@pytest.mark.parametrize("input_tokens", [20_003, 100_003, 300_003], ids=lambda count: f"{count} tokens")
def test_agrees_with_the_package_on_every_model(input_tokens: int) -> None:
    """Wherever tokens decide the price, it is the package's own to the last nano-USD."""
    counts = {"input_tokens": input_tokens, "output_tokens": 1_701}
    parts = {"cache_read": 12_001, "cache_write": 11}
    usage = Usage(
        **counts, **{f"{kind}_tokens": count for kind, count in parts.items()}, output_reasoning_tokens=701
    )
    call: dict[str, Any] = counts | {f"{kind}_input_tokens": count for kind, count in parts.items()}
    call |= {"reasoning_output_tokens": 701}
    compared = 0
    for listed in listed_by_name():
        for at in TIMES:
            ours = price(provider=listed.provider.id, model=listed.model.id, at=at, **call)
            if ours is None:
                continue
            theirs = listed.model.calc_price(usage, listed.provider, genai_request_timestamp=at).total_price
            expected = (theirs * 1_000_000_000).to_integral_value(ROUND_HALF_EVEN)
            assert (listed.model.id, int(expected)) == (listed.model.id, ours.nano_usd)
            compared += 1
    assert compared > 1000


def test_prices_every_listed_model_that_bills_text_both_ways() -> None:
    """None is for what cannot be known, not for what was overlooked."""
    missed = [
        f"{listed.provider.id}/{listed.model.id}"
        for listed in listed_by_name()
        if bills_text(listed.model)
        and price(provider=listed.provider.id, model=listed.model.id, input_tokens=1, output_tokens=1) is None
    ]
    assert [] == missed


def bills_text(model: ModelInfo) -> bool:
    prices = model.prices if isinstance(model.prices, list) else [ConditionalPrice(prices=model.prices)]
    return all(each.prices.input_mtok is not None and each.prices.output_mtok is not None for each in prices)


def test_never_reaches_for_the_network() -> None:
    """Pricing in a process of its own opens no socket and starts no thread."""
    program = """
import datetime, sys, threading
def refuse(event, args):
    if event.startswith("socket."):
        raise SystemExit(f"pricing reached for the network: {event}")
sys.addaudithook(refuse)
from promptgraph.domain.call import NewCall
from promptgraph.record.prices import PriceBook
at = datetime.datetime(2025, 9, 1, tzinfo=datetime.UTC)
for model in ("gpt-4o", "nobody-lists-this"):
    PriceBook().price(NewCall(model=model, input_tokens=1, output_tokens=1), at)
print(threading.active_count())
"""
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, env=surroundings(), capture_output=True, text=True, check=False)
    assert (0, "1\n", "") == (run.returncode, run.stdout, run.stderr)
