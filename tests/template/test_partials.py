"""Partials, put in place of their includes."""

import time

import pytest

from promptgraph.domain.errors import TemplateError
from promptgraph.template.partials import (
    PartialError,
    Piece,
    check_inlined,
    check_partial,
    inline,
)

PARTIALS = {
    "tone.j2": "Be {{ tone }}.\n",
    "safety/base.j2": "Never {{ forbidden }}.",
    "both.j2": '{% include "tone.j2" %} {% include "safety/base.j2" %}\n',
    "crlf.j2": "one\r\ntwo\r\n",
    "item.j2": "{{ loop.index }}. {{ item }}",
    "words.j2": "We include nothing here.",
}

INLINED = {
    "none": ("Hi {{ name }}", "Hi {{ name }}", ()),
    "the word": ("include 'tone.j2'", "include 'tone.j2'", ()),
    "one": ('{% include "tone.j2" %}', "Be {{ tone }}.", ("tone.j2",)),
    "single quotes": ("{%include 'tone.j2'%}!", "Be {{ tone }}.!", ("tone.j2",)),
    "twice": ("{% include 'tone.j2' %}{% include 'tone.j2' %}", "Be {{ tone }}." * 2, ("tone.j2",)),
    "folder": ("{% include 'safety/base.j2' %}", "Never {{ forbidden }}.", ("safety/base.j2",)),
    "nested": (
        "{% include 'both.j2' %}",
        "Be {{ tone }}. Never {{ forbidden }}.",
        ("both.j2", "safety/base.j2", "tone.j2"),
    ),
    "line ends": ("{% include 'crlf.j2' %}\nthree", "one\ntwo\nthree", ("crlf.j2",)),
    "white space control": ("a\n {%- include 'tone.j2' -%} \n b", "aBe {{ tone }}.b", ("tone.j2",)),
    "raw": (
        "{% raw %}{% include 'tone.j2' %}{% endraw %}",
        "{% raw %}{% include 'tone.j2' %}{% endraw %}",
        (),
    ),
    "comment": ("{# {% include 'tone.j2' %} #}x", "{# {% include 'tone.j2' %} #}x", ()),
    "text of a variable": ("{{ '{% include \"tone.j2\" %}' }}", "{{ '{% include \"tone.j2\" %}' }}", ()),
    "among tags": (
        "{% if a -%}\n x {%- endif %}{% include 'words.j2' %}{{ b }}{% raw %} {% endraw %}",
        "{% if a -%}\n x {%- endif %}We include nothing here.{{ b }}{% raw %} {% endraw %}",
        ("words.j2",),
    ),
    "in a loop": (
        "{% for item in items %}{% include 'item.j2' %}{% endfor %}",
        "{% for item in items %}{{ loop.index }}. {{ item }}{% endfor %}",
        ("item.j2",),
    ),
}


@pytest.mark.parametrize(("source", "text", "names"), INLINED.values(), ids=INLINED.keys())
def test_puts_partials_in_place(source: str, text: str, names: tuple[str, ...]) -> None:
    """The text of each partial stands where its include stood, and the names are told, sorted."""
    inlined = inline(source, PARTIALS)
    assert (text, names) == (inlined.text, inlined.names)


def test_keeps_all_but_the_last_line_end() -> None:
    """A partial's text stays as written; one line end at its end is dropped, no more."""
    assert "a\n\nb" == inline("{% include 'x' %}b", {"x": "a\n\n\n"}).text


REFUSED = {
    "missing": ("{% include 'ton.j2' %}", "no partial 'ton.j2'. Did you mean 'tone.j2'?"),
    "in full": ("{% include '_partials/tone.j2' %}", "Did you mean 'tone.j2'?"),
    "unlike any": ("{% include 'zzzzzzzzzzzz' %}", "There are: both.j2, crlf.j2"),
    "outside": ("{% include '../secrets.txt' %}", "no partial '../secrets.txt'"),
    "variable": ("{% include x %}", "one constant name"),
    "list": ("{% include ['tone.j2'] %}", "one constant name"),
    "two texts": ("{% include 'tone' '.j2' %}", "one constant name"),
    "ignore missing": ("{% include 'tone.j2' ignore missing %}", "one constant name"),
    "without context": ("{% include 'tone.j2' without context %}", "one constant name"),
    "expression": ("{% include 'tone.j2' if x else 'both.j2' %}", "one constant name"),
    "nothing": ("{% include %}", "one constant name"),
}


