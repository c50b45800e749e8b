"""What the rows of old about calls become. Pure, and as frozen as a revision.

A revision reaches it as `op.get_context().opts["legacy_calls"]`.
"""

import datetime as dt
import hashlib
import math
import unicodedata
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, NamedTuple

from alembic.util import CommandError

PAGE, NAMED = 2_000, 20
FIRST = dt.datetime.min.replace(tzinfo=dt.UTC)
LAST = dt.datetime.max.replace(tzinfo=dt.UTC)
NAMESPACE = uuid.UUID("6c1f3f0e-5b0a-5d3c-9a55-1f2f0d6c7a11")
MAX_COUNT, MAX_LATENCY_MS, MAX_SCORE, MAX_WORD = 2_147_483_647, 86_400_000, 1_000_000_000, 200
UNKNOWN_MODEL = "unknown"
SCORE = ("evaluation", "legacy")
OK = ("ok", "success", "successful", "succeeded", "complete", "completed", "done", "finished", "stop", "200")
ERROR = (
    *("error", "errored", "fail", "failed", "failure", "exception", "invalid", "timeout", "timed_out"),
    *("cancelled", "canceled", "aborted", "rejected", "rate_limited", "refused", "content_filter"),
)
STATUS = dict.fromkeys(OK, "OK") | dict.fromkeys(ERROR, "ERROR")

ODD = "with a value that has no place in the new row"
BAD_SCORE = "with a score that is no number from -1000000000 to 1000000000"
NO_CALL = "of a call that is not there"
NO_PROMPT = "of a prompt that is not there"
LATER = "later than the first one of its call"
EARLIER = "earlier than the last one of its call"
NOUNS = {"llm_calls": "Calls", "prompt_usages": "Usages", "prompt_evaluations": "Evaluations"}

Row = dict[str, Any]


class Tally(NamedTuple):
    """What was met: counts by name, statuses that nobody knows, orphans by table and reason, and some ids."""

    counts: Counter[str]
    unknown: Counter[str]
    orphans: Counter[tuple[str, str]]
    named: dict[tuple[str, str], list[int]]

    @classmethod
    def empty(cls) -> "Tally":
        return cls(Counter(), Counter(), Counter(), defaultdict(list))


class Adopted(NamedTuple):
    """The rows that a page of old calls becomes, by table."""

    llm_calls: list[Row]
    call_contents: list[Row]
    call_scores: list[Row]
    legacy_orphans: list[Row]


class Work(NamedTuple):
    """One pass over the rows of old; what they may point at is legacy_rows.Known."""

    known: Any
    texts: dict[str, int]
    tally: Tally
    page: Adopted
    write: Callable[[Adopted], None]

    def count(self, name: str) -> None:
        self.tally.counts[name] += 1

    def orphan(self, table: str, id_: int, reason: str, row: Row) -> None:
        self.page.legacy_orphans.append({"subject": table, "legacy_id": id_, "reason": reason, "row": row})
        self.tally.orphans[table, reason] += 1
        named = self.tally.named[table, reason]
        if len(named) < NAMED:
            named.append(id_)
        if len(self.page.legacy_orphans) >= PAGE:
            self.flush()

    def flush(self) -> None:
        """Have what is there written. A call comes with its output, and before its score."""
        self.write(self.page)
        for rows in self.page:
            rows.clear()


def call_id(old: int) -> uuid.UUID:
    """uuid5 of the id of old; written out, for it is made for every call."""
    digest = hashlib.sha1(NAMESPACE.bytes + str(old).encode(), usedforsecurity=False).digest()
    return uuid.UUID(bytes=digest[:16], version=5)


# ------------------------------------------------------------------ one pass


def adopt(old_rows: Any, known: Any, tally: Tally, write: Callable[[Adopted], None]) -> None:
    """Give `write` what all rows of old become, some thousands at a time: one pass over each of the three
    tables, each sorted by the call, so that no more is in memory.
    """
    work = Work(known, first_of(known.prompts), tally, Adopted([], [], [], []), write)
    usages = Beside(work, "prompt_usages", old_rows.usages)
    scores = Beside(work, "prompt_evaluations", old_rows.evaluations)
    before: int | None = None
    seen = known.first
    for old in old_rows.calls:
        check_id("llm_calls", old["id"], before)
        before = old["id"]
        seen = adopt_call(work, old, usages.of(old["id"]), seen)
        adopt_scores(work, scores.of(old["id"]), seen)
        if len(work.page.llm_calls) >= PAGE:
            work.flush()
    usages.rest()
    scores.rest()
    work.flush()


def check_id(table: str, id_: Any, before: int | None) -> None:
    if not isinstance(id_, int):
        raise CommandError(f"A row of {table} has the id {shown(id_)}, which is no whole number.")
    if id_ == before:
        raise CommandError(f"Two rows of {table} have the id {id_}.")


