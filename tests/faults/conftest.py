"""How far the fault suite goes, and the line that each scenario ends with."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import pytest

from tests.faults.history import Verdict

LINES = pytest.StashKey[list[str]]()
LONG_FROM = 20
"""`--kills 20` asks for the long form."""
Tell: TypeAlias = Callable[..., None]


class Scale(NamedTuple):
    """How often something dies, and how many calls are acknowledged at least."""

    kills: int
    calls: int


@pytest.fixture
def scale(pytestconfig: pytest.Config) -> Scale:
    kills: int = pytestconfig.option.kills
    return Scale(kills, 10_000 if kills >= LONG_FROM else 100 * kills)


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """A function that puts a line into the summary of the run, of a verdict or of figures alone."""

    def told(what: str, verdict: Verdict | None = None, **figures: object) -> None:
        facts: dict[str, object] = {}
        if verdict is not None:
            facts = {
                "acked": verdict.acked,
                "retries": verdict.retries,
                "interrupted": verdict.interrupted,
                "lost": len(verdict.lost),
                "duplicated": len(verdict.doubled),
                "strange": len(verdict.strange),
                "wrong figures": verdict.drifts,
                "slowest call": f"{verdict.slowest:.2f} s",
            }
        said = ", ".join(f"{name} {value}" for name, value in (figures | facts).items())
        request.config.stash.setdefault(LINES, []).append(f"{what}: {said}")

    return told


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What was told, at the end of the run."""
    if lines := config.stash.get(LINES, []):
        terminalreporter.section("faults")
        for line in lines:
            terminalreporter.write_line(line)
