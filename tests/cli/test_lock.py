"""`promptgraph lock` and `verify`: bundles of what is served."""

from __future__ import annotations

from pathlib import Path

from promptgraph.client.bundle import read_bundle
from promptgraph.client.prompts import Wanted
from tests.cli.conftest import Answer, Command
from tests.client.conftest import TREE
from tests.client.serving import serving
from tests.factories import write_tree

FILE = "prompts.lock.json"


def test_a_bundle_of_the_files_is_a_bundle_of_the_server(here: Path, cli: Command) -> None:
    """Byte for byte, with all that labels and agents lead to."""
    write_tree(here / "prompts", TREE)
    assert "5 versions, 1 agent" in cli("lock").stderr
    with serving(here) as url:
        cli("lock", "of-server.json", "--server", url)
        cli("verify", "--server", url)
    assert (here / FILE).read_bytes() == (here / "of-server.json").read_bytes()
    bundle = read_bundle(here / FILE)
    served = {label: bundle.prompt(Wanted("support/triage", label)) for label in ("production", "staging")}
    assert {"production": 2, "staging": 3} == {label: p and p.version for label, p in served.items()}


def test_one_label_alone_can_be_locked(here: Path, cli: Command) -> None:
    """Other labels lead nowhere in it; the latest versions stay."""
    write_tree(here / "prompts", TREE)
    cli("lock", "--label", "staging")
    bundle = read_bundle(here / FILE)
    assert {"staging"} == {label for each in bundle.prompts for label in each.labels}
    assert 3 == getattr(bundle.prompt(Wanted("support/triage")), "version", None)


def test_what_changed_since_is_told(here: Path, cli: Command, answer: Answer) -> None:
    """In the files and in the registry, each for itself."""
    write_tree(here / "prompts", TREE)
    cli("db", "upgrade")
    cli("sync")
    cli("lock")
    assert [] == answer("verify")["differences"]
    labels = TREE["labels.yaml"].replace("support/triage: 2", "support/triage: 3")
    agent = TREE["agents/bot.agent.yaml"].replace("gold", "silver")
    write_tree(here / "prompts", {"labels.yaml": labels, "agents/bot.agent.yaml": agent})
    (here / "prompts/chat.prompt.yaml").unlink()
    expected = [
        ("bot", "the agent's assignments are others than the bundle's."),
        ("chat", "the latest is nothing; the bundle has version 1."),
        ("support/triage", "label production is version 3; the bundle has version 2."),
    ]
    found = answer("verify", code=1)["differences"]
    assert [("files", *each) for each in expected] == [(d["from"], d["name"], d["sentence"]) for d in found]
    cli("sync")
    assert 6 == len(answer("verify", code=1)["differences"])
    cli("lock")
    assert "is what is served" in cli("verify").stderr


def test_what_cannot_be_locked_is_told(here: Path, cli: Command) -> None:
    """Broken files, no files, no bundle, no server."""
    write_tree(here / "prompts", {"a.prompt.yaml": "version: ["})
    assert "promptgraph check" in cli("lock", code=1).stderr
    assert "no folder" in cli("lock", "--prompts-dir", here / "none", code=2).stderr
    assert "promptgraph lock" in cli("verify", code=2).stderr
    cli("lock", "--server", "http://127.0.0.1:9", code=75)
    assert not (here / FILE).exists()
    write_tree(here / "prompts", {"a.prompt.yaml": TREE["chat.prompt.yaml"]})
    cli("lock")
    assert "nothing to compare with" in cli("verify", "--prompts-dir", here / "none", code=2).stderr
