"""The messages of a prompt file: what is no message, and the line of what is no template."""

import pytest

from tests.files.samples import faults, messages

SHAPES = {
    "no message": ("version: 1\n", ["1:1: There is no message."]),
    "both": (
        "version: 1\ntemplate: x\nmessages: [{role: user, content: x}]\n",
        ["2:1: `template` and `messages` cannot stand together."],
    ),
    "content and parts": (
        messages("{role: user, content: x, parts: [{type: text, text: y}]}"),
        ["3:3: `messages[0]` holds more than one of content, parts and placeholder."],
    ),
    "neither": (
        messages("{role: user}"),
        ["3:3: `messages[0]` needs one of content, parts and placeholder."],
    ),
    "no role": (messages("content: x"), ["3:3: `messages[0].role` is missing."]),
    "role of a placeholder": (
        messages("{placeholder: h, role: user}"),
        ["3:20: A placeholder has no role: its messages bring theirs."],
    ),
    "placeholder without rendering": (
        "engine: none\n" + messages("{placeholder: h}"),
        ["4:4: `engine: none` takes no placeholder: nothing is rendered."],
    ),
    "input without rendering": (
        "version: 1\nengine: none\ntemplate: x\ninput: {schema: {}}\n",
        ["4:1: `engine: none` takes no variables: nothing is rendered."],
    ),
    "number that JSON cannot write": (
        messages("{role: user, parts: [{type: .inf}]}"),
        [
            "3:31: The number `.inf` is not a finite number.",
            "3:31: `messages[0].parts[0].type` must be text.",
        ],
    ),
    "part without type": (
        messages("{role: user, parts: [{text: x}]}"),
        ["3:24: `messages[0].parts[0].type` is missing."],
    ),
    "part whose type is no text": (
        messages("{role: user, parts: [{type: 1}]}"),
        ["3:31: `messages[0].parts[0].type` must be text."],
    ),
}


@pytest.mark.parametrize(("text", "expected"), SHAPES.values(), ids=SHAPES)
def test_tells_misshapen_messages(text: str, expected: list[str]) -> None:
    """Keys that are right by themselves and wrong together."""
    assert expected == faults(text)


TEMPLATES = {
    "literal block": (
        "version: 1\nmessages:\n- role: user\n  content: | # why\n    one\n\n    {{ a.b( }}\n",
        ["7: Not a valid template: unexpected '}', expected ')'."],
    ),
    "literal block with line ends of Windows": (
        "version: 1\r\ntemplate: |\r\n  one\r\n  {% set x = 1 %}\r\n",
        ["4: {% set %} is not allowed in prompt templates."],
    ),
    "folded block": (
        "version: 1\ntemplate: >\n  one\n  {% set x = 1 %}\n",
        ["2:11: {% set %} is not allowed in prompt templates."],
    ),
    "quoted": (
        'version: 1\ntemplate: "one\\n\\n{% set x = 1 %}"\n',
        ["2:11: {% set %} is not allowed in prompt templates."],
    ),
    "part": (
        messages('{role: user, parts: [{type: a, x: [{y: "{% set x = 1 %}"}]}]}'),
        ["3:42: {% set %} is not allowed in prompt templates."],
    ),
    "every message": (
        messages('{role: user, content: "{% set x = 1 %}"}', '{role: user, content: "{{ x() }}"}'),
        [
            "3:25: {% set %} is not allowed in prompt templates.",
            "4:25: A call is not allowed in prompt templates.",
        ],
    ),
    "unknown partial": (
        "version: 1\ntemplate: |\n  one\n  {% include 'tine.j2' %}\n",
        ["4: There is no partial 'tine.j2'. Did you mean 'tone.j2'?"],
    ),
    "way out of the folder": (
        "version: 1\ntemplate: \"{% include '../labels.yaml' %}\"\n",
        ["2:11: There is no partial '../labels.yaml'. There are: tone.j2."],
    ),
}


@pytest.mark.parametrize(("text", "expected"), TEMPLATES.values(), ids=TEMPLATES)
def test_tells_the_line_of_a_template_fault(text: str, expected: list[str]) -> None:
    """In a literal block the file's own line, elsewhere the place where the text begins."""
    assert expected == faults(text, tone="Be kind.\n")
