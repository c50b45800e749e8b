"""Registries by chance, with all that one may hold, and changes to them; the same for the same seed."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from random import Random

from promptgraph.domain.prompt import Message, MessageRole, PromptContent
from promptgraph.store import registry
from promptgraph.store.database import Session
from tests.store.stock import NOW, Stocked, stock, stock_version, use

NAMES = (
    "a",
    "a-b",
    "a/b",
    "a0",
    "ab",
    "b",
    "b.c",
    "support/triage",
    "support/x",
    "Z",
    "zß",
    "é",
    "日本",
    "😀",
    "zz",
)
WORDS = ("Route", "ROUTE", "straße", "Straße", "Kelvin \u212a", "50 % off", "a_b", "a/b", "", "ǅ", "x" * 80)
TAGS = ("support", "Support", "é", "a b", "50%", "_")
LABELS = ("production", "staging", "a", "b-1", "z_")
AGENTS = ("bot", "Bot", "bot-2", "é", "agent/x", "zz", "0")
ROLES = ("main", "triage", "a", "z")


@dataclass
class Chance:
    """What was made so far: families by name, their versions, agents; `random` decides what comes next."""

    random: Random
    families: dict[str, Stocked] = field(default_factory=dict)
    drafts: set[int] = field(default_factory=set)
    agents: dict[str, int] = field(default_factory=dict)
    minutes: int = 0

    def some(self, among: tuple[str, ...], most: int) -> list[str]:
        return self.random.sample(among, self.random.randint(0, min(most, len(among))))

    def at(self) -> dt.datetime:
        """Now and then the same instant as before."""
        self.minutes += self.random.choice((0, 0, 1))
        return NOW + dt.timedelta(minutes=self.minutes, microseconds=self.minutes)

    def content(self) -> PromptContent:
        text = f"{self.random.random()} {self.random.choice(WORDS)}"
        return PromptContent(messages=(Message(MessageRole.USER, text),), config={"b": 1, "a": [text, None]})

    def prompt(self) -> int | None:
        """Any version's id, or none."""
        family = self.random.choice([*self.families.values()]) if self.families else None
        return self.random.choice([None, *family.prompts.values()]) if family else None


async def filled(session: Session, seed: int) -> Chance:
    """A registry."""
    chance = Chance(Random(seed))  # noqa: S311  # repeatable, not secret
    for name in ("b", *(name for name in chance.some(NAMES, 12) if name != "b")):
        await new_family(session, chance, name)
    await agent(session, chance)
    for _ in range(chance.random.randint(0, 30)):
        await changed(session, chance)
    await registry.advance_revision(session)
    return chance


async def changed(session: Session, chance: Chance) -> None:
    """One change, of any kind."""
    await chance.random.choice(CHANGES)(session, chance)


async def new_family(session: Session, chance: Chance, name: str) -> None:
    versions = sorted(chance.random.sample(range(1, 9), chance.random.randint(1, 4)))
    chance.families[name] = await stock(
        session,
        name,
        versions,
        tags=chance.some(TAGS, 3),
        description=chance.random.choice((None, *WORDS)),
        former_names=chance.some((*NAMES, "old", "older"), 2),
        at=chance.at(),
    )


async def new_version(session: Session, chance: Chance) -> None:
    name = chance.random.choice([*chance.families, "late"])
    if name not in chance.families:
        await new_family(session, chance, name)
    family = chance.families[name]
    version, draft = max(family.prompts) + chance.random.randint(1, 3), chance.random.random() < 0.4
    content, at = chance.content(), chance.at()
    id_ = await stock_version(session, family.id, name, version, content=content, draft=draft, at=at)
    chance.families[name] = Stocked(family.id, {**family.prompts, version: id_})
    if draft:
        chance.drafts.add(id_)
    if chance.random.random() < 0.8:
        await registry.set_latest_version(session, family.id, version)


async def other_draft(session: Session, chance: Chance) -> None:
    for id_ in sorted(chance.drafts)[:1]:
        content = chance.content()
        await registry.replace_draft(
            session, id_, content=content, digest=content.digest(), partials=("p",), source=None
        )


async def firm(session: Session, chance: Chance) -> None:
    for id_ in sorted(chance.drafts)[:1]:
        await registry.make_firm(session, id_)
        chance.drafts.discard(id_)


async def label(session: Session, chance: Chance) -> None:
    for family in chance.random.sample([*chance.families.values()], min(3, len(chance.families))):
        await registry.put_label(
            session,
            family_id=family.id,
            label=chance.random.choice(LABELS),
            prompt_id=chance.random.choice([*family.prompts.values()]),
            managed_by_file=chance.random.random() < 0.5,
            overridden=False,
            file_version=None,
            at=chance.at(),
        )


async def fewer_labels(session: Session, chance: Chance) -> None:
    pointers = [*(await registry.inventory(session)).labels.values()]
    for pointer in chance.random.sample(pointers, min(1, len(pointers))):
        await registry.drop_label(session, pointer.id)


async def retire(session: Session, chance: Chance) -> None:
    for family in [*chance.families.values()][:1]:
        await registry.retire_family(session, family.id, at=chance.at())


async def facts(session: Session, chance: Chance) -> None:
    """Another name, now and then one that was somebody else's, and back to life."""
    for name in chance.random.sample([*chance.families], min(2, len(chance.families))):
        free = [each for each in (*NAMES, "new") if each not in chance.families]
        now = chance.random.choice([name, *free[:1]])
        family = chance.families.pop(name)
        chance.families[now] = family
        await registry.change_family(
            session,
            family.id,
            name=now,
            former_names=[*chance.some(NAMES, 1), name],
            description=chance.random.choice(WORDS),
            tags=chance.some(TAGS, 4),
            metadata={"owner": now, "n": [1, 2.5, None]},
            latest_version=chance.random.choice([*family.prompts]),
        )


async def agent(session: Session, chance: Chance) -> None:
    """One with assignments, of which some resolve to nothing, and two to the same."""
    name = chance.random.choice(AGENTS)
    declared, at = chance.random.random() < 0.5, chance.at()
    chance.agents[name] = await registry.put_agent(
        session, name=name, description=None, declared=declared, source=None, at=at
    )
    rows = {
        (role, selector): use(role, selector, chance.prompt(), position=chance.random.randint(0, 2))
        for role in chance.some(ROLES, 3)
        for selector in chance.some(("x@production", "x@2", "y"), 3)
    }
    await registry.put_assignments(session, chance.agents[name], [*rows.values()], managed_by_file=declared)


CHANGES = (new_version, other_draft, firm, label, label, fewer_labels, retire, facts, agent, agent)
