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
from promptgraph.domain.tree import FileProblem, Place
from promptgraph.sync.apply import Outcome

WORDS = {
    SyncAction.ADD: ("add", "added", "ok"),
    SyncAction.UPDATE: ("update", "updated", "ok"),
    SyncAction.MOVE_LABEL: ("move", "moved", "ok"),
    SyncAction.RETIRE: ("retire", "retired", "warn"),
    SyncAction.RESTORE: ("restore", "restored", "ok"),
    SyncAction.UNCHANGED: ("unchanged", "unchanged", "faint"),
    SyncAction.CONFLICT: ("conflict", "refused", "fail"),
}
"""How a step is called in a plan, how it is counted, and its style."""

QUIET = (SyncAction.UNCHANGED, SyncAction.CONFLICT)
"""What the table of changes leaves out."""


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
    """Problems and conflicts by file; then every step that changes something and a line that counts, or on
    stderr what refuses the sync as a whole.
    """
    outcome = synced.outcome
    conflicts = [_conflict(step) for step in outcome.steps if step.action is SyncAction.CONFLICT]
    show_problems([*outcome.problems, *conflicts], synced.folder)
    if outcome.error is not None:
        say("error: Refused; nothing was changed." if conflicts else f"error: {outcome.error}", "error")
        return
    changes = [step for step in outcome.steps if step.action not in QUIET]
    if changes:
        show_table(("", "what", "version", "impact", ""), [_row(step) for step in changes])
    show(_summary(synced), "ok")


def _row(step: SyncStep) -> list[str | Text | int | None]:
    impact = step.impact.value.lower() if step.impact else None
    word, _, style = WORDS[step.action]
    return [styled(word, style), f"{step.kind} {step.name}", step.version, impact, step.sentence]


def _conflict(step: SyncStep) -> FileProblem:
    """A conflict as a problem of its file, the command that mends it on a line of its own."""
    sentence, run, command = step.sentence.partition("run: ")
    message = sentence if step.path else f"{step.kind} {step.name}: {sentence}"
    return FileProblem(Place(step.path or "."), message.strip(), f"{run}{command}" or None)


def _summary(synced: Synced) -> str:
    verb = "A sync would come to" if synced.dry_run else "Synced"
    return f"{verb}: {_counts(synced.outcome.steps)}."


def _counts(steps: Sequence[SyncStep]) -> str:
    counts = Counter(step.action for step in steps)
    changed = [f"{counts[action]} {word}" for action, (_, word, _) in WORDS.items() if counts[action]]
    return ", ".join(changed) or counted(0, "step")