@pytest.mark.parametrize(("source", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_takes_constant_names_that_exist(source: str, message: str) -> None:
    """An include names one partial, as a constant; for a name that is not there the nearest one is told."""
    with pytest.raises(TemplateError) as caught:
        inline("one\n" + source, PARTIALS)
    assert message in str(caught.value)
    assert 2 == caught.value.line


def test_says_where_partials_go() -> None:
    """Without any partial the error says where they are kept."""
    with pytest.raises(TemplateError, match="put it below _partials/"):
        inline("{% include 'a.j2' %}", {})


def test_refuses_circles() -> None:
    """Partials that include each other are refused, the way round told."""
    partials = {"a": "{% include 'b' %}", "b": "{% include 'a' %}"}
    with pytest.raises(TemplateError, match="circle: a → b → a"):
        inline("{% include 'a' %}", partials)


def test_refuses_a_partial_that_includes_itself() -> None:
    """The shortest circle is one, too."""
    with pytest.raises(TemplateError, match="circle: a → a"):
        inline("{% include 'a' %}", {"a": "{% include 'a' %}"})


CHAIN = {f"p{i}": f"{{% include 'p{i + 1}' %}}" for i in range(3)} | {"p3": "{{ x }}"}


def test_nests_three_deep() -> None:
    """Three levels of partials are fine."""
    assert "{{ x }}" == inline("{% include 'p1' %}", CHAIN).text


@pytest.mark.parametrize(
    "source",
    ["{% include 'p0' %}", "{% include 'p2' %}{% include 'p1' %}{% include 'p0' %}"],
    ids=["at once", "known from elsewhere"],
)
def test_refuses_four_levels(source: str) -> None:
    """Four levels are not, whatever was expanded before."""
    with pytest.raises(TemplateError, match="nested deeper than 3"):
        inline(source, CHAIN)


def test_bounds_what_fans_out() -> None:
    """Ten includes at each of three levels are expanded once each, and refused by the size of the whole."""
    partials = {
        "a": "{% include 'b' %}" * 1_000,
        "b": "{% include 'c' %}" * 1_000,
        "c": "x" * 1_000,
    }
    began = time.perf_counter()
    with pytest.raises(TemplateError, match="larger than 256 KiB"):
        inline("{% include 'a' %}" * 1_000, partials)
    assert time.perf_counter() - began < 2


def test_bounds_the_number_of_includes() -> None:
    """A text of nothing but includes is refused before they are all read."""
    began = time.perf_counter()
    with pytest.raises(TemplateError, match="more than 20000 tokens"):
        inline("{% include 'a' %}" * 15_000, {"a": ""})
    assert time.perf_counter() - began < 2


def test_takes_a_limit() -> None:
    """The limit of the whole may be set lower."""
    with pytest.raises(TemplateError, match="larger than 1 KiB"):
        inline("{% include 'a' %}{% include 'a' %}", {"a": "x" * 600}, limit=1024)


def test_checks_each_partial_by_itself() -> None:
    """A partial that is wrong is named with the line inside it; the error's line is the include's."""
    partials = {"a.j2": "fine\n{% set x = 1 %}"}
    with pytest.raises(
        PartialError, match=r"In the partial a.j2, line 2: {% set %} is not allowed"
    ) as caught:
        inline("one\ntwo {% include 'a.j2' %}", partials)
    assert 2 == caught.value.line


def test_names_the_innermost_partial() -> None:
    """Of nested partials the one that is wrong is named, at the line of the outermost include."""
    partials = {"a.j2": "\n\n{% include 'b.j2' %}", "b.j2": "{{ 1 * 1 }}"}
    with pytest.raises(PartialError, match=r"^In the partial b.j2, line 1: ") as caught:
        inline("{% include 'a.j2' %}", partials)
    assert 1 == caught.value.line


def test_refuses_half_a_block() -> None:
    """A partial cannot open what only its includer closes."""
    with pytest.raises(PartialError, match="Not a valid template"):
        inline("{% include 'a' %}{% endif %}", {"a": "{% if x %}"})


@pytest.mark.parametrize(
    ("source", "partial"),
    [
        ("{{% include 'a' %}", "{ x }}"),
        ("{% include 'a' %}{{ x }}", "x {"),
        ("{% include 'a' %}% set %}", "{"),
    ],
    ids=["before", "after", "of text"],
)
def test_makes_no_tag_of_two_halves(source: str, partial: str) -> None:
    """Text and partial side by side never form a tag that neither of them holds."""
    with pytest.raises(TemplateError, match=r"Jinja tag|Not a valid template"):
        check_inlined(inline(source, {"a": partial}))


def test_says_which_line_a_line_came_from() -> None:
    """Every line of the whole is traced to an own line, or to the partial and its include."""
    inlined = inline("one\n{% include 'p' %}\nthree {{ x }}", {"p": "a\nb\nc"})
    origins = [inlined.origin(line) for line in range(1, 6)]
    expected = [(1, None), (2, "p"), (2, "p"), (2, "p"), (3, None)]
    assert expected == [(piece.line, piece.name) for piece in origins]


def test_traces_a_line_of_a_text_without_partials() -> None:
    """Without partials a line is itself."""
    assert Piece(7) == inline("x\n" * 9, {}).origin(7)


def test_counts_lines_in_the_own_text() -> None:
    """An error behind a long partial is told at the line of the template's own text."""
    inlined = inline("{% include 'p' %}\nfine\n{{ 1 * 1 }}", {"p": "a\n" * 30})
    with pytest.raises(TemplateError) as caught:
        check_inlined(inlined)
    assert 3 == caught.value.line


def test_names_the_partial_that_breaks_the_whole() -> None:
    """Loops of a partial count with those around its include; the partial is named."""
    partials = {"p": "\n{% for a in x %}\n{% for b in x %}{% endfor %}{% endfor %}"}
    with pytest.raises(TemplateError, match=r"^In the partial p: Loops are nested") as caught:
        check_inlined(inline("\n{% for c in x %}{% include 'p' %}\n{% endfor %}", partials))
    assert 2 == caught.value.line


def test_refuses_loop_outside_a_loop() -> None:
    """`loop` in a partial is fine by itself, and an error where no loop stands around the include."""
    with pytest.raises(TemplateError, match="only there inside a loop"):
        check_inlined(inline("{% include 'item.j2' %}", PARTIALS))


def test_keeps_an_error_without_partials() -> None:
    """Without partials the guard's own error comes through."""
    with pytest.raises(TemplateError, match=r"^`\*` is not allowed") as caught:
        check_inlined(inline("\n{{ 2 * 2 }}", {}))
    assert 2 == caught.value.line


def test_tells_the_variables_of_the_whole() -> None:
    """The variables of the partials are the template's."""
    assert {"tone", "forbidden", "q"} == check_inlined(inline("{% include 'both.j2' %}{{ q }}", PARTIALS))


def test_tells_the_variables_of_a_partial() -> None:
    """A partial by itself is checked with what it includes, and may speak of a loop around it."""
    assert {"item"} == check_partial(PARTIALS["item.j2"], PARTIALS)
    assert {"tone", "forbidden"} == check_partial(PARTIALS["both.j2"], PARTIALS)


def test_refuses_text_that_jinja_cannot_read() -> None:
    """A text that Jinja's lexer refuses is an error with its line."""
    with pytest.raises(TemplateError, match="Not a valid template") as caught:
        inline("\n{{ ) }}{% include 'tone.j2' %}", PARTIALS)
    assert 2 == caught.value.line
