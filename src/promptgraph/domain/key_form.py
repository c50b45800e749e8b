"""How an API key is written: `pg_<mark>_<public id>_<secret>_<checksum>`; and what is kept of it."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import zlib
from typing import NamedTuple

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
PUBLIC_ID_CHARACTERS, SECRET_CHARACTERS, CHECKSUM_CHARACTERS = 12, 43, 6
"""A secret of 43 characters holds 256 bits, so that a plain hash of it cannot be searched."""
MARK_CHARACTERS = 16
ANY_MARK = "any"

_KEY = re.compile(
    rf"pg_[a-z0-9]{{1,{MARK_CHARACTERS}}}_(?P<public_id>[0-9A-Za-z]{{{PUBLIC_ID_CHARACTERS}}})"
    rf"_(?P<secret>[0-9A-Za-z]{{{SECRET_CHARACTERS}}})_(?P<checksum>[0-9A-Za-z]{{{CHECKSUM_CHARACTERS}}})"
)
_UNMARKED = re.compile("[^a-z0-9]")


class Presented(NamedTuple):
    """A key as it was sent: its public id, and the hash of its secret."""

    public_id: str
    secret_hash: str


class MadeKey(NamedTuple):
    """A new key. `text` is the whole key, which is told once and kept nowhere."""

    text: str
    public_id: str
    secret_hash: str


NO_KEY = Presented("0" * PUBLIC_ID_CHARACTERS, "0" * hashlib.sha256().digest_size * 2)
"""Stands for what is no key: no key has this secret."""


def make_key(environments: frozenset[str] | None = None) -> MadeKey:
    """A key that nobody has. Its mark tells people which environment it is for, if it is for one."""
    public_id, secret = _random(PUBLIC_ID_CHARACTERS), _random(SECRET_CHARACTERS)
    body = f"pg_{_mark(environments)}_{public_id}_{secret}"
    return MadeKey(f"{body}_{checksum(body)}", public_id, hashed(secret))


def presented(text: str) -> Presented:
    """The key that `text` is, NO_KEY where it is none; no database is asked."""
    found = _KEY.fullmatch(text)
    if found is None or not hmac.compare_digest(checksum(text.rpartition("_")[0]), found["checksum"]):
        return NO_KEY
    return Presented(found["public_id"], hashed(found["secret"]))


def checksum(body: str) -> str:
    """What tells a key from what only looks like one: CRC-32 of all before it."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(BASE62))
        digits = BASE62[digit] + digits
    return digits


def hashed(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _mark(environments: frozenset[str] | None) -> str:
    if environments is None or len(environments) != 1:
        return ANY_MARK
    return _UNMARKED.sub("", min(environments).lower())[:MARK_CHARACTERS] or ANY_MARK


def _random(length: int) -> str:
    return "".join(secrets.choice(BASE62) for _ in range(length))
