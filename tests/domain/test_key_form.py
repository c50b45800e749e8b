"""How keys are written, and what is no key."""

from __future__ import annotations

import hashlib
import re

import pytest

from promptgraph.domain.key_form import NO_KEY, checksum, make_key, presented


def test_a_key_is_told_by_its_form() -> None:
    """Mark, public id, secret and checksum, of letters and digits, so that a double click takes all of it."""
    made = make_key()
    assert re.fullmatch(r"pg_any_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}", made.text)
    assert made.text.split("_")[2] == made.public_id
    assert made.text != make_key().text


def test_only_a_hash_of_the_secret_is_kept() -> None:
    """What is kept opens nothing: it is the SHA-256 of the secret."""
    made = make_key()
    secret = made.text.split("_")[3]
    assert hashlib.sha256(secret.encode()).hexdigest() == made.secret_hash
    assert (made.public_id, made.secret_hash) == presented(made.text)


@pytest.mark.parametrize(
    ("environments", "mark"),
    [
        (None, "any"),
        ({"staging"}, "staging"),
        ({"EU-West 1"}, "euwest1"),
        ({"a", "b"}, "any"),
        ({"日本"}, "any"),
        ({"x" * 99}, "x" * 16),
    ],
)
def test_the_mark_names_the_one_environment(environments: set[str] | None, mark: str) -> None:
    """Who finds a key sees where it opens something; the mark itself opens nothing."""
    made = make_key(None if environments is None else frozenset(environments))
    assert f"pg_{mark}_" == made.text[: len(mark) + 4]
    assert presented(made.text) is not NO_KEY


def test_a_misread_character_is_found_offline() -> None:
    """A checksum tells a key from what only looks like one."""
    text = make_key().text
    for place, character in enumerate(text):
        other = "a" if character != "a" else "b"
        assert presented(f"{text[:place]}{other}{text[place + 1 :]}") is NO_KEY


@pytest.mark.parametrize(
    "text",
    ["", "x", "pg_any_", "é" * 72, "\ud800", "pg_any_0000_0_0", "sk-" + "0" * 68, "pg_any\n" + "0" * 60],
    ids=repr,
)
def test_what_is_no_key_is_no_key(text: str) -> None:
    """Whatever was sent: no key, and no exception."""
    assert presented(text) is NO_KEY


def test_nothing_around_a_key_belongs_to_it() -> None:
    """Blanks, line ends and quotes make it another text."""
    text = make_key().text
    assert all(presented(each) is NO_KEY for each in (f" {text}", f"{text}\n", f'"{text}"', text + text))


def test_the_checksum_stays_what_it_is() -> None:
    """Keys that were made once stay keys for ever."""
    body = "pg_any_000000000000_" + "0" * 43
    assert "2Sh7Xp" == checksum(body)