def shown(value: Any) -> str:
    return "(none)" if value is None else repr(str(value)[:100])


def first_of(prompts: dict[int, str | None]) -> dict[str, int]:
    """The prompt of each text that is not empty; of several the one with the lowest id."""
    return {text: id_ for id_, text in sorted(prompts.items(), reverse=True) if text}


class Beside:
    """Rows of another table, handed out call by call. What belongs to no call goes to the orphans."""

    def __init__(self, work: Work, table: str, sorted_rows: Iterator[Row]) -> None:
        self.work, self.table, self.rows = work, table, sorted_rows
        self.head = next(self.rows, None)

    def of(self, id_: int) -> list[Row]:
        mine = []
        while self.head is not None and self.is_upto(id_):
            if self.head["llm_call_id"] == id_:
                mine.append(self.take())
            else:
                self.lose()
        return mine

    def is_upto(self, id_: int) -> bool:
        call = self.head["llm_call_id"]
        return not isinstance(call, int | float) or call <= id_

    def take(self) -> Row:
        taken, self.head = self.head, next(self.rows, None)
        check_id(self.table, taken["id"], None)
        self.work.count(self.table)
        return taken

    def lose(self) -> None:
        row = self.take()
        self.work.orphan(self.table, row["id"], NO_CALL, plain(row))

    def rest(self) -> None:
        while self.head is not None:
            self.lose()


def plain(row: Row) -> Row:
    """A row that JSON can write."""
    odd = {name: str(v) for name, v in row.items() if isinstance(v, float) and not math.isfinite(v)}
    return row | odd


# ------------------------------------------------------------------ calls


def adopt_call(work: Work, old: Row, usages: list[Row], seen: dt.datetime) -> dt.datetime:
    """Add what a call becomes to the page; when it started."""
    odd: Row = {}
    usage = first_usage(work, usages)
    started = started_at(work, old, usage, seen, odd)
    prompt_id, text = link(work, old["prompt"], usage)
    response = old["response"]
    status, error_type = outcome(work, old["status"])
    id_ = call_id(old["id"])
    work.page.llm_calls.append(
        {
            "id": id_,
            "prompt_id": prompt_id,
            "agent_id": agent(work, old, usage, odd),
            "environment": "default",
            "model": model(work, old, odd),
            "status": status,
            "error_type": error_type,
            "finish_reasons": [],
            "input_tokens": tokens(old, "input_tokens", odd),
            "output_tokens": tokens(old, "output_tokens", odd),
            "latency_us": latency(old, odd),
            "started_at": started,
            "recorded_at": started,
            "content_state": "NONE" if response is None else "FULL",
            "legacy_id": old["id"],
            "legacy_prompt_text": text,
        }
    )
    if response is not None:
        work.page.call_contents.append({"call_id": id_, "output": str(response)})
        work.count("responses")
    work.count("llm_calls")
    if odd:
        work.orphan("llm_calls", old["id"], ODD, plain(odd))
    return started


def first_usage(work: Work, usages: list[Row]) -> Row | None:
    """The earliest usage of a prompt that is there; one without a time comes after all others."""
    if not usages:
        return None
    found: Row | None = None
    for row in sorted(usages, key=lambda row: (when(work, row, LAST), row["id"])):
        if row["prompt_id"] not in work.known.prompts:
            work.orphan("prompt_usages", row["id"], NO_PROMPT, plain(row))
        elif found is None:
            found = row
        else:
            work.orphan("prompt_usages", row["id"], LATER, plain(row))
    return found


def when(work: Work, row: Row, otherwise: dt.datetime) -> dt.datetime:
    return instant(work, row["created_at"]) or otherwise


def instant(work: Work, value: Any) -> dt.datetime | None:
    return work.known.instant(value) if isinstance(value, str) else None


def started_at(work: Work, old: Row, usage: Row | None, seen: dt.datetime, odd: Row) -> dt.datetime:
    """created_at; else updated_at, the time of its usage, the start of the call before it."""
    if at := instant(work, old["created_at"]):
        return at
    work.count("withoutTime")
    odd["created_at"] = old["created_at"]
    used = usage["created_at"] if usage else None
    return instant(work, old["updated_at"]) or instant(work, used) or seen


def link(work: Work, text: Any, usage: Row | None) -> tuple[int | None, str | None]:
    """The prompt of a call, and its text where it has none."""
    text = None if text is None else str(text)
    if usage is not None:
        prompt_id = usage["prompt_id"]
        work.count("linkedByUsage")
        if text is not None and text != work.known.prompts[prompt_id]:
            work.count("renderedTexts")
        return prompt_id, None
    if text in work.texts:
        work.count("linkedByText")
        return work.texts[text], None
    work.count("unlinked" if text else "unlinkedWithoutText")
    return None, text


