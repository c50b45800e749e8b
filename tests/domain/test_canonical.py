"""One canonical form of JSON, and the hashes made from it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptgraph.domain.canonical import HASH_SCHEME, Json, canonical_json, content_hash
from promptgraph.domain.errors import InvalidInputError

FORMS: dict[str, tuple[Json, bytes]] = {
    "sorted keys": ({"b": 1, "a": [True, None]}, b'{"a":[true,null],"b":1}'),
    "keys by UTF-16": ({"\ufb33": 1, "\U0001f600": 2}, '{"\U0001f600":2,"\ufb33":1}'.encode()),
    "whole float": ([1.0, -0.0], b"[1,0]"),
    "numbers as in ECMAScript": (
        [1e21, 1e-7, 0.1, 333333333.33333329],
        b"[1e+21,1e-7,0.1,333333333.3333333]",
    ),
    "largest integer": (2**53 - 1, b"9007199254740991"),
    "text": ('ä"\\\n\x0f', '"ä\\"\\\\\\n\\u000f"'.encode()),
}


@pytest.mark.parametrize(("value", "form"), FORMS.values(), ids=FORMS.keys())
def test_follows_rfc_8785(value: Json, form: bytes) -> None:
    """Keys are sorted, numbers are written as ECMAScript does, nothing stands between."""
    assert form == canonical_json(value)


def nested(depth: int) -> Json:
    """Lists in lists."""
    value: Json = []
    for _ in range(depth):
        value = [value]
    return value


REFUSED: dict[str, Json] = {
    "not a number": float("nan"),
    "infinity": [float("inf")],
    "too large": 2**53,
    "lone surrogate": "\ud800",
    "lone surrogate as a key": {"\udfff": 1},
    "deep": nested(100_000),
}


@pytest.mark.parametrize("value", REFUSED.values(), ids=REFUSED.keys())
def test_refuses_what_has_no_canonical_form(value: Json) -> None:
    """What other languages could not read back exactly is an error in words."""
    with pytest.raises(InvalidInputError, match="no (canonical|exact) JSON form"):
        canonical_json(value)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-(2**53) + 1, 2**53 - 1)
    | st.text(),
    lambda value: st.lists(value, max_size=4) | st.dictionaries(st.text(), value, max_size=4),
    max_leaves=10,
)


@given(JSON)
@settings(deadline=None)
def test_reads_back_as_itself(value: Json) -> None:
    """The form is JSON, and has itself as its form."""
    form = canonical_json(value)
    assert form == canonical_json(json.loads(form))


@given(st.dictionaries(st.text(), JSON, max_size=5))
@settings(deadline=None)
def test_hashes_alike_whatever_the_order(value: dict[str, Json]) -> None:
    """The order of keys does not count."""
    assert content_hash(value) == content_hash(dict(reversed(value.items())))


def test_hashes_by_scheme_1() -> None:
    """Scheme 1 is SHA-256, in hex, of the canonical form: stored hashes stay what they are."""
    assert 1 == HASH_SCHEME
    assert "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" == content_hash({})
