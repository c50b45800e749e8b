"""What a run found: a table for the terminal, JSON, and the page docs/performance.md."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from string import Template
from typing import Any

from bench.goals import COMPARISONS, WORDS, Comparison
from bench.load import BUSY
from bench.reading import Figures, Key, Measured, Pace, fallen_back, figures

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "": "-"}
NOT_MEASURED, NOTHING = "not measured", "-"
UNTOLD = "nobody has looked into it yet."


@dataclass
class Run:
    """Figures, and what they were taken with. `missing`: what was not measured, and why; `failed`: the parts
    that ended early.
    """

    pace: Pace
    calls: int
    quick: bool
    machine: dict[str, str]
    peers: dict[str, str]
    others_work: float
    found: Figures
    compared: int = 0
    missing: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    at: str = field(default_factory=lambda: dt.datetime.now(dt.UTC).isoformat(" ", "minutes")[:16])


def number(value: float) -> str:
    """Three figures, as a person reads them."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004  # figures


def spread(measured: Measured) -> str:
    return f"{number(min(measured.rates))} to {number(max(measured.rates))}"


def ratios(comparison: Comparison, found: Figures) -> list[float]:
    """The ratio of each round in which both were measured."""
    pairs = zip(found[comparison.ours].rates, found[comparison.theirs].rates, strict=False)
    return [mine / theirs for mine, theirs in pairs]


def rows(found: Figures) -> Iterator[tuple[str, ...]]:
    """Number, what, on which database, ours, beside whom, theirs, ratio and its spread, goal, whether met."""
    for each in COMPARISONS:
        ours, theirs = each.ours, each.theirs
        goal = "" if each.goal is None else f"{'<=' if each.most else '>='} {each.goal:g}"
        head = (each.id, ours.what, DATABASES[ours.database])
        if (ratio := each.ratio(found)) is None:
            yield (*head, _rate(found, ours), theirs.name, _rate(found, theirs), NOT_MEASURED, "", goal, "")
            continue
        all_ = ratios(each, found)
        met = {True: "yes", False: "no", None: ""}[each.met(found)]
        turns = f"{number(min(all_))} to {number(max(all_))}"
        yield (*head, _rate(found, ours), theirs.name, _rate(found, theirs), number(ratio), turns, goal, met)


def _rate(found: Figures, key: Key) -> str:
    if key not in found or not found[key].rates:
        return NOTHING
    bound = "*" if found[key].busy > BUSY else ""
    return f"{number(found[key].rate)}{bound}"


HEAD = ("", "what", "on", "ours/s", "beside", "theirs/s", "ratio", "in the rounds", "goal", "met")


def table(found: Figures) -> str:
    """For the terminal: what was measured on one side at least."""
    lines = [HEAD, *(row for row in rows(found) if (row[3], row[5]) != (NOTHING, NOTHING))]
    widths = [max(len(line[place]) for line in lines) for place in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def as_json(run: Run) -> dict[str, Any]:
    """Everything, for whoever compares two runs."""
    found = run.found
    return {
        "at": run.at,
        "quick": run.quick,
        "calls": run.calls,
        "pace": asdict(run.pace),
        "machine": run.machine,
        "peers": run.peers,
        "othersWork": round(run.others_work, 3),
        "answersCompared": run.compared,
        "notMeasured": run.missing,
        "failed": run.failed,
        "fellBack": fallen_back(found),
        "figures": [key._asdict() | asdict(each) for key, each in found.items() if each.rates or each.error],
        "comparisons": [
            {
                "id": each.id,
                "ours": each.ours._asdict(),
                "theirs": each.theirs._asdict(),
                "ratio": each.ratio(found),
                "goal": each.goal,
                "atMost": each.most,
                "met": each.met(found),
            }
            for each in COMPARISONS
        ],
    }


def write_json(run: Run, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(as_json(run), indent=1) + "\n")


def read_json(path: Path) -> Run:
    """The run that `write_json` wrote."""
    data = json.loads(path.read_text())
    found = figures()
    for each in data["figures"]:
        key = Key(*(each.pop(name) for name in Key._fields))
        found[key] = Measured(**each)
    return Run(
        Pace(**data["pace"]),
        data["calls"],
        data["quick"],
        data["machine"],
        data["peers"],
        data["othersWork"],
        found,
        data["answersCompared"],
        data["notMeasured"],
        data["failed"],
        data["at"],
    )


def write_page(run: Run) -> None:
    """docs/performance.md, from the words of bench/performance.md."""
    words = Template((HERE / "performance.md").read_text())
    PAGE.write_text(words.substitute(parts(run)))


def parts(run: Run) -> dict[str, str]:
    """What the page's words leave open."""
    found, pace = run.found, run.pace
    errors = {f"{key.name}, {key.what}": each.error for key, each in found.items() if each.error}
    missing = _listed(run.missing | run.failed | errors) or "Nothing was left out."
    return {
        "at": run.at,
        "calls": f"{run.calls:,}",
        "rounds": str(pace.rounds),
        "light_s": f"{pace.light_s:g}",
        "heavy_s": f"{pace.heavy_s:g}",
        "compared": str(run.compared),
        "others": f"{100 * run.others_work:.0f} %",
        "machine": _listed(run.machine),
        "peers": _listed(run.peers) or "- none",
        "goals": _markdown(HEAD, [row for row in rows(found) if row[0]]),
        "more": _markdown(HEAD[1:-2], [row[1:-2] for row in rows(found) if not row[0]]),
        "rows": "\n".join(f"- **{id_}**: {words}." for id_, words in WORDS.items() if id_),
        "reasons": reasons_of(found),
        "missing": missing,
        "figures": _markdown(FIGURE, list(_figures(found))),
    }


def reasons() -> Mapping[str, str]:
    """Why a goal may be missed, in Markdown, by its number: `bench/reasons.md`."""
    pieces = re.split(r"^## (P\d+)\n", (HERE / "reasons.md").read_text(), flags=re.MULTILINE)
    return dict(zip(pieces[1::2], map(str.strip, pieces[2::2]), strict=True))


def reasons_of(found: Figures) -> str:
    """Why each goal that was missed was missed."""
    missed = dict.fromkeys(each.id for each in COMPARISONS if each.met(found) is False)
    told = reasons()
    return "\n\n".join(f"**{id_}**: {told.get(id_, UNTOLD)}" for id_ in missed) or "None was missed."


FIGURE = ("who", "on", "what", "a second", "in the rounds", "p50 ms", "p99 ms")


def _figures(found: Figures) -> Iterator[tuple[str, ...]]:
    for key, each in sorted(found.items(), key=lambda pair: (pair[0].what, pair[0].database, pair[0].name)):
        if each.rates:
            times = [number(max(ms)) if ms else "-" for ms in (each.p50_ms, each.p99_ms)]
            where = DATABASES[key.database]
            yield (key.name, where, key.what, _rate(found, key), spread(each), *times)


def _listed(facts: dict[str, str]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in facts.items())


def _markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---"] * len(head)
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *lines))
