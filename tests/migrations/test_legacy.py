"""What single values of an old database become."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptgraph.domain.names import MAX_VERSION, is_name
from promptgraph.domain.prompt import Engine, Message, PromptContent
from promptgraph.template.guard import check_template
from tests.migrations.modules import load

legacy = load("legacy")


@pytest.mark.parametrize(
    ("old", "slug"),
    [
        ("Greet the User", "greet-the-user"),
        ("  Support / Triage ", "support/triage"),
        ("Ünïcödé", "unicode"),
        ("a..b", "a.b"),
        ("a//b", "a/b"),
        ("../../x", "x"),
        ("a/./b", "a/b"),
        ("a/../b", "a/b"),
        ("-x-", "x"),
        ("name@2", "name-2"),
        ("ﬁle", "file"),
        ("日本", ""),
        ("\0", ""),
        ("...", ""),
    ],
    ids=repr,
)
def test_slug_looks_like_the_old_name(old: str, slug: str) -> None:
    """What can be kept of a name is kept."""
    assert slug == legacy.slug(old)


@given(st.dictionaries(st.integers(1, 50), st.none() | st.text(max_size=200) | st.sampled_from("aAbB")))
def test_any_old_names_give_right_and_unique_names(old: dict[int, str | None]) -> None:
    """Every name is within the rule; prompts share one if and only if they shared the old one."""
    names = legacy.prompt_names(old)
    assert old.keys() == names.keys()
    assert [name for name in names.values() if not is_name(name)] == []
    pairs = {(text or id_, names[id_]) for id_, text in old.items()}
    assert len(pairs) == len({key for key, _ in pairs}) == len({name for _, name in pairs})


@given(st.text(max_size=20) | st.from_regex(r"[a-z0-9._/-]{1,12}", fullmatch=True))
def test_rule_for_names_is_the_domain_s(text: str) -> None:
    """The frozen rule is the one that the domain has."""
    assert is_name(text) == legacy.is_name(text)


@given(st.dictionaries(st.integers(1, 50), st.none() | st.text(max_size=200) | st.sampled_from("ab")))
def test_any_old_agents_get_unique_names(old: dict[int, str | None]) -> None:
    """Agents have 1 to 128 characters, none of them a control character, and no name twice."""
    names = legacy.agent_names(old)
    assert len(old) == len(set(names.values()))
    assert all(1 <= len(name) <= 128 for name in names.values())
    assert not any(ord(c) < 32 or ord(c) == 127 for name in names.values() for c in name)


claims = st.none() | st.integers(-2, 6).map(str) | st.sampled_from(["x", "1.0", str(MAX_VERSION), str(2**40)])


@given(st.dictionaries(st.integers(1, 30), claims))
def test_any_old_versions_give_possible_and_unique_ones(old: dict[int, str | None]) -> None:
    """The first to claim a possible version has it; everybody has another."""
    found = legacy.versions(old)
    assert len(old) == len(set(found.values()))
    assert all(1 <= version <= MAX_VERSION for version in found.values())
    first: dict[str, int] = {}
    for id_, text in old.items():
        first.setdefault(text or "", id_)
    possible = {t: id_ for t, id_ in first.items() if t.isdecimal() and 1 <= int(t) <= MAX_VERSION}
    assert {id_: int(t) for t, id_ in possible.items()} == {id_: found[id_] for id_ in possible.values()}


PIECES = st.sampled_from(
    [
        *("text ", "\n", "{{ a }}", "{{ b.c.d }}", "{{ x == 'y' }}", "{{ not a and b or c }}", "{{ x }}"),
        *("{{ a|upper|trim }}", "{{ a|lower|title }}", "{{ a|capitalize }}", "{{ xs|length }}"),
        *("{# note #}", "{% raw %}{{ z }}{% endraw %}", "{{ loop.index }}", "{{ range }}"),
        *("{{ _a }}", "{{ self }}", "{{ a.__class__ }}", "{% include 'x' %}", "{{ f() }}", "{{ a * 2 }}"),
        *("{{ a|default('x') }}", "{{ a ~ b }}", "{{ a[0] }}", "{{ a is defined }}", "{% set a = 1 %}"),
        *("{{", "%}", "{% endif %}"),
    ]
)
BLOCKS = st.sampled_from(
    [
        "{% if a %}BODY{% endif %}",
        "{% if a > 1 %}BODY{% elif b.c %}{{ d }}{% else %}BODY{% endif %}",
        "{% for x in xs %}BODY{% endfor %}",
        "{% for x in a.xs %}BODY{% else %}BODY{% endfor %}",
        "{% for x in xs if x %}BODY{% endfor %}",
    ]
)
TEMPLATES = st.recursive(
    PIECES,
    lambda inner: (
        st.lists(inner, max_size=4).map("".join)
        | st.builds(lambda block, body: block.replace("BODY", body), BLOCKS, inner)
    ),
)


@settings(max_examples=300, deadline=None)
@given(TEMPLATES)
def test_what_is_rendered_passes_the_guard(source: str) -> None:
    """A text that the revision calls a template is one that the registry renders, with the same variables."""
    names = legacy.variables(source)
    assert names is None or names == check_template(source)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("", set()),
        ("Hello", set()),
        ("Hello {name}", set()),
        ("{{ a }} {{ b.c }}", {"a", "b"}),
        ("{% for x in xs %}{{ x|title }}{% endfor %}", {"xs"}),
        ("{% if a and not b %}{% endif %}", {"a", "b"}),
        ("{{ a", None),
        ("{{ a() }}", None),
        ("{% set a = 1 %}", None),
        ("{% for x in range(9) %}{% endfor %}", None),
        ("{{ a.__class__ }}", None),
        ("{{ _a }}", None),
        ("{{ a|attr('b') }}", None),
        ("{{ a|indent(500000000) }}", None),
        ("{% for a in x %}{% for b in a %}{% for c in b %}{% endfor %}{% endfor %}{% endfor %}", None),
        ("{% if a %}" * 30 + "{% endif %}" * 30, None),
        ("{{ a }}" * 2000, None),
        ("{{ a == " + " == ".join("b" * 40) + " }}", None),
        ("x" * 65_537, None),
        ("NUL \0", None),
        ("{{ " + "(" * 5000 + "a" + ")" * 5000 + " }}", None),
        ("{{ " + "9" * 5000 + " }}", None),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_only_small_and_plain_templates_are_known(source: str, names: set[str] | None) -> None:
    """The short list: variables, their fields, conditions, shallow loops, six filters."""
    assert names == legacy.variables(source)


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(["{{ a }} {{ b }}", "{{ a"]))
def test_hash_is_what_the_domain_computes(text: str) -> None:
    """The frozen hash is the digest of the content that the row becomes."""
    columns: dict[str, Any] = legacy.content(text)
    content = PromptContent(
        messages=tuple(Message.from_json(message) for message in columns["messages"]),
        engine=Engine(columns["engine"]),
        input_schema=columns["input_schema"],
    )
    assert content.digest() == columns["content_hash"]
    assert text == legacy.text(columns["messages"])


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([{"role": "user", "content": "Hi"}], "Hi"),
        ([{"role": "system", "content": "Hi"}], '[{"content":"Hi","role":"system"}]'),
        ([{"role": "user", "parts": [{"type": "text"}]}], '[{"parts":[{"type":"text"}],"role":"user"}]'),
        ([{"placeholder": "history"}], '[{"placeholder":"history"}]'),
        ([], "[]"),
    ],
    ids=["one user message", "a system message", "parts", "a placeholder", "none"],
)
def test_way_back_is_text(messages: list[dict[str, Any]], text: str) -> None:
    """One user message is its text again; anything else is the canonical JSON of the messages."""
    assert text == legacy.text(messages)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-06-01 08:30:00", "2024-06-01T08:30:00+00:00"),
        ("2024-06-01T08:30:00Z", "2024-06-01T08:30:00+00:00"),
        ("2024-06-01 08:30:00.5+02:00", "2024-06-01T06:30:00.500000+00:00"),
        ("2024-06-01", "2024-06-01T00:00:00+00:00"),
        ("infinity", None),
        ("0001-01-01 00:00:00+14:00", None),
        ("1717230600", None),
        ("", None),
        (None, None),
    ],
    ids=repr,
)
def test_instants_of_old_count_as_utc(text: str | None, expected: str | None) -> None:
    """A text with a zone is converted, one without is UTC, anything else is none."""
    found = legacy.instant(text)
    assert expected == (found.isoformat() if found else None)
