"""Bundles on the command line: made from the files or a server, compared with the files and the registry."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from promptgraph.cli.checking import existing
from promptgraph.cli.registry import registry
from promptgraph.cli.surface import run
from promptgraph.client.address import Server
from promptgraph.client.agents import Assigned
from promptgraph.client.bundle import Bundle, bundle_text
from promptgraph.client.bundling import Difference, Facts, Gathered, bundled, differences, facts_of
from promptgraph.client.http import Shell
from promptgraph.client.patience import Patience
from promptgraph.client.prompts import Prompt
from promptgraph.config import Settings
from promptgraph.domain.errors import InvalidInputError, PromptFilesError
from promptgraph.domain.inventory import Inventory
from promptgraph.domain.names import checked_label
from promptgraph.domain.prompt import prompt_global_id
from promptgraph.domain.registry import Assignment
from promptgraph.domain.tree import PromptSpec, Tree
from promptgraph.files.tree import read_tree

FILES, REGISTRY = "files", "registry"


def made(settings: Settings, labels: Collection[str]) -> Bundle:
    """A bundle of what these labels serve, of all if none is named: by the server, where one is set, else by
    the files.

    raises  PromptFilesError       the files are wrong
            StoreUnavailableError  the server is away
    """
    for label in labels:
        checked_label(label)
    if settings.server:
        return _of_server(settings, labels)
    tree = read_tree(existing(settings.prompts_dir))
    if tree.errors:
        raise PromptFilesError(f"The files are wrong: {tree.errors[0]} Run: promptgraph check")
    return _of_tree(tree, labels)


def _of_server(settings: Settings, labels: Collection[str]) -> Bundle:
    key = settings.api_key.get_secret_value() if settings.api_key else None
    shell = Shell(Server.at(settings.server or "", key))
    try:
        return shell.run(bundled(labels, Patience()))
    finally:
        shell.close()


def _of_tree(tree: Tree, labels: Collection[str]) -> Bundle:
    gathered = Gathered(labels)
    specs = {(spec.name, spec.version): spec for spec in tree.prompts}
    for spec in tree.newest().values():
        gathered.add(_prompt(spec), latest=True)
    for each in tree.labels:
        if (found := specs.get((each.name, each.version))) is not None:
            gathered.add(_prompt(found), each.label)
    for agent in tree.agents:
        gathered.agents[agent.name] = tuple(
            Assigned(a.role, str(a.selector), a.when) for a in agent.assignments
        )
        for assignment in agent.assignments:
            name, version = assignment.selector.name, assignment.selector.version
            if version is not None and (pinned := specs.get((name, version))) is not None:
                gathered.add(_prompt(pinned))
    return gathered.bundle()


def _prompt(spec: PromptSpec) -> Prompt:
    id_ = prompt_global_id(spec.name, spec.version)
    return Prompt(id_, spec.name, spec.version, spec.digest, spec.content)


def write(bundle: Bundle, file: Path) -> None:
    """The file is there when it is whole."""
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(bundle_text(bundle), encoding="utf-8")
    beside.replace(file)


def compared(settings: Settings, bundle: Bundle) -> Iterator[tuple[str, list[Difference]]]:
    """The differences from the files, where there is a folder of them, and from the registry, where there is
    one.

    raises  InvalidInputError      there is neither
            StoreUnavailableError  the server that is set is away
    """
    sources = 0
    if settings.prompts_dir.is_dir():
        sources += 1
        yield FILES, differences(bundle, facts_of(_of_tree(read_tree(settings.prompts_dir), ())))
    if (facts := _of_registry(settings)) is not None:
        sources += 1
        yield REGISTRY, differences(bundle, facts)
    if not sources:
        raise InvalidInputError(
            "There is nothing to compare with: name a folder with --prompts-dir, or a server with --server.",
            field="prompts_dir",
        )


def _of_registry(settings: Settings) -> Facts | None:
    if settings.server:
        return facts_of(_of_server(settings, ()))
    found = run(registry(settings))
    return None if found.stored is None else _of_inventory(found.stored)


def _of_inventory(stored: Inventory) -> Facts:
    live = {family.name: family for family in stored.families.values() if family.retired_at is None}
    agents: dict[str, list[Assignment]] = {}
    for each in stored.assignments:
        agents.setdefault(each.agent_name, []).append(each)
    return Facts(
        {key: label.version for key, label in stored.labels.items()},
        {name: family.latest_version for name, family in live.items()},
        {key: version.content_hash for key, version in stored.versions.items()},
        {name: tuple(map(_assigned, sorted(all_, key=_place))) for name, all_ in agents.items()},
    )


def _place(assignment: Assignment) -> tuple[str, int]:
    return assignment.role, assignment.position


def _assigned(assignment: Assignment) -> Assigned:
    return Assigned(assignment.role, assignment.selector, assignment.when)
