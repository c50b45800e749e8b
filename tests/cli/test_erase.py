"""`promptgraph erase`."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from tests.cli.conftest import Answer, Command
from tests.cli.recorded import new_call, record
from tests.cli.recorded import synced as synced  # noqa: PLC0414  # a fixture

pytestmark = pytest.mark.usefixtures("synced")

PERSON = "Mrs. Elvira Stardust"
IDS = [uuid4() for _ in range(3)]
REASON = ("--reason", "asked by mail")


@pytest.fixture
def recorded(synced: None) -> None:  # noqa: ARG001  # comes before
    """Two calls for one user, in two conversations, and one for another."""
    record(
        *(
            new_call(call_id=id_, user_id=user, conversation_id=talk, variables={"question": PERSON})
            for id_, user, talk in zip(IDS, ("u", "u", "other"), ("a", "b", "b"), strict=True)
        )
    )


def on_disk() -> bool:
    """Whether anything of the person is in the database's files."""
    return any(
        PERSON.encode() in path.read_bytes() for path in Path(".promptgraph").iterdir() if path.is_file()
    )


@pytest.mark.usefixtures("recorded")
def test_says_what_it_would_erase_and_erases_it(answer: Answer, cli: Command) -> None:
    """Without --yes nothing changes; with it nothing is left, and the figures hold still."""
    words = ("erase", "--user", "u", *REASON)
    for _ in range(2):
        assert {"dryRun": True, "erased": 2} == answer(*words)
    assert "add --yes" in cli(*words).stdout
    assert on_disk()  # the control
    assert {"dryRun": False, "erased": 2} == answer(*words, "--yes")
    assert {"dryRun": False, "erased": 1} == answer("erase", "--conversation", "b", *REASON, "--yes")
    assert not on_disk()
    cli("rollup", "verify")
    assert {"calls": 3} == answer("rollup", "rebuild")


@pytest.mark.usefixtures("recorded")
def test_calls_may_be_named_one_by_one(cli: Command, answer: Answer) -> None:
    """One that was never recorded has nothing to erase; once more there is nothing to do."""
    words = (
        "erase",
        *(word for id_ in (*IDS[:2], uuid4()) for word in ("--call", str(id_))),
        *REASON,
        "--yes",
    )
    assert "Erased what 2 calls held." in cli(*words).stdout
    assert 0 == answer(*words)["erased"]


@pytest.mark.parametrize(
    "words",
    [
        ("--user", "u"),
        REASON,
        ("--user", "u", "--conversation", "a", *REASON),
        ("--user", "", *REASON),
        ("--call", "7", *REASON),
        ("--user", "u", "--reason", " "),
    ],
    ids=["no reason", "nobody", "two ways", "no user", "no id", "a blank reason"],
)
def test_nonsense_erases_nothing(cli: Command, words: tuple[str, ...]) -> None:
    """Wrong usage: exit code 2, and something to read."""
    assert cli("erase", *words, "--yes", code=2).stderr
