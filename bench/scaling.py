"""What more workers bring, and what more calls cost."""

from __future__ import annotations

from contextlib import ExitStack

from bench.contestants import HERE, OURS, QUESTIONS, STANDARD, asked_by_graphql, of_ours, ours
from bench.data import Stocked
from bench.load import Load
from bench.reading import Figures, Key, Pace, compare, measure, tried
from bench.writing import BATCHES, recorded

CLIENTS = 8
WORKERS = (1, 2)
Q2 = QUESTIONS[1]
GROWING = tuple(each for each in QUESTIONS if each.name in ("Q3", "Q4", "Q5"))


def with_workers(count: int) -> str:
    return f"{OURS}, {count} worker{'s' if count > 1 else ''}"


def with_calls(count: int) -> str:
    return f"{OURS}, {count:,} calls"


def workers(stock: Stocked, pace: Pace, into: Figures) -> None:
    """One worker and two; they and the load generator may use every core, PostgreSQL keeps its own."""
    asks = {Q2.name: asked_by_graphql(HERE / "queries", noted=STANDARD)[Q2.name]}
    asks[BATCHES.words] = recorded(BATCHES, "LlmCallInput")
    with ExitStack() as stack:
        found = []
        for count in WORKERS:
            urls = stack.enter_context(stock.empty())
            for database in urls:
                for what, ask in asks.items():
                    url = urls[database] if what == BATCHES.words else stock.urls[database]
                    served = stack.enter_context(ours(url, None, count))
                    found.append((count, of_ours(OURS, database, served, {what: ask})))
        servers = [each.served for _, each in found]
        for turn in pace.turns():
            for count, each in found:
                ((what, ask),) = each.asks.items()
                load = Load(each.served.port, ask, CLIENTS, pace.heavy_s, pace.warm_up_s if not turn else 0)
                times = BATCHES.size if what == BATCHES.words else 1
                tried(into, Key(with_workers(count), each.database, what), load, None, servers, times)


def growth(
    few: Stocked, many: Stocked, pace: Pace, cores: tuple[int | None, int | None], into: Figures
) -> None:
    """The same questions about few calls and about many, in turns."""
    asks = asked_by_graphql(HERE / "queries", noted=STANDARD)
    with ExitStack() as stack:
        found = [
            of_ours(with_calls(stock.calls), database, stack.enter_context(ours(url, cores[0])), asks)
            for stock in (few, many)
            for database, url in stock.urls.items()
        ]
        for half in (found[:2], found[2:]):
            compare(half, GROWING)
        measure(found, GROWING, pace, cores[1], into)
