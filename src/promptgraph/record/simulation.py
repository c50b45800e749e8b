"""A month of invented calls, recorded as any others are: by the recorder, and marked as invented."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from promptgraph.domain.asking import MAX_PAGE, PageArgs
from promptgraph.domain.call import RecordStatus
from promptgraph.domain.errors import StoreUnavailableError
from promptgraph.domain.prompt import Prompt
from promptgraph.record.invention import Invented, Part, Version, invented_day
from promptgraph.record.recorder import Recorder
from promptgraph.store.agents import agents_by_prompt
from promptgraph.store.bulk import within
from promptgraph.store.calls import calls_by_id
from promptgraph.store.database import Database, Session
from promptgraph.store.export import stored_versions
from promptgraph.store.ledger import clock
from promptgraph.store.paging import PageKey
from promptgraph.store.scores import put_scores

DAYS = 30
BATCH = 500
PARTS = 40
NO_AGENT = "playground"
"""Who calls a prompt that no agent is assigned to."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """What came of it: calls that are new, and those that an earlier simulation left."""

    new: int = 0
    known: int = 0


async def simulate(db: Database, recorder: Recorder, now: dt.datetime, days: int = DAYS) -> Simulated:
    """Record invented calls of the last days, up to now, for the prompts of the registry. Again, it adds what
    lies between the last time and now.

    cost    a ms per call
    raises  StoreUnavailableError  out of reach; what was recorded stays
    """
    async with db.read() as session:
        parts = await cast_of(session)
    if not parts:
        return Simulated()
    today = now.astimezone(dt.UTC).date()
    dates = [today - dt.timedelta(days=ago) for ago in range(days, -1, -1)]
    calls = [one for day in dates for one in invented_day(parts, day) if one.started_at <= now]
    new = 0
    for start in range(0, len(calls), BATCH):
        new += await _recorded(db, recorder, calls[start : start + BATCH])
    return Simulated(new, len(calls) - new)


async def cast_of(session: Session) -> list[Part]:
    """The prompts that are called, those with the most versions and agents first.

    cost  two statements
    """
    families: defaultdict[str, list[Prompt]] = defaultdict(list)
    for prompt in await stored_versions(session):
        families[prompt.name].append(prompt)
    last = {name: versions[-2:] for name, versions in families.items()}
    ids = [prompt.id for versions in last.values() for prompt in versions]
    pages = await agents_by_prompt(session, [PageKey(id_, PageArgs(MAX_PAGE)) for id_ in ids])
    users = dict(zip(ids, ([agent.name for agent in page.items] for page in pages), strict=True))
    parts = [
        Part(
            tuple(Version(prompt.global_id, prompt.model) for prompt in versions),
            tuple(sorted({name for prompt in versions for name in users[prompt.id]})) or (NO_AGENT,),
        )
        for versions in last.values()
    ]
    parts.sort(key=lambda part: (len(part.versions), part.agents != (NO_AGENT,)), reverse=True)
    return parts[:PARTS]


async def _recorded(db: Database, recorder: Recorder, calls: Sequence[Invented]) -> int:
    async with db.read() as session:
        stored = await calls_by_id(session, [one.call_id for one in calls])
    fresh = [one for one, known in zip(calls, stored, strict=True) if known is None]
    results = await recorder.record([one.call for one in fresh])
    for result in results:
        if isinstance(result.error, StoreUnavailableError):
            raise result.error
    new = {result.call_id for result in results if result.status == RecordStatus.RECORDED}
    scores = [one.score for one in fresh if one.score is not None and one.call_id in new]
    if scores:
        async with db.write() as session:
            await put_scores(session, scores, await within(session, clock))
    return len(new)
