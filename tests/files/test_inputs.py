"""The variables of a prompt file: declared and used, with defaults that fit, and with what is sensitive."""

import pytest

from promptgraph.files.read import SourceFile
from promptgraph.files.tree import parse_tree
from tests.factories import prompt_yaml
from tests.files.samples import faults, messages


def with_input(schema: str, template: str = "{{ a }}", more: str = "") -> str:
    """A file that declares its variables so."""
    return f"version: 1\ntemplate: '{template}'\ninput:\n  schema: {schema}\n{more}"


VARIABLES = {
    "undeclared": (prompt_yaml(content="{{ a }} {{ b }}", input=None), 2),
    "nothing used": (with_input("{}", "x"), 0),
    "declared and used": (with_input("{properties: {a: {type: string}}}"), 0),
    "anything goes": (with_input("{properties: {a: true}}"), 0),
    "only in a branch": (with_input("{properties: {a: {}, b: {}}}", "{% if a %}{{ b }}{% endif %}"), 0),
    "declared placeholder": (
        messages("{placeholder: h}") + "input: {schema: {properties: {h: {type: array}}}}\n",
        0,
    ),
    "placeholder": (messages("{placeholder: h}"), 0),
    "required placeholder": (messages("{placeholder: h}") + "input: {schema: {required: [h]}}\n", 0),
    "default of a placeholder": (
        messages("{placeholder: h}") + "input: {default: {h: [{role: user, content: x}]}}\n",
        0,
    ),
    "loop variables": (
        with_input("{properties: {a: {}}}", "{% for x in a %}{{ x }}{{ loop.index }}{% endfor %}"),
        0,
    ),
}


@pytest.mark.parametrize(("text", "expected"), VARIABLES.values(), ids=VARIABLES)
def test_counts_the_variables(text: str, expected: int) -> None:
    """What is used and what is declared must be the same, placeholders included."""
    assert expected == len(faults(text))


INPUTS = {
    "used, not declared": (
        "version: 1\ntemplate: |\n  Hi\n  there {{ naem }}\ninput: {schema: {properties: {name: {}}}}\n",
        [
            "4: The variable `naem` is used and not declared.",
            "5:31: The variable `name` is declared, and no message uses it.",
        ],
    ),
    "default in the schema": (
        with_input("{properties: {a: {type: string, default: x}}}"),
        ["4:43: The default of `a` stands inside its schema."],
    ),
    "default of nothing": (
        with_input("{properties: {a: {}}}", more="  default: {a: 1, b: 2}\n"),
        ["5:19: `b` has a default and is not declared."],
    ),
    "default that does not fit": (
        with_input(
            "{properties: {a: {type: object, properties: {n: {type: number}}}}}",
            more="  default: {a: {n: x}}\n",
        ),
        ['5:16: The default `a.n` is not of type "number".'],
    ),
    "default of a placeholder": (
        messages("{placeholder: h}") + "input: {default: {h: [x]}}\n",
        ["4:22: The default `h` is no list of messages, each with a role."],
    ),
    "number that JSON cannot write": (
        with_input("{properties: {a: {maximum: .inf}}}"),
        ["4:38: The number `.inf` is not a finite number."],
    ),
    "type of all": (
        with_input("{type: string}", "x"),
        ["4:18: `input.schema.type` must be `object`: it describes all variables."],
    ),
    "properties": (
        with_input("{properties: [a]}", "x"),
        ["4:24: `input.schema.properties` must be a mapping of variables."],
    ),
    "required nothing": (
        with_input("{required: [a, b], properties: {a: {}}}"),
        ["4:26: `b` is required and not declared."],
    ),
    "placeholder that is no list": (
        messages("{placeholder: h}") + "input: {schema: {properties: {h: {type: string}}}}\n",
        ["4:41: The placeholder `h` holds messages: its type must be `array`."],
    ),
    "sensitive, misspelt": (
        with_input("{properties: {a: {sensitive: true}}}"),
        ["4:29: The key `sensitive` would hide nothing."],
    ),
    "sensitive, no boolean": (
        with_input("{properties: {a: {x-sensitive: yes}}}"),
        ["4:42: `x-sensitive` must be true or false."],
    ),
    "sensitive, quoted": (
        with_input("{properties: {a: {x-sensitive: 'true'}}}"),
        ["4:42: `x-sensitive` must be true or false."],
    ),
    "sensitive, too deep": (
        with_input("{properties: {a: {properties: {b: {x-sensitive: true}}}}}"),
        ["4:46: `x-sensitive` is heeded on a variable itself alone."],
    ),
    "sensitive, too high": (
        with_input("{x-sensitive: true, properties: {a: {}}}"),
        ["4:12: `x-sensitive` is heeded on a variable itself alone."],
    ),
    "sensitive, on a variable of an awkward name": (
        with_input("{properties: {properties: {x-sensitive: 1}}}", "{{ properties }}"),
        ["4:51: `x-sensitive` must be true or false."],
    ),
    "sensitive, behind a reference": (
        with_input("{properties: {a: {$ref: '#/$defs/b'}}, $defs: {b: {x-sensitive: true}}}"),
        ["4:62: `x-sensitive` is heeded on a variable itself alone."],
    ),
    "sensitive as a name": (
        with_input("{properties: {a: {properties: {sensitive: {}, x-sensitive: {}}}}}"),
        [],
    ),
}


