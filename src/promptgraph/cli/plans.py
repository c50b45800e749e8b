"""What a sync planned and did, as people and programs read it; the same for a database and a server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from promptgraph.cli.output import as_json, counted, say, show, show_table, styled
from promptgraph.cli.problems import problem_json, show_problems
from promptgraph.domain.canonical import JsonObject
from promptgraph.domain.registry import SyncAction, SyncRun, SyncStep
from promptgraph.sync.apply import Outcome

WORDS = {
    SyncAction.ADD: ("add", "ok"),
    SyncAction.UPDATE: ("update", "ok"),
    SyncAction.MOVE_LABEL: ("move", "ok"),
    SyncAction.RETIRE: ("retire", "warn"),
    SyncAction.RESTORE: ("restore", "ok"),
    SyncAction.UNCHANGED: ("unchanged", "faint"),
    SyncAction.CONFLICT: ("conflict", "fail"),
}
"""How a step is called in a plan, and its style."""


@dataclass(frozen=True, slots=True)
class Synced:
    """An outcome with what was asked for."""

    folder: Path
    source: str
    dry_run: bool
    outcome: Outcome


def synced_json(synced: Synced) -> JsonObject:
    """The stable shape of `sync --json`."""
    outcome = synced.outcome
    error = outcome.error
    return {
        "source": synced.source,
        "dryRun": synced.dry_run,
        "applied": outcome.run is not None,
        "steps": [as_json(step) for step in outcome.steps],
        "problems": [problem_json(problem) for problem in outcome.problems],
        "run": None if outcome.run is None else run_json(outcome.run),
        "error": None if error is None else {"code": error.code, "message": str(error)},
    }


def run_json(run: SyncRun) -> JsonObject:
    """The stable shape of an applied sync."""
    return {
        "source": run.origin.source,
        "commitSha": run.origin.commit_sha,
        "startedAt": as_json(run.started_at),
        "finishedAt": as_json(run.finished_at),
        **{name: getattr(run, name) for name in ("added", "moved", "retired", "unchanged")},
    }


def show_synced(synced: Synced) -> None:
    """Problems, then every step that changes something, then one line that counts; a refusal on stderr."""
    outcome = synced.outcome
    show_problems(outcome.problems, synced.folder)
    changes = [step for step in outcome.steps if step.action is not SyncAction.UNCHANGED]
    if changes:
        show_table(("", "what", "version", "impact", ""), [_row(step, synced.folder) for step in changes])
    if outcome.error is None:
        show(_summary(synced), "ok")
    elif any(step.action is SyncAction.CONFLICT for step in changes):
        say("error: Refused; nothing was changed.", "error")
    else:
        say(f"error: {outcome.error}", "error")


def _row(step: SyncStep, folder: Path) -> list[str | Text | int | None]:
    word, style = WORDS[step.action]
    refused = step.action is SyncAction.CONFLICT and step.path
    what = str(folder / str(step.path)) if refused else f"{step.kind} {step.name}"
    impact = step.impact.value.lower() if step.impact else None
    return [styled(word, style), what, step.version, impact, step.sentence]


def _summary(synced: Synced) -> str:
    verb = "Would change" if synced.dry_run else "Synced"
    return f"{verb}: {_counts(synced.outcome.steps)}."


def _counts(steps: Sequence[SyncStep]) -> str:
    counts = Counter(step.action for step in steps)
    changed = [f"{counts[action]} {word}" for action, (word, _) in WORDS.items() if counts[action]]
    return ", ".join(changed) or counted(0, "step")
