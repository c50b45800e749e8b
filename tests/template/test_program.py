"""Compiled templates, and what they may print."""

import threading

import pytest

from promptgraph.domain.canonical import Json
from promptgraph.domain.errors import TemplateError
from promptgraph.template.program import MAX_OUTPUT, Run, compiled

HUNDRED: list[Json] = [*range(100)]


def test_compiles_once() -> None:
    """The same text gives the same program."""
    assert compiled("{{ a }} once") is compiled("{{ a }} once")


def test_keeps_plain_text_as_text() -> None:
    """A template without tags is its text; comments are gone, raw blocks stand."""
    assert "a\nb{{ x }}" == compiled("a\r\nb{# c #}{% raw %}{{ x }}{% endraw %}")


def test_gives_an_empty_text() -> None:
    """An empty template gives an empty text."""
    assert "" == Run({}).text(compiled(""))


def test_checks_before_it_compiles() -> None:
    """A template that an older release let through is checked again."""
    with pytest.raises(TemplateError, match="not allowed"):
        compiled("{{ 'x' * 9 }}")


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{% for a in x %}{{ y }}{% endfor %}", "y" * 100_000),
        ("{{ y }}" * 20, "y" * 60_000),
        ("{{ y }}", "ä" * (MAX_OUTPUT // 2 + 1)),
        ("{{ y ~ y ~ y ~ y ~ y }}", "y" * 250_000),
    ],
    ids=["in a loop", "in turn", "in bytes", "at once"],
)
def test_caps_the_output(source: str, value: str) -> None:
    """Not more than 1 MiB is printed, in bytes."""
    with pytest.raises(TemplateError, match="larger than 1024 KiB"):
        Run({"x": HUNDRED, "y": value}).text(compiled(source))


def test_caps_the_output_of_all_templates() -> None:
    """What several templates print counts together; plain texts count too."""
    run = Run({"y": "y" * (MAX_OUTPUT - 10)})
    run.text(compiled("{{ y }}"))
    assert "123456789x" == run.text(compiled("123456789x"))
    with pytest.raises(TemplateError, match="larger than 1024 KiB"):
        run.text(compiled("1"))


def test_renders_in_threads() -> None:
    """One program serves many threads at once, each with its own values."""
    program = compiled("{% for a in x %}{{ a ~ loop.index }}{% endfor %}")
    found: dict[int, str] = {}

    def work(number: int) -> None:
        numbers: list[Json] = [number for _ in range(20)]
        for _ in range(50):
            found[number] = Run({"x": numbers}).text(program)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {n: "".join(f"{n}{i}" for i in range(1, 21)) for n in range(8)} == found