@pytest.mark.parametrize(("text", "expected"), INPUTS.values(), ids=INPUTS)
def test_tells_what_is_wrong_with_variables(text: str, expected: list[str]) -> None:
    """Schema, defaults and use of the variables, each at its own place."""
    assert expected == faults(text)


SCHEMAS = {
    "type": with_input("{properties: {b: {}, a: {type: strin}}}", "{{ a }}{{ b }}"),
    "pattern": with_input("{properties: {b: {}, a: {pattern: '('}}}", "{{ a }}{{ b }}"),
    "remote reference": with_input(
        "{properties: {b: {}, a: {$ref: 'https://example.org/x'}}}", "{{ a }}{{ b }}"
    ),
}


@pytest.mark.parametrize("text", SCHEMAS.values(), ids=SCHEMAS)
def test_tells_which_variable_spoils_the_schema(text: str) -> None:
    """A schema that is none is told at the variable, once."""
    (found,) = faults(text)
    assert found.startswith("4:32: input.schema cannot be used as a JSON Schema: ")


def test_tells_an_output_schema_that_is_none() -> None:
    """The schema of the answer is checked too."""
    (found,) = faults("version: 1\ntemplate: x\noutput:\n  schema: {type: strin}\n")
    assert found.startswith("4:3: output.schema cannot be used as a JSON Schema: ")


HINTS = {
    "no input yet": (
        "version: 1\ntemplate: 'Hi {{ name }}'\n",
        "Add `input: {schema: {type: object, required: [name], properties: {name: {type: string}}}}`.",
    ),
    "beside others": (
        with_input("{properties: {a: {}}}", "{{ a }} {{ xyz }}"),
        "Add `xyz: {type: string}` under input.schema.properties.",
    ),
    "nearly another": (
        with_input("{properties: {ticket: {}}}", "{{ ticket }} {{ tickets }}"),
        "Did you mean `ticket`? Add `tickets: {type: string}` under input.schema.properties.",
    ),
}


@pytest.mark.parametrize(("text", "expected"), HINTS.values(), ids=HINTS)
def test_shows_the_yaml_that_declares_a_variable(text: str, expected: str) -> None:
    """The hint can be copied."""
    (problem,) = parse_tree([SourceFile("a.prompt.yaml", text.encode())]).problems
    assert expected == problem.hint


def test_tells_a_bounded_number_of_variables() -> None:
    """A file of nothing but undeclared variables does not fill the screen, nor the time; it says so."""
    used = [" ".join(f"{{{{ v{i} }}}}" for i in range(start, start + 1_500)) for start in (0, 1_500)]
    text = messages(*(f"{{role: user, content: '{content}'}}" for content in used))
    declared = "input: {schema: {properties: {" + ", ".join(f"w{i}: {{}}" for i in range(3_000)) + "}}}\n"
    found = faults(text + declared)
    assert 101 == len(found)
    assert "There are more problems in this file." in found[0]
