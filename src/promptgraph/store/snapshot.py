"""The registry at one revision, in memory. Its methods answer what the store's queries answer for the loaders
of the same names; nothing waits, and nobody changes what they give.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from operator import attrgetter
from typing import NamedTuple, TypeVar

from promptgraph.domain.asking import Direction, Page, PageArgs, PromptFilter, PromptOrder, PromptOrderField
from promptgraph.domain.prompt import Prompt, PromptFamily
from promptgraph.domain.registry import Agent, Assignment, PromptLabel
from promptgraph.store.agents import AGENTS_ORDER, AssignmentKey
from promptgraph.store.families import FAMILIES_ORDER
from promptgraph.store.filters import Searchable, family_tests
from promptgraph.store.paging import PageKey
from promptgraph.store.prompts import (
    AGENT_PROMPTS_ORDER,
    PROMPTS_ORDERS,
    VERSIONS_ORDER,
    NeighbourKey,
    PromptRef,
)
from promptgraph.store.slices import sliced

K = TypeVar("K")
T = TypeVar("T")

LISTS = 32
"""So many lists of a kind are kept, of filters that choose no names; others are made each time."""
LIVE = PromptFilter()
BY_NAME = PromptOrder()

_numbers = count(1)
_name = attrgetter("name")
_age = attrgetter("created_at", "id")


class RegistryRows(NamedTuple):
    """What a snapshot is made of, as one transaction has read it; each kind by id."""

    revision: int
    families: Sequence[Searchable]
    prompts: Sequence[Prompt]
    labels: Sequence[PromptLabel]
    agents: Sequence[Agent]
    assignments: Sequence[Assignment]


@dataclass(frozen=True, slots=True)
class _Named:
    """A family with what hangs on it: the newest version first; `latest` is None where it is missing."""

    searchable: Searchable
    versions: tuple[Prompt, ...]
    latest: Prompt | None
    labels: tuple[PromptLabel, ...]
    labelled: Mapping[str, Prompt]

    @property
    def family(self) -> PromptFamily:
        return self.searchable.family

    def chosen(self, wanted: PromptFilter) -> tuple[Prompt, ...]:
        """The versions that the filter asks for."""
        if wanted.label is None and wanted.all_versions:
            return self.versions
        found = self.latest if wanted.label is None else self.labelled.get(wanted.label)
        return () if found is None else (found,)


class Snapshot:
    """`tag`: no other snapshot of this process has it. A method raises KeyError for what this one does not
    know, and the database may; None is an answer.
    """

    def __init__(self, rows: RegistryRows) -> None:
        """cost  some milliseconds for a thousand versions"""
        self.revision = rows.revision
        self.tag = f"{rows.revision}.{next(_numbers)}"
        self._names = sorted(_named(rows), key=lambda each: each.family.name)
        self._families = {each.family.id: each for each in self._names}
        self._by_name = _by_name(self._names)
        self._prompts = {prompt.id: prompt for prompt in rows.prompts}
        self._refs = dict(pair for each in self._names for pair in _refs(each))
        self._labels = _grouped((label.prompt_id, label) for each in self._names for label in each.labels)
        self._prompt_lists: dict[tuple[PromptFilter, PromptOrder], Sequence[Prompt]] = {}
        self._family_lists: dict[PromptFilter, Sequence[PromptFamily]] = {}
        self._all_agents = sorted(rows.agents, key=_name)
        self._agents = {agent.id: agent for agent in self._all_agents}
        self._agents_by_name = {agent.name: agent for agent in self._all_agents}
        assignments = sorted(rows.assignments, key=attrgetter("role", "position", "id"))
        self._assignments = _grouped((each.agent_id, each) for each in assignments)
        self._by_key = {AssignmentKey(a.agent_name, a.role, a.selector): a for a in assignments}
        self._relate(assignments)

    def _relate(self, assignments: Iterable[Assignment]) -> None:
        """Who uses what, each once, in the orders of the lists."""
        ids = {(each.agent_id, each.prompt_id) for each in assignments}
        uses = [
            (self._agents[agent], self._prompts[prompt]) for agent, prompt in ids if prompt in self._prompts
        ]
        uses.sort(key=lambda use: (use[0].name, use[1].name, -use[1].version))
        self._prompts_of_agent = _grouped((agent.id, prompt) for agent, prompt in uses)
        self._agents_of_prompt = _grouped((prompt.id, agent) for agent, prompt in uses)
        by_family = dict.fromkeys((prompt.family.id, agent.id) for agent, prompt in uses)
        self._agents_of_family = _grouped((family, self._agents[agent]) for family, agent in by_family)

    # ---------------------------------------------------------------- prompts

    def prompt(self, id_: int) -> Prompt:
        """raises  KeyError  no version has this id"""
        return self._prompts[id_]

    def prompt_by_ref(self, ref: PromptRef) -> Prompt | None:
        """None: the name is known, and has no such label.

        raises  KeyError  no prompt has this name or had it, or there is no such version
        """
        return self._refs.get(ref) or self._by_other_ref(ref)

    def _by_other_ref(self, ref: PromptRef) -> Prompt | None:
        name = self.family_by_name(ref.name).name
        if ref.version is None and ref.label is not None:
            return self._refs.get(PromptRef(name, label=ref.label))
        return self._refs[PromptRef(name, ref.version)]

    def neighbour(self, key: NeighbourKey) -> Prompt | None:
        """raises  KeyError  there is no such version"""
        versions = self._families[key.family_id].versions
        place = bisect_left(versions, -key.version, key=lambda prompt: -prompt.version)
        if place == len(versions) or versions[place].version != key.version:
            raise KeyError(key)
        place -= key.step
        return versions[place] if 0 <= place < len(versions) else None

    def prompts(self, wanted: PromptFilter, order: PromptOrder, page: PageArgs) -> Page[Prompt]:
        """raises  InvalidInputError, TooManyRowsError  as the query"""
        return sliced(self._listed_prompts(wanted, order), PROMPTS_ORDERS[order], page)

    def prompt_count(self, wanted: PromptFilter) -> int:
        """raises  TooManyRowsError  as the query"""
        return len(self._listed_prompts(wanted, BY_NAME))

    def _listed_prompts(self, wanted: PromptFilter, order: PromptOrder) -> Sequence[Prompt]:
        found = self._prompt_lists.get((wanted, order))
        if found is None:
            found = self._ordered(wanted, order)
            if found and _is_plain(wanted) and len(self._prompt_lists) < LISTS:
                self._prompt_lists[wanted, order] = found
        return found

    def _ordered(self, wanted: PromptFilter, order: PromptOrder) -> Sequence[Prompt]:
        down = order.direction is Direction.DESC
        by_name = order.field is PromptOrderField.NAME
        names = reversed(self._names) if by_name and down else iter(self._names)
        found = [prompt for each in self._passing(wanted, names) for prompt in each.chosen(wanted)]
        if not by_name:
            found.sort(key=_age, reverse=down)
        return found

    @staticmethod
    def _passing(wanted: PromptFilter, names: Iterator[_Named]) -> Iterator[_Named]:
        """Those of `names` that the filter lets through."""
        tests = family_tests(wanted)
        return (each for each in names if all(test(each.searchable) for test in tests))

    def prompts_of_family(self, key: PageKey) -> Page[Prompt]:
        """raises  KeyError  no family has this id"""
        return sliced(self._families[key.id].versions, VERSIONS_ORDER, key.page)

    def prompt_count_of_family(self, id_: int) -> int:
        """raises  KeyError  no family has this id"""
        return len(self._families[id_].versions)

    def prompts_of_agent(self, key: PageKey) -> Page[Prompt]:
        """raises  KeyError  no agent has this id"""
        prompts = _held(self._prompts_of_agent, key.id, self._agents)
        return sliced(prompts, AGENT_PROMPTS_ORDER, key.page)

    def prompt_count_of_agent(self, id_: int) -> int:
        """raises  KeyError  no agent has this id"""
        return len(_held(self._prompts_of_agent, id_, self._agents))

    # ---------------------------------------------------------------- families and labels

    def family(self, id_: int) -> PromptFamily:
        """raises  KeyError  no family has this id"""
        return self._families[id_].family

    def family_by_name(self, name: str) -> PromptFamily:
        """raises  KeyError  no family has this name or had it"""
        return self._by_name[name]

    def families(self, wanted: PromptFilter, page: PageArgs) -> Page[PromptFamily]:
        """raises  InvalidInputError, TooManyRowsError  as the query"""
        return sliced(self._listed_families(wanted), FAMILIES_ORDER, page)

    def family_count(self, wanted: PromptFilter) -> int:
        """raises  TooManyRowsError  as the query"""
        return len(self._listed_families(wanted))

    def live_count(self) -> int:
        """How many names are live."""
        return self.family_count(LIVE)

    def _listed_families(self, wanted: PromptFilter) -> Sequence[PromptFamily]:
        found = self._family_lists.get(wanted)
        if found is None:
            named = self._passing(wanted, iter(self._names))
            found = [each.family for each in named if wanted.label is None or wanted.label in each.labelled]
            if found and _is_plain(wanted) and len(self._family_lists) < LISTS:
                self._family_lists[wanted] = found
        return found

    def labels_of_family(self, id_: int) -> list[PromptLabel]:
        """raises  KeyError  no family has this id"""
        return list(self._families[id_].labels)

    def labels_of_prompt(self, id_: int) -> list[PromptLabel]:
        """raises  KeyError  no version has this id"""
        return list(_held(self._labels, id_, self._prompts))

    # ---------------------------------------------------------------- agents

    def agent(self, id_: int) -> Agent:
        """raises  KeyError  no agent has this id"""
        return self._agents[id_]

    def agent_by_name(self, name: str) -> Agent:
        """raises  KeyError  no agent has this name"""
        return self._agents_by_name[name]

    def agents(self, page: PageArgs) -> Page[Agent]:
        """raises  InvalidInputError  as the query"""
        return sliced(self._all_agents, AGENTS_ORDER, page)

    def agent_count(self) -> int:
        """How many agents there are."""
        return len(self._all_agents)

    def agents_of_prompt(self, key: PageKey) -> Page[Agent]:
        """raises  KeyError  no version has this id"""
        return sliced(_held(self._agents_of_prompt, key.id, self._prompts), AGENTS_ORDER, key.page)

    def agent_count_of_prompt(self, id_: int) -> int:
        """raises  KeyError  no version has this id"""
        return len(_held(self._agents_of_prompt, id_, self._prompts))

    def agents_of_family(self, key: PageKey) -> Page[Agent]:
        """raises  KeyError  no family has this id"""
        return sliced(_held(self._agents_of_family, key.id, self._families), AGENTS_ORDER, key.page)

    def agent_count_of_family(self, id_: int) -> int:
        """raises  KeyError  no family has this id"""
        return len(_held(self._agents_of_family, id_, self._families))

    def assignment_by_key(self, key: AssignmentKey) -> Assignment:
        """raises  KeyError  there is no such assignment"""
        return self._by_key[key]

    def assignments_of_agent(self, id_: int) -> list[Assignment]:
        """raises  KeyError  no agent has this id"""
        return list(_held(self._assignments, id_, self._agents))


def _named(rows: RegistryRows) -> Iterator[_Named]:
    newest_first = sorted(rows.prompts, key=attrgetter("version"), reverse=True)
    versions = _grouped((prompt.family.id, prompt) for prompt in newest_first)
    labels = _grouped((label.family_id, label) for label in sorted(rows.labels, key=attrgetter("label")))
    for searchable in rows.families:
        family = searchable.family
        mine, pointers = tuple(versions.get(family.id, ())), tuple(labels.get(family.id, ()))
        by_id = {prompt.id: prompt for prompt in mine}
        yield _Named(
            searchable,
            mine,
            next((prompt for prompt in mine if prompt.is_latest), None),
            pointers,
            {pointer.label: by_id[pointer.prompt_id] for pointer in pointers if pointer.prompt_id in by_id},
        )


def _by_name(names: Iterable[_Named]) -> dict[str, PromptFamily]:
    """By its name each family; by a former name, where it is nobody's now, the eldest that had it."""
    families = sorted((each.family for each in names), key=attrgetter("id"), reverse=True)
    former = {old: family for family in families for old in family.former_names}
    return former | {family.name: family for family in families}


def _refs(named: _Named) -> Iterator[tuple[PromptRef, Prompt]]:
    """By what each version may be asked for."""
    name = named.family.name
    yield from ((PromptRef(name, prompt.version), prompt) for prompt in named.versions)
    yield from ((PromptRef(name, label=label), prompt) for label, prompt in named.labelled.items())
    if named.latest is not None:
        yield PromptRef(name), named.latest


def _grouped(pairs: Iterable[tuple[K, T]]) -> dict[K, list[T]]:
    """What belongs to each parent, in the order of `pairs`."""
    found: defaultdict[K, list[T]] = defaultdict(list)
    for parent, value in pairs:
        found[parent].append(value)
    return dict(found)


def _held(groups: Mapping[K, Sequence[T]], parent: K, parents: Container[K]) -> Sequence[T]:
    """raises  KeyError  there is no such parent"""
    found = groups.get(parent)
    if found is None and parent not in parents:
        raise KeyError(parent)
    return found or ()


def _is_plain(wanted: PromptFilter) -> bool:
    """Whether all that is asked of a name is whether it is retired, and for its label."""
    return (wanted.name_in, wanted.name_prefix, wanted.tags_all, wanted.search) == (None,) * 4
