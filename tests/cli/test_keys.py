"""`promptgraph keys`."""

from __future__ import annotations

import datetime as dt

import pytest

from promptgraph.domain.key_form import presented
from tests.cli.conftest import Answer, Command

KEY = ("keys", "create", "--name", "ci", "--scope", "read")


@pytest.fixture
def migrated(cli: Command) -> None:
    """A database without a key."""
    cli("db", "upgrade")


@pytest.mark.usefixtures("migrated")
def test_a_key_is_made_and_shown_once(cli: Command, answer: Answer) -> None:
    """The whole key is all that stdout holds; the list knows it by its public id alone."""
    secret = cli(*KEY, "--scope", "RECORD").stdout.strip()
    (listed,) = answer("keys", "list")["keys"]
    assert presented(secret).public_id == listed["publicId"]
    assert ("ci", ["READ", "RECORD"], None) == (listed["name"], listed["scopes"], listed["expiresAt"])
    assert secret not in cli("keys", "list").output
    assert "active" in cli("keys", "list").stdout


@pytest.mark.usefixtures("migrated")
def test_json_has_the_public_id_and_the_secret(answer: Answer) -> None:
    """And all that the key is bound to."""
    bound = ("--agent", "bot", "--environment", "staging", "--name-prefix", "support/", "--expires-in", "90d")
    made = answer(*KEY, *bound)
    assert presented(made["secret"]).public_id == made["publicId"]
    assert (["bot"], ["staging"], "support/") == (made["agents"], made["environments"], made["namePrefix"])
    assert made["secret"].startswith("pg_staging_")
    lasts = dt.datetime.fromisoformat(made["expiresAt"]) - dt.datetime.fromisoformat(made["createdAt"])
    assert dt.timedelta(days=90) == lasts


@pytest.mark.usefixtures("migrated")
def test_a_name_may_be_used_twice(cli: Command, answer: Answer) -> None:
    """So that a new key can take an old one's place before that is taken back."""
    old, new = answer(*KEY), answer(*KEY)
    assert old["publicId"] != new["publicId"]
    assert "is revoked since" in cli("keys", "revoke", old["publicId"]).stdout
    states = {key["publicId"]: key["revokedAt"] is None for key in answer("keys", "list")["keys"]}
    assert {old["publicId"]: False, new["publicId"]: True} == states


@pytest.mark.usefixtures("migrated")
def test_a_key_is_taken_back_for_ever(answer: Answer, cli: Command) -> None:
    """Again changes nothing; one that is not there is said."""
    key = answer(*KEY)["publicId"]
    first = answer("keys", "revoke", key)
    assert first["revokedAt"] is not None
    assert first == answer("keys", "revoke", key)
    assert "There is no key with this public id" in cli("keys", "revoke", "000000000000", code=1).stderr


@pytest.mark.usefixtures("migrated")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--scope", "write"], "'write' is not one of 'read', 'record', 'sync', 'admin'"),
        (["--expires-in", "soon"], "write 90d or 12h"),
        (["--expires-in", "0d"], "from 1h to 3650d"),
        (["--expires-in", "999999d"], "from 1h to 3650d"),
        (["--scope", "admin", "--agent", "bot"], "make another one for admin"),
        (["--agent", ""], "1 to 128 characters"),
        (["--name-prefix", ""], "must not be empty"),
        (["--name", " "], "A key has a name"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_says_what_no_key_can_be(cli: Command, words: list[str], expected: str) -> None:
    """A usage error, and nothing is made."""
    assert expected in cli(*KEY, *words, code=2).stderr
    assert "There are no keys" in cli("keys", "list").stdout


def test_says_what_is_missing(cli: Command) -> None:
    """A name, a scope, the database."""
    assert "--scope" in cli("keys", "create", "--name", "ci", code=2).stderr
    assert "--name" in cli("keys", "create", "--scope", "read", code=2).stderr
    assert "Run: promptgraph db upgrade" in cli(*KEY, code=75).stderr
