"""What a template may contain, and what its variables are."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptgraph.domain.errors import TemplateError
from promptgraph.template.guard import MAX_SOURCE, check_template, parsed
from promptgraph.template.program import compiled

ACCEPTED = {
    "text": ("Just text.", set()),
    "variable": ("Hi {{ name }}.", {"name"}),
    "key and position": ("{{ d.items }}{{ d['k'] }}{{ d[0] }}", {"d"}),
    "loop": ("{% for d in docs %}{{ loop.index }}. {{ d.title|upper }}{% endfor %}", {"docs"}),
    "loop with else and test": (
        "{% for d in docs if d.ok and flag %}{{ d }}{% else %}{{ d }}{% endfor %}",
        {"docs", "flag", "d"},
    ),
    "two loops": ("{% for a in x %}{% for b in a.y %}{{ b }}{% endfor %}{% endfor %}", {"x"}),
    "pairs": ("{% for k, v in d|items %}{{ k }}={{ v }}{% endfor %}", {"d"}),
    "branches": ("{% if a == 1 %}A{% elif b is defined %}B{% else %}{{ c }}{% endif %}", {"a", "b", "c"}),
    "dead branch": ("{% if a %}{{ b }}{% endif %}", {"a", "b"}),
    "conditional and default": ("{{ a|default('-') if b else 'no' }}", {"a", "b"}),
    "concatenation": ("{{ a ~ ', ' ~ b }}", {"a", "b"}),
    "filter on an expression": ("{{ (a or b)|upper }}", {"a", "b"}),
    "argument of default": ("{{ a|default(b) }}", {"a", "b"}),
    "tests": ("{{ 'y' if a in ['x', 'y'] and a is not none and b is string else 'n' }}", {"a", "b"}),
    "arithmetic": ("{{ a + 1 - -b }}", {"a", "b"}),
    "raw": ("{% raw %}{{ a }}{% endraw %}", set()),
    "comment": ("{# {{ a }} #}", set()),
    "unicode name": ("{{ größe }}", {"größe"}),
    "empty": ("", set()),
}


@pytest.mark.parametrize(("source", "variables"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_tells_the_variables(source: str, variables: set[str]) -> None:
    """The free names are given, those of dead branches too, those that loops bind not."""
    assert variables == check_template(source)


REFUSED = {
    "class of a text": ("{{ ''.__class__ }}", "begin with _"),
    "class by key": ("{{ x['__class__'] }}", "begin with _"),
    "attr": ("{{ ''|attr('format') }}", "|attr is not allowed"),
    "format": ("{{ '{0}'.format(x) }}", "A call"),
    "self": ("{{ self }}", "`self` is reserved"),
    "budget": ("{{ _budget }}", "`_budget` is reserved"),
    "tick": ("{{ x|_timed }}", "|_timed is not allowed"),
    "lipsum": ("{{ lipsum(100000) }}", "A call"),
    "range": ("{% for i in range(99999) %}{% endfor %}", "input variable"),
    "list of its own": ("{% for i in [1, 2] %}{% endfor %}", "input variable"),
    "cycler": ("{{ cycler.__init__ }}", "begin with _"),
    "product": ("{{ 'x' * 500000000 }}", "`*`"),
    "power": ("{{ 9 ** 9 ** 9 }}", "`**`"),
    "formatting": ("{{ '%0500000000d' % 1 }}", "`%`"),
    "division": ("{{ 1 / 0 }}", "`/`"),
    "whole division": ("{{ 1 // 0 }}", "`//`"),
    "slice": ("{{ x[1:2] }}", "constant key"),
    "dynamic key": ("{{ x[y] }}", "constant key"),
    "mapping": ("{{ {'a': 1} }}", "A mapping"),
    "center": ("{{ 'x'|center(500000000) }}", "|center is not allowed"),
    "replace": ("{{ x|replace('a', 'aaaa') }}", "|replace is not allowed"),
    "wide indent": ("{{ x|indent(500000000) }}", "larger than 20"),
    "wide indent by name": ("{{ x|indent(width=500000000) }}", "larger than 20"),
    "negative number": ("{{ x|indent(-500000000) }}", "takes constants only"),
    "large number": ("{{ x|round(100000) }}", "larger than 1000"),
    "long argument": ("{{ x|join('" + "y" * 21 + "') }}", "longer than 20"),
    "variable argument": ("{{ x|join(y) }}", "constants only"),
    "star": ("{{ x|join(*y) }}", "* and **"),
    "double star": ("{{ x|join(**y) }}", "* and **"),
    "star in a test": ("{{ 1 if x is eq(*y) else 2 }}", "* and **"),
    "set": ("{% set a = 'x' %}", "{% set %}"),
    "set block": ("{% set a %}x{% endset %}", "{% set %}"),
    "doubling": ("{% set a = 'xxxxxxxx' %}" + "{% set a = a ~ a %}" * 40 + "{{ a|length }}", "{% set %}"),
    "chained join": ("{{ 'xxxx'" + "|join('yyyy')" * 10 + "|length }}", "only one of"),
    "chained tojson": ("{{ x" + "|tojson" * 20 + "|length }}", "only one of"),
    "chained replace": ("{{ 'xxxx'" + "|replace('x', 'xxxx')" * 20 + "|length }}", "|replace is not"),
    "long concatenation": ("{{ " + " ~ ".join(["x"] * 2000) + " }}", "too long"),
    "list that grows": ("{{ [" + "x," * 500 + "]|join }}", "too long"),
    "list of many": ("{{ [" + "x, " * 9 + "]|join }}", "too long"),
    "too many filters": ("{% if x|tojson %}{% endif %}" * 300, "200 filters"),
    "too many statements": ("{% if x %}{% endif %}" * 2_001, "More than 2000"),
    "too many expressions": ("{{ x }}" * 2_001, "More than 2000"),
    "too many tokens": ("{{ a" + ".b" * 100_000 + " }}", "more than 20000 tokens"),
    "too many tokens of text": ("{{ a }}" * 36_000, "more than 20000 tokens"),
    "macro": ("{% macro m() %}{{ m() }}{% endmacro %}", "{% macro %}"),
    "call block": ("{% call m() %}{% endcall %}", "{% call %}"),
    "import": ("{% import 'os' as os %}", "{% import %}"),
    "from": ("{% from 'os' import path %}", "{% import %}"),
    "extends": ("{% extends 'x' %}", "{% extends %}"),
    "block": ("{% block x %}{% endblock %}", "{% block %}"),
    "with": ("{% with a = 1 %}{% endwith %}", "{% with %}"),
    "filter block": ("{% filter upper %}x{% endfilter %}", "{% filter %}"),
    "autoescape": ("{% autoescape true %}{% endautoescape %}", "{% autoescape %}"),
    "include": ("{% include 'x' %}", "not resolved"),
    "do": ("{% do x.append(1) %}", "unknown tag 'do'"),
    "three loops": (
        "{% for a in x %}{% for b in x %}{% for c in x %}{% endfor %}{% endfor %}{% endfor %}",
        "nested deeper than 2",
    ),
    "recursive loop": ("{% for a in x recursive %}{% endfor %}", "Recursive"),
    "loop named loop": ("{% for loop in x %}{% endfor %}", "`loop`"),
    "loop named self": ("{% for self in x %}{% endfor %}", "`self` is reserved"),
    "loop as a value": ("{% for a in x %}{{ loop }}{% endfor %}", "`loop` is no value"),
    "loop outside": ("{{ loop.index }}", "only there inside a loop"),
    "loop after the loop": ("{% for a in x %}{% endfor %}{{ loop.index }}", "only there inside"),
    "other test": ("{{ 1 if x is divisibleby(3) else 2 }}", "`is divisibleby` is not allowed"),
    "callable test": ("{{ 1 if x is callable else 2 }}", "`is callable` is not allowed"),
    "no else": ("{{ x if y }}", "needs an `else`"),
    "deep blocks": ("{% if x %}" * 21 + "{% endif %}" * 21, "nested deeper than 20"),
    "very deep blocks": ("{% if x %}" * 2000 + "{% endif %}" * 2000, "nested too deeply"),
    "deep parentheses": ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "nested too deeply"),
    "many branches": ("{% if x %}" + "{% elif x %}" * 51 + "{% endif %}", "branches"),
    "long number": ("{{ " + "9" * 5000 + " }}", "Not a valid template"),
    "unclosed tag": ("{{ x", "Not a valid template"),
    "unclosed block": ("{% if x %}", "Not a valid template"),
    "unclosed comment": ("{# x", "Not a valid template"),
    "unclosed raw": ("{% raw %}x", "Not a valid template"),
    "empty tag": ("{{ }}", "Not a valid template"),
    "too large": ("x" * (MAX_SOURCE + 1), "larger than 256 KiB"),
    "too large in bytes": ("ä" * (MAX_SOURCE // 2 + 1), "larger than 256 KiB"),
}


@pytest.mark.parametrize(("source", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refuses_what_escapes_or_grows(source: str, message: str) -> None:
    """What could leave the sandbox, run or grow without end is refused in words, and at once."""
    began = time.perf_counter()
    with pytest.raises(TemplateError) as caught:
        check_template(source)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 400
    assert time.perf_counter() - began < 2


def test_names_the_line() -> None:
    """The line counts from 1 in the template's own text."""
    with pytest.raises(TemplateError) as caught:
        check_template("one\ntwo\n{{ a }}\n{% set x = 1 %}\n{{ 2 * 3 }}")
    assert 4 == caught.value.line


