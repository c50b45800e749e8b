"""The filters, as templates use them."""

import pytest

from promptgraph.domain.canonical import Json
from promptgraph.domain.errors import TemplateError
from promptgraph.template.program import Run, compiled

GIVES: dict[str, tuple[str, Json, str]] = {
    "trim": ("{{ x|trim }}", " a ", "a"),
    "trim of characters": ("{{ x|trim('-') }}", "-a-", "a"),
    "upper": ("{{ x|upper }}", "straße", "STRASSE"),
    "lower": ("{{ x|lower }}", "Ä", "ä"),
    "capitalize": ("{{ x|capitalize }}", "aB c", "Ab c"),
    "title": ("{{ x|title }}", "a-b c", "A-B C"),
    "length": ("{{ x|length }}", [1, 2], "2"),
    "default of a value": ("{{ x|default('-') }}", "a", "a"),
    "default of nothing": ("{{ y|default('-') }}", None, "-"),
    "default of a missing key": ("{{ x.k|default('-') }}", {}, "-"),
    "default of null": ("{{ x|default('-', true) }}", None, "-"),
    "default keeps an empty text": ("{{ x|default('-') }}", "", ""),
    "join": ("{{ x|join(', ') }}", [1, "a", 2.5], "1, a, 2.5"),
    "join of keys": ("{{ x|join(', ', attribute='n') }}", [{"n": 1}, {"n": 2}], "1, 2"),
    "join of positions": ("{{ x|join(attribute='0.k') }}", [[{"k": "a"}], [{"k": "b"}]], "ab"),
    "indent": ("{{ x|indent(2) }}", "a\nb", "a\n  b"),
    "indent from the first line": ("{{ x|indent(2, true) }}", "a\nb", "  a\n  b"),
    "tojson": ("{{ x|tojson }}", {"b": "<é>&'", "a": [None, True]}, '{"a": [null, true], "b": "<é>&\'"}'),
    "tojson on lines": ("{{ x|tojson(indent=1) }}", [1], "[\n 1\n]"),
    "first and last": ("{{ x|first }}{{ x|last }}", ["a", "b", "c"], "ac"),
    "first of a text": ("{{ x|first }}", "ab", "a"),
    "round": ("{{ x|round(1) }}", 2.345, "2.3"),
    "round down": ("{{ x|round(method='floor') }}", 2.9, "2.0"),
    "int": ("{{ x|int }}", "42", "42"),
    "int of a word": ("{{ x|int(7) }}", "word", "7"),
    "float": ("{{ x|float }}", "1.5", "1.5"),
    "string": ("{{ x|string }}", 5, "5"),
    "list": ("{{ x|list|length }}", {"a": 1}, "1"),
    "sort": ("{{ x|sort|join }}", ["b", "A", "c"], "Abc"),
    "sort by case": ("{{ x|sort(case_sensitive=true)|join }}", ["b", "A", "a"], "Aab"),
    "sort backwards": ("{{ x|sort(reverse=true)|join }}", [1, 3, 2], "321"),
    "sort by key": ("{{ x|sort(attribute='n')|join(attribute='n') }}", [{"n": 2}, {"n": 1}], "12"),
    "unique": ("{{ x|unique|join }}", ["b", "a", "B", "b"], "ba"),
    "unique by case": ("{{ x|unique(true)|join }}", ["b", "a", "B", "b"], "baB"),
    "items": ("{% for k, v in x|items %}{{ k }}={{ v }};{% endfor %}", {"a": 1, "b": 2}, "a=1;b=2;"),
    "escape": ("{{ x|escape }}", "<a & b>", "&lt;a &amp; b&gt;"),
    "escape and more": ("{{ x|escape ~ '<' }}", "<", "&lt;<"),
    "concatenation": ("{{ x ~ 1 }}", "a", "a1"),
}


@pytest.mark.parametrize(("source", "value", "text"), GIVES.values(), ids=GIVES.keys())
def test_gives(source: str, value: Json, text: str) -> None:
    """Each filter gives what Jinja's gives, on JSON values, without HTML in mind."""
    assert text == Run({"x": value}).text(compiled(source))


REFUSES: dict[str, tuple[str, Json, str]] = {
    "list printed": ("{{ x }}", [1], "A list cannot be printed as it is: use |tojson"),
    "mapping printed": ("{{ x }}", {}, "A mapping cannot be printed"),
    "null printed": ("{{ x }}", None, "Null cannot be printed"),
    "pairs printed": ("{{ x|items }}", {}, "This value cannot be printed"),
    "list in upper": ("{{ x|upper }}", [1], "A list cannot be printed"),
    "null in a concatenation": ("{{ 'a' ~ x }}", None, "Null cannot be printed"),
    "list in join": ("{{ x|join }}", [[1]], "A list cannot be printed"),
    "null in string": ("{{ x|string }}", None, "Null cannot be printed"),
    "length of a number": ("{{ x|length }}", 5, "|length cannot take a number"),
    "list of a text": ("{{ x|list|join }}", "ab", "|list cannot take a text"),
    "sort of a text": ("{{ x|sort|join }}", "ab", "|sort cannot take a text"),
    "sort of a mixture": ("{{ x|sort|join }}", [1, "a"], "|sort cannot take a list"),
    "unique of mappings": ("{{ x|unique|tojson }}", [{}], "|unique cannot take a list"),
    "sort by a missing key": ("{{ x|sort(attribute='n')|join }}", [{}], "|sort cannot take a list"),
    "join of attributes": ("{{ x|join(attribute='__class__') }}", ["a"], "|join cannot take a list"),
    "join of deep attributes": ("{{ x|join(attribute='a.__class__') }}", [{"a": 1}], "|join cannot take"),
    "items of a list": ("{{ x|items|list|tojson }}", [1], "|items cannot take a list"),
    "first of nothing": ("{{ x|first }}", [], "|first cannot take a list"),
    "last of nothing": ("{{ x|last }}", [], "|last cannot take a list"),
    "round of a text": ("{{ x|round }}", "a", "|round cannot take a text"),
    "round too far": ("{{ x|round(1000, 'ceil') }}", 1.5, "|round cannot take a number"),
    "round in no way": ("{{ x|round(1, 'no') }}", 1.5, "|round cannot take a number"),
    "wrong arguments": ("{{ x|trim(1) }}", "a", "|trim cannot take a text"),
    "too many arguments": ("{{ x|upper(1) }}", "a", "|upper cannot take a text"),
    "missing value": ("{{ y|upper }}", None, "`y` has no value"),
    "missing key": ("{{ x.k|tojson }}", {}, "no key `k`"),
}


@pytest.mark.parametrize(("source", "value", "message"), REFUSES.values(), ids=REFUSES.keys())
def test_refuses(source: str, value: Json, message: str) -> None:
    """What has no one meaning is refused in words, not printed as Python would."""
    with pytest.raises(TemplateError) as caught:
        Run({"x": value}).text(compiled(source))
    assert message in str(caught.value)
    assert 1 == caught.value.line
