"""What a call costs: by the operator's own prices, else by the public list of the genai-prices package, else
nobody knows. No price is ever fetched: the list is the one that was installed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache, lru_cache
from typing import Protocol

from genai_prices import __version__ as list_version
from genai_prices.data_snapshot import DataSnapshot, get_snapshot
from genai_prices.types import ConditionalPrice, ModelPrice, Provider, StartDateConstraint, TieredPrices

from promptgraph.domain.call import CostSource

ANY_PROVIDER = "*"


class Priced(Protocol):
    """What the price of a call depends on. NewCall and LlmCall both have it.

    units  input tokens count the cached ones too, output tokens the reasoning ones
    """

    @property
    def provider(self) -> str | None: ...
    @property
    def model(self) -> str: ...
    @property
    def response_model(self) -> str | None: ...
    @property
    def input_tokens(self) -> int | None: ...
    @property
    def output_tokens(self) -> int | None: ...
    @property
    def cache_read_input_tokens(self) -> int | None: ...
    @property
    def cache_write_input_tokens(self) -> int | None: ...
    @property
    def reasoning_output_tokens(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Price:
    """What a call costs. `origin` says by whose price, `since` from when on it holds, if that is known."""

    nano_usd: int
    origin: str
    since: dt.date | None = None
    source: CostSource = CostSource.COMPUTED


@dataclass(frozen=True, slots=True)
class Rate:
    """USD for a million tokens. `tiers`: what it is for a call of more input tokens, the highest first."""

    base: Decimal
    tiers: tuple[tuple[int, Decimal], ...] = ()

    def of(self, input_tokens: int) -> Decimal:
        for start, rate in self.tiers:
            if input_tokens > start:
                return rate
        return self.base


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The prices of one model at one time. No `cache_read`, `cache_write` or `reasoning`: such tokens cost
    what the others of their direction cost.

    units  request  USD for each call, on top of its tokens
    """

    input: Rate | None = None
    output: Rate | None = None
    cache_read: Rate | None = None
    cache_write: Rate | None = None
    reasoning: Rate | None = None
    request: Decimal = Decimal(0)
    origin: str
    since: dt.date | None = None

    def price(self, call: Priced) -> Price | None:
        """None where counts are unknown or contradict each other, or tokens were used that have no price."""
        tier = call.input_tokens or 0
        cached = (
            (call.cache_read_input_tokens or 0, self.cache_read),
            (call.cache_write_input_tokens or 0, self.cache_write),
        )
        reasoned = ((call.reasoning_output_tokens or 0, self.reasoning),)
        sent = _amount(call.input_tokens, self.input, cached, tier)
        received = _amount(call.output_tokens, self.output, reasoned, tier)
        if sent is None or received is None:
            return None
        nano_usd = (sent + received) * 1000 + self.request * 1_000_000_000
        return Price(int(nano_usd.to_integral_value(ROUND_HALF_EVEN)), self.origin, self.since)


def _amount(
    count: int | None, rate: Rate | None, parts: Sequence[tuple[int, Rate | None]], tier: int
) -> Decimal | None:
    """Millionths of a USD for one direction; `count` includes `parts`. None if it cannot be known."""
    counted = sum(part for part, _ in parts)
    if rate is None:
        return None if count or counted else Decimal(0)
    if count is None or counted > count:
        return None
    amount = Decimal(0)
    for part, own in parts:
        if own:
            amount += part * own.of(tier)
            count -= part
    return amount + count * rate.of(tier)


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Prices by model. `own` are the operator's, which go before the public list.

    keys   own  (provider, model) in lower case; ANY_PROVIDER stands for every provider and for none
    """

    own: Mapping[tuple[str, str], Rates] = field(default_factory=dict)

    def price(self, call: Priced, at: dt.datetime) -> Price | None:
        """The price of a call that started at `at`, by the model that answered where that one is known, else
        by the one that was asked for. All tokens are taken for text; searches and other extras are not in it.

        returns  None where nobody knows the price, never 0
        cost     10 µs; the first time a model is seen up to 1 ms
        """
        models = (call.model,) if call.response_model is None else (call.response_model, call.model)
        for find in (self._own_rates, _listed_rates):
            for model in models:
                if rates := find(call.provider, model, at):
                    return rates.price(call)
        return None

    def _own_rates(self, provider: str | None, model: str, _: dt.datetime) -> Rates | None:
        if not self.own:
            return None
        name = model.lower()
        named = self.own.get((provider.lower(), name)) if provider else None
        return named or self.own.get((ANY_PROVIDER, name))


# ---------------------------------------------------------------- the public list

# names of OpenTelemetry's gen_ai.provider.name that the list does not know, or takes for the model's maker
_LISTED_AS = {
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "gcp.gen_ai": "google",
    "x_ai": "x-ai",
}
_Listed = tuple[tuple[ConditionalPrice, Rates | None], ...]


def _listed_rates(provider: str | None, model: str, at: dt.datetime) -> Rates | None:
    """The rates in effect at `at`: the last of those that apply, else the first."""
    listed = _listed(provider, model)
    for condition, rates in reversed(listed):
        if condition.constraint is None or condition.constraint.active(at):
            return rates
    return listed[0][1] if listed else None


@lru_cache(maxsize=4096)
def _listed(provider: str | None, model: str) -> _Listed:
    """All the list says of a model, () for nothing. The provider is inferred where none is given."""
    name = provider and _LISTED_AS.get(provider.lower(), provider)
    # the package's own snapshot remembers every name it was asked for: this one is gone at once
    snapshot = DataSnapshot(providers=_providers(), from_auto_update=False)
    try:
        maker, found = snapshot.find_provider_model(model, None, name, None)
    except LookupError:
        return ()
    prices = found.prices if isinstance(found.prices, list) else [ConditionalPrice(prices=found.prices)]
    origin = f"genai-prices {list_version}: {maker.id}/{found.id}"
    return tuple((condition, _rates(condition, origin)) for condition in prices)


@cache
def _providers() -> list[Provider]:
    """The list as it was installed, read when the first price is asked for."""
    return get_snapshot().providers


def _rates(condition: ConditionalPrice, origin: str) -> Rates | None:
    """None where the list has no price for tokens: an empty entry, or one by pages or hours."""
    prices = condition.prices
    if prices.input_mtok is None and prices.output_mtok is None:
        return None
    start = condition.constraint
    return Rates(
        input=_rate(prices, "input_mtok"),
        output=_rate(prices, "output_mtok"),
        cache_read=_rate(prices, "cache_read_mtok"),
        cache_write=_rate(prices, "cache_write_mtok"),
        reasoning=_rate(prices, "output_reasoning_mtok"),
        request=_base(prices.requests_kcount) / 1000,
        origin=origin,
        since=start.start_date if isinstance(start, StartDateConstraint) else None,
    )


def _rate(prices: ModelPrice, key: str) -> Rate | None:
    value: Decimal | TieredPrices | None = getattr(prices, key)
    if isinstance(value, TieredPrices):
        tiers = sorted(((tier.start, tier.price) for tier in value.tiers), reverse=True)
        return Rate(value.base, tuple(tiers))
    return None if value is None else Rate(value)


def _base(value: Decimal | TieredPrices | None) -> Decimal:
    return value.base if isinstance(value, TieredPrices) else value or Decimal(0)