def test_names_the_line_of_a_syntax_error() -> None:
    """Jinja's own errors come with their line too."""
    with pytest.raises(TemplateError) as caught:
        check_template("one\n{{ a b }}")
    assert 2 == caught.value.line


def test_gives_partials_the_loop_around_them() -> None:
    """A part of a template may speak of the loop that will stand around it."""
    assert {"item"} == check_template("{{ loop.index }}: {{ item }}", in_loop=True)


def test_tells_whichever_fault_comes_first() -> None:
    """Of several faults the first one in the text is told."""
    with pytest.raises(TemplateError) as caught:
        check_template("{% if a %}\n{{ 1 * 2 }}\n{% endif %}\n{% for b in c %}\n{{ 1 ** 2 }}\n{% endfor %}")
    assert 2 == caught.value.line


_PIECES = st.sampled_from(
    [
        *("{{ a }}", "{{ b.c|upper }}", "{% if a %}", "{% elif b %}", "{% else %}", "{% endif %}"),
        *("{% for x in a %}", "{% endfor %}", "{{ loop.index }}", "{{ x }}", "text", "\n", "{#", "#}"),
        *("{{ a ~ b }}", "{{ a if b else c }}", "{% raw %}", "{% endraw %}", "{{ a == b }}", "{{", "}}"),
        *(
            "{{ a is eq(b) }}",
            "{{ a|items }}",
            "{% for k, v in a|items if k %}",
            "{{ -a + 1 }}",
            "{%-",
            "-%}",
        ),
    ]
)


@given(st.lists(_PIECES, max_size=30).map("".join))
@settings(max_examples=100, deadline=None)
def test_accepts_only_what_compiles(source: str) -> None:
    """Whatever the check lets through, rendering can compile; whatever it refuses, it refuses in words."""
    try:
        check_template(source)
    except TemplateError:
        return
    assert compiled(source) is not None


def test_compiles_the_largest_shapes_it_accepts() -> None:
    """The limits leave room: deep blocks, many branches and long texts compile."""
    deep = "{% if x %}" * 19 + "{% endif %}" * 19
    branches = "{% if x %}a" + "{% elif x %}b" * 50 + "{% endif %}"
    many = "{{ x }}y" * 1_990
    assert all(compiled(source) for source in (deep, branches, many))


def test_parses_without_judging() -> None:
    """A syntax tree is given for what the guard would refuse, too."""
    assert parsed("{% set a = 1 %}").body
