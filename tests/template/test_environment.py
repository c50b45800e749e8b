"""What a template reaches, and what it may spend."""

import time

import pytest

from promptgraph.domain.canonical import Json, JsonObject
from promptgraph.domain.errors import TemplateError
from promptgraph.template.environment import MAX_SECONDS
from promptgraph.template.program import Run, compiled

GIVES: dict[str, tuple[str, JsonObject, str]] = {
    "key named like a method": ("{{ d['items'] }}{{ d.items }}", {"d": {"items": "i"}}, "ii"),
    "position": ("{{ d[1] }}{{ d[-1] }}", {"d": ["a", "b"]}, "bb"),
    "value that looks like a template": ("{{ v }}", {"v": "{{ 7*7 }}{% for %}"}, "{{ 7*7 }}{% for %}"),
    "fields of a loop": (
        (
            "{% for a in x %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}"
            "{{ loop.length }}{{ 'f' if loop.first else '' }}{{ 'l' if loop.last else '' }} {% endfor %}"
        ),
        {"x": ["a", "b"]},
        "10212f 21102l ",
    ),
    "inner loop": (
        "{% for a in x %}{% for b in a %}{{ b }}{{ loop.last }}{% endfor %}|{% endfor %}",
        {"x": [["a"], []]},
        "aTrue||",
    ),
    "loop over a mapping": ("{% for k in x %}{{ k }}{% endfor %}", {"x": {"a": 1}}, "a"),
    "loop over nothing": ("{% for a in x %}{{ a }}{% else %}none{% endfor %}", {"x": []}, "none"),
    "loop with a test": (
        "{% for a in x if a != 2 %}{{ a }}{{ loop.length }}{% endfor %}",
        {"x": [1, 2, 3]},
        "1232",
    ),
    "white space": ("a\n{% if x %}\n  b\n{% endif %}\n", {"x": True}, "a\n\n  b\n\n"),
    "no escaping": ("{{ x }}", {"x": "<&'\">"}, "<&'\">"),
    "comparisons": ("{{ 1 if 2 > x >= 1 and x in y and x is eq(1) else 0 }}", {"x": 1, "y": [1]}, "1"),
    "defined": ("{{ 'y' if x is defined else 'n' }}{{ 'y' if d.k is defined else 'n' }}", {"d": {}}, "nn"),
    "last line end": ("x\n\n", {}, "x\n\n"),
}


@pytest.mark.parametrize(("source", "values", "text"), GIVES.values(), ids=GIVES.keys())
def test_gives(source: str, values: JsonObject, text: str) -> None:
    """Keys, positions, loops and comparisons mean what they look like; a value is never a template."""
    assert text == Run(values).text(compiled(source))


REFUSES: dict[str, tuple[str, JsonObject, str]] = {
    "missing variable": ("{{ x }}", {}, "`x` has no value: send it, or guard it"),
    "missing key": ("{{ d.nope }}", {"d": {}}, "There is no key `nope` in this mapping."),
    "missing position": ("{{ d[5] }}", {"d": [1]}, "There is no `5` in this list of 1."),
    "method of a text": ("{{ s.upper }}", {"s": "x"}, "There is no `upper` here: a text has no keys."),
    "method of a mapping": ("{{ d.values }}", {"d": {}}, "There is no key `values`"),
    "method of a list": ("{{ d.append }}", {"d": []}, "There is no `append` in this list of 0."),
    "attribute of a number": ("{{ n.real }}", {"n": 1}, "a number has no keys"),
    "default of a key of a missing key": ("{{ d.a.b|default('-') }}", {"d": {}}, "There is no key `a`"),
    "key of null": ("{{ n.k }}", {"n": None}, "null has no keys"),
    "key of a missing key": ("{{ d.a.b }}", {"d": {}}, "There is no key `a`"),
    "loop over a number": ("{% for a in x %}{% endfor %}", {"x": 5}, "A loop runs over a list or a mapping"),
    "loop over what is missing": ("{% for a in x %}{% endfor %}", {}, "`x` has no value"),
    "loop field": ("{% for a in x %}{{ loop.cycle }}{% endfor %}", {"x": [1]}, "`loop` has no `cycle`"),
    "number plus text": ("{{ x + 'a' }}", {"x": 1}, "An operation does not fit"),
    "number before text": ("{{ 1 if x < 'a' else 2 }}", {"x": 1}, "An operation does not fit"),
    "pairs of a list": ("{% for a, b in x %}{% endfor %}", {"x": [1]}, "An operation does not fit"),
    "test of what is missing": ("{{ 1 if x is eq(1) else 2 }}", {}, "`x` has no value"),
    "number that is too long": ("{{ x|int + 1 }}", {"x": "9" * 4300}, "An operation does not fit"),
}


@pytest.mark.parametrize(("source", "values", "message"), REFUSES.values(), ids=REFUSES.keys())
def test_refuses(source: str, values: JsonObject, message: str) -> None:
    """What is missing, or a Python object's own, is an error in words with its line."""
    with pytest.raises(TemplateError) as caught:
        Run(values).text(compiled("one\n" + source))
    assert message in str(caught.value)
    assert 2 == caught.value.line


ONE: list[Json] = [1]
ENDLESS: dict[str, tuple[str, JsonObject, str]] = {
    "loops without output": (
        "{% for a in x %}{% for b in x %}{% endfor %}{% endfor %}",
        {"x": ONE * 20_000},
        "loops too long",
    ),
    "costly loop": (
        "{% for a in x %}{% for b in x %}{% if y|tojson %}{% endif %}{% endfor %}{% endfor %}",
        {"x": ONE * 300, "y": "x" * 100_000},
        "too long",
    ),
    "costly filters": ("{% if x|sort %}{% endif %}" * 200, {"x": list(range(100_000, 0, -1))}, "too long"),
    "costly comparisons": ("{% if 0 in x %}{% endif %}" * 1_500, {"x": ONE * 400_000}, "takes too long"),
    "costly tests": ("{% if 0 is in(x) %}{% endif %}" * 1_500, {"x": ONE * 400_000}, "takes too long"),
}


@pytest.mark.parametrize(("source", "values", "message"), ENDLESS.values(), ids=ENDLESS.keys())
def test_ends(source: str, values: JsonObject, message: str) -> None:
    """Loops that print nothing, and dear filters and comparisons, end within the budget."""
    program, run = compiled(source), Run(values)
    began = time.monotonic()
    with pytest.raises(TemplateError, match=message):
        run.text(program)
    assert time.monotonic() - began < MAX_SECONDS + 2


def test_shares_the_budget_among_templates() -> None:
    """The rounds of all messages count together."""
    run = Run({"x": ONE * 60_000})
    loop = compiled("{% for a in x %}{% endfor %}")
    assert "" == run.text(loop)
    with pytest.raises(TemplateError, match="loops too long"):
        run.text(loop)
