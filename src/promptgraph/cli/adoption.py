"""What a database of old holds and what became of it, as people and programs read it."""

from __future__ import annotations

from promptgraph.cli.output import as_json, say, show, show_table
from promptgraph.domain.canonical import JsonObject
from promptgraph.store.legacy import Adoption, Inspection

BECAME = {
    "prompts": "versions of prompts",
    "agents": "agents",
    "llm_calls": "calls of old",
    "linked": "calls of old with a prompt",
    "call_scores": "scores of old",
    "legacy_orphans": "rows and values without a place (legacy_orphans)",
}
"""What the counts after an adoption are of."""


def inspection_json(found: Inspection) -> JsonObject:
    """The stable shape of `legacy inspect --json`."""
    return {
        "revision": found.revision,
        "adopted": found.adopted,
        "rows": dict(found.rows),
        "problems": list(found.problems),
        "counts": dict(found.counts),
        "unknownStatuses": dict(found.unknown_statuses),
        "orphans": [as_json(one) for one in found.orphans],
        "notes": list(found.notes),
    }


def adoption_json(done: Adoption, figured: int) -> JsonObject:
    """The stable shape of `legacy adopt --json`. `figured` are the calls that the metrics count."""
    return {
        "revision": done.revision,
        "before": inspection_json(done.before),
        "rows": dict(done.rows),
        "figured": figured,
        "notes": [{"subject": n.subject, "legacyId": n.legacy_id, "note": n.note} for n in done.notes],
    }


def show_inspection(found: Inspection) -> None:
    """Tables and rows, then what would become of them or why nothing can."""
    if found.adopted:
        show(f"There is nothing of old to adopt here: the database is at {found.revision}.", "ok")
        show_table(("", "rows"), [(BECAME[name], count) for name, count in found.rows.items()])
        for note in found.notes:
            show(note, "warn")
        return
    if found.rows:
        show_table(("table", "rows"), list(found.rows.items()))
    for problem in found.problems:
        show(problem, "fail")
    for note in found.notes:
        show(note)
    if found.problems:
        say("error: This database cannot be adopted as it is; nothing was changed.", "error")
    else:
        say("Next: promptgraph legacy adopt")


def show_adoption(done: Adoption, figured: int) -> None:
    """Counts before and after, then every sentence of the report."""
    show_table(("table", "rows"), list(done.before.rows.items()))
    show_table(("became", "rows"), [(BECAME[name], count) for name, count in done.rows.items()])
    for note in done.notes:
        id_ = "" if note.legacy_id is None else f" {note.legacy_id}"
        show(f"{note.subject}{id_}: {note.note}")
    show(f"Adopted; every count comes out right, and the metrics count {figured} calls.", "ok")
