"""Bodies by their form: what is read with its help is what would be read without."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptgraph.graph.answer import RequestRefusedError
from promptgraph.graph.forms import LONGEST, Forms, learnt
from promptgraph.graph.request import Request, asked
from promptgraph.graph.wire import decoded

QUERY = 'query A($n:String!){prompt(name:$n){name}} # "variables":'
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | TEXTS | st.sampled_from(['"variables":', "}"]),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(TEXTS | st.just("variables"), below, max_size=3)
    ),
    max_leaves=6,
)
VARIABLES = st.dictionaries(TEXTS | st.just("variables"), VALUES, max_size=3) | st.none()
BESIDE = st.lists(
    st.sampled_from(
        [("operationName", "A"), ("extensions", {"variables": None}), ("extra", '"variables":1')]
    ),
    max_size=2,
    unique_by=lambda pair: pair[0],
)
SPACED = st.sampled_from([(",", ":"), (", ", ": "), (" ,", " :")])


def read_anew(body: bytes) -> Request | str:
    """The request in a body, or what is wrong with it."""
    try:
        return asked(decoded(body))
    except RequestRefusedError as error:
        return str(error)


def read(forms: Forms, body: bytes) -> Request | str:
    try:
        return forms.read(body)
    except RequestRefusedError as error:
        return str(error)


@settings(max_examples=300, deadline=None)
@given(
    st.data(),
    st.lists(VARIABLES, min_size=1, max_size=4),
    BESIDE,
    SPACED,
    st.sampled_from(["ASCII", "UTF-8"]),
)
def test_reads_the_same_as_without(
    data: st.DataObject,
    several: list[Any],
    beside: list[tuple[str, Any]],
    spaced: tuple[str, str],
    coding: str,
) -> None:
    """Wherever the variables stand, whatever is in them, and whatever else is in the body."""
    forms, order = Forms(), data.draw(st.permutations(["query", "variables", *(name for name, _ in beside)]))
    for variables in several:
        whole = {"query": QUERY, "variables": variables, **dict(beside)}
        value = {name: whole[name] for name in order}
        body = json.dumps(value, separators=spaced, ensure_ascii=coding == "ASCII").encode()
        assert read_anew(body) == read(forms, body)


BROKEN = [
    b'{"query":"{a}","variables":{"n":"x"}',
    b'{"query":"{a}","variables":{"n":"x"}}}',
    b'{"query":"{a}","variables":{"n":"x","n":"y"}}',
    b'{"query":"{a}","variables":{"n":"x"},"query":"{b}"}',
    b'{"query":"{a}","variables":{"n":"x"},"variables":{}}',
    b'{"query":"{a}","variables":{"n":NaN}}',
    b'{"query":"{a}","variables":[1]}',
    b'{"query":"{a}","variables":"{}"}',
    b'{"query":"{a}","variables":}',
    b'{"query":"{a}","variables":',
    b'{"query":"{a}","variables":{"n":"x"},"operationName":1}',
    b'{"query":"{a}","variables":{"n":"\xff"}}',
]


@pytest.mark.parametrize("body", BROKEN, ids=repr)
def test_a_known_form_lets_nothing_in(body: bytes) -> None:
    """What is wrong with a body is wrong with it behind a beginning that is known, too."""
    forms = Forms()
    for tail in (b"", b',"operationName":"A"'):
        forms.read(b'{"query":"{a}","variables":{"n":"x"}%b}' % tail)
    assert isinstance(read_anew(body), str)
    assert read_anew(body) == read(forms, body)


def test_knows_a_form_again() -> None:
    """Its text is not even looked at: the request has the very same one."""
    forms = Forms()
    first, second = (forms.read(b'{"query":"{a}","variables":{"n":%d}}' % number) for number in (1, 2))
    assert ({"n": 1}, {"n": 2}) == (first.variables, second.variables)
    assert first.query is second.query


@pytest.mark.parametrize(
    "body",
    [
        b'{"query":"{a}","extensions":{"variables":null},"variables":null}',
        b'{"query":"{a}","extensions":{"variables":1},"variables":{}}',
        b'{"query":"{a}","a\\"variables":2,"variables":{}}',
    ],
    ids=["both null", "another", "a key's end"],
)
def test_is_sure_of_where_the_variables_are(body: bytes) -> None:
    """The same words elsewhere are no place for them."""
    start = body.index(b'"variables":') + len(b'"variables":')
    assert learnt(body, start, asked(decoded(body))) is None


def test_holds_so_much_and_no_more() -> None:
    """Ten thousand forms take no more room than there is."""
    forms = Forms(room=100_000)
    for number in range(10_000):
        forms.read(b'{"query":"{a%d}","variables":{}}' % number)
    assert len(forms) <= 100
    forms.read(b'{"query":"{a}#%b","variables":{}}' % (b"x" * LONGEST))
    assert forms.taken <= 100_000
