"""One canonical form of JSON, and the hashes made from it."""

import json
import math

import orjson
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from promptgraph.domain.call import CallStatus
from promptgraph.domain.canonical import HASH_SCHEME, Json, canonical_json, content_hash, is_plain, json_size
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


# ---------------------------------------------------------------- both ways to the canonical form agree

_FLOATS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 1.0, 1e-4, 9.999e-5, 1e-5, 1e-6, 1e-7, 5e-324, 1e15, 1e16, 1e20, 1e21, 1e22]),
    st.floats(min_value=9e14, max_value=1.1e16),
    st.floats(min_value=1e-8, max_value=1e-3),
    st.integers(min_value=-(2**60), max_value=2**60).map(float),
)
_TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["\ue000", "\uffff", "\U0001f600", "\u2028", '"\\/\b\f\n\r\t\x00\x1f\x7f', "é", "z"]
)
_SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _FLOATS | _TEXTS
_JSON: st.SearchStrategy[Json] = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_TEXTS, inner, max_size=5)
)


@settings(deadline=None)
@given(_JSON)
def test_both_ways_write_the_same_bytes(value: Json) -> None:
    """The quick encoder is used only where it gives the bytes of RFC 8785."""
    assert rfc8785.dumps(value) == canonical_json(value)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        pytest.param({"ticket": "größer €", "n": [1, 0.7, -12.5, None, True]}, True, id="what callers send"),
        pytest.param(0.0001, True, id="the smallest without exponent"),
        pytest.param(0.00009999, False, id="a small float"),
        pytest.param(1.0, False, id="no fraction"),
        pytest.param(-0.0, False, id="minus zero"),
        pytest.param(1e16, False, id="a large float"),
        pytest.param(math.inf, False, id="infinity"),
        pytest.param(math.nan, False, id="NaN"),
        pytest.param(2**53 - 1, True, id="the largest integer"),
        pytest.param(2**53, False, id="one more"),
        pytest.param({"\uffff": 1}, True, id="a key within the BMP"),
        pytest.param({"\U0001f600": 1}, False, id="a key beyond it"),
        pytest.param([{"deep": [1e-7]}], False, id="one number deep inside"),
        pytest.param({"status": CallStatus.OK}, False, id="a subclass"),
    ],
)
def test_quick_way_is_taken_for_plain_values_alone(value: Json, plain: bool) -> None:  # noqa: FBT001  # a table's column
    """Ordinary content is plain, and each case in which the two forms differ is not."""
    assert plain == is_plain(value)


def test_the_two_forms_do_differ() -> None:
    """Control: without the look beforehand the quick encoder would give other bytes."""
    values: list[Json] = [1.0, 1e16, 1e-6, {"\U0001f600": 1, "\uffff": 2}]
    for value in values:
        assert rfc8785.dumps(value) != orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


@settings(deadline=None)
@given(_JSON)
def test_says_how_large_a_value_is(value: Json) -> None:
    """As large as the form, but for how numbers are written."""
    assert abs(json_size(value) - len(canonical_json(value))) <= 32 * (1 + str(value).count(","))