def agent(work: Work, old: Row, usage: Row | None, odd: Row) -> int | None:
    own, used = old["agent_id"], usage["agent_id"] if usage else None
    if own in work.known.agents:
        return own
    if own is not None:
        odd["agent_id"] = own
        work.count("withoutAgent")
        return None
    return used if used in work.known.agents else None


def model(work: Work, old: Row, odd: Row) -> str:
    given = old["model"]
    kept = line(given)
    if not kept:
        work.count("withoutModel")
    if given is not None and kept != given:
        odd["model"] = given
    return kept or UNKNOWN_MODEL


def line(value: Any) -> str:
    """A text as one line without control characters; empty for none."""
    text = "" if value is None else str(value)
    if not text.isprintable():
        text = "".join(c for c in text if unicodedata.category(c) not in {"Cc", "Cs"})
    return text.strip()[:MAX_WORD]


def outcome(work: Work, value: Any) -> tuple[str, str | None]:
    """Status, and for an error the word of old."""
    status = STATUS.get(str(value).strip().lower())
    if status is None:
        work.tally.unknown["(none)" if value is None else line(value) or "(blank)"] += 1
    return ("OK", None) if status == "OK" else ("ERROR", None if value is None else line(value) or None)


def tokens(old: Row, column: str, odd: Row) -> int | None:
    value = old[column]
    if value is None or (isinstance(value, int) and 0 <= value <= MAX_COUNT):
        return value
    odd[column] = value
    return None


def latency(old: Row, odd: Row) -> int | None:
    """Whole microseconds."""
    if type(old["latency_ms"]) is int and 0 <= old["latency_ms"] <= MAX_LATENCY_MS:
        return old["latency_ms"] * 1000
    value = number(old["latency_ms"])
    if value is not None and 0 <= value <= MAX_LATENCY_MS:
        return int((value * 1000).to_integral_value(ROUND_HALF_EVEN))
    if old["latency_ms"] is not None:
        odd["latency_ms"] = old["latency_ms"]
    return None


def number(value: Any) -> Decimal | None:
    try:
        found = Decimal(str(value)) if value is not None else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


# ------------------------------------------------------------------ scores


def adopt_scores(work: Work, evaluations: list[Row], started: dt.datetime) -> None:
    """The last evaluation of the call just adopted is its score, as if it had been scored again."""
    if not evaluations:
        return
    id_ = work.page.llm_calls[-1]["id"]
    found: Row | None = None
    for row in sorted(evaluations, key=lambda row: (when(work, row, FIRST), row["id"]), reverse=True):
        if row["score"] is not None and not is_score(row["score"]):
            work.orphan("prompt_evaluations", row["id"], BAD_SCORE, plain(row))
        elif found is None:
            found = row
        else:
            work.orphan("prompt_evaluations", row["id"], EARLIER, plain(row))
    if found is not None:
        work.page.call_scores.append(score_row(work, id_, found, started))
        work.count("scores")


def is_score(value: Any) -> bool:
    found = number(value)
    return found is not None and abs(found) <= MAX_SCORE


def score_row(work: Work, id_: uuid.UUID, row: Row, started: dt.datetime) -> Row:
    value, comment = row["score"], row["comment"]
    return {
        "call_id": id_,
        "name": SCORE[0],
        "source": SCORE[1],
        "value": None if value is None else float(value),
        "comment": None if comment is None else str(comment),
        "created_at": instant(work, row["created_at"]) or started,
    }


# ------------------------------------------------------------------ report


def sentences(tally: Tally) -> list[tuple[str, str]]:
    """What is to be told, as (subject, sentence)."""
    told = [("llm_call", f"{words}: {n}.") for name, words in TOLD.items() if (n := tally.counts[name])]
    told += [
        ("llm_call", f"Calls with the status {word}, which is not in the list and became ERROR: {n}.")
        for word, n in tally.unknown.most_common(NAMED)
    ]
    for (table, reason), n in sorted(tally.orphans.items()):
        noun, named = NOUNS[table], tally.named[table, reason]
        more = ", …" if n > len(named) else ""
        ids = f"; ids of old: {', '.join(map(str, named))}{more}" if named else ""
        told.append((table.removesuffix("s"), f"{noun} {reason}: {n}. They are kept in legacy_orphans{ids}."))
    return told


TOLD = {
    "linkedByUsage": "Calls that point at the prompt of their first usage",
    "linkedByText": "Calls without a usage that point at the prompt whose text is theirs",
    "unlinked": "Calls that match no prompt; their text is kept",
    "unlinkedWithoutText": "Calls that have neither a usage nor a text",
    "renderedTexts": "Calls that had another text than their prompt, which is not kept",
    "withoutTime": "Calls without a time; they have that of their last change, their usage, the call before",
    "withoutModel": f"Calls without a model; it is {UNKNOWN_MODEL!r}",
    "withoutAgent": "Calls of an agent that is not there; they have none",
}
