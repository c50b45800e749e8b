"""The forms: what each key may hold, what is said when it does not, and the JSON Schemas for editors."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from pydantic import BaseModel

from promptgraph.files.core import core
from promptgraph.files.filling import MAX_FOUND, filled
from promptgraph.files.form import AgentForm, LabelsForm, PromptForm, json_schemas
from promptgraph.files.yaml import load

ROOT = Path(__file__).parents[2]
VERSION_RULE = "must be a whole number from 1 to 2147483647."
LABEL_RULE = "Use lower-case letters, digits, _ and - (at most 64, first a letter)."
NAME_RULE = "Use lower-case letters, digits and . _ / - (at most 128, first a letter or digit, no ..)."


def told(form: type[BaseModel], text: str) -> list[str]:
    """The findings of a file, each as line:column: message hint."""
    found = filled(form, load(text.encode())).findings
    return [f"{one.line}:{one.column}: {one.message}" + (f" {one.hint}" if one.hint else "") for one in found]


PROMPT_FAULTS = {
    "unknown key": (
        "verison: 1\n",
        ["1:1: The key `verison` is not known here. Did you mean `version`?"],
    ),
    "unknown key, far off": (
        "version: 1\nxyzzy: 1\n",
        [
            (
                "2:1: The key `xyzzy` is not known here. The keys here are: version, description, model, "
                "config, input, output, messages, template, engine, tools, tags, metadata, record, formerly, "
                "tests."
            )
        ],
    ),
    "unknown key inside": (
        "version: 1\nmessages:\n- {role: user, contnt: x}\n",
        ["3:16: The key `contnt` is not known here. Did you mean `content`?"],
    ),
    "unknown key deeper inside": (
        "version: 1\ntests:\n- inputs: {}\n",
        ["3:3: The key `inputs` is not known here. Did you mean `input`?"],
    ),
    "key of another key": (
        "version: 1\ninput: {shema: {}}\n",
        ["2:9: The key `shema` is not known here. Did you mean `schema`?"],
    ),
    "no level": (
        "version: 1\nrecord: {variables: full, output: hash}\n",
        ["2:35: `record.output` must be `full`, `hashed` or `none`. Did you mean `hashed`?"],
    ),
    "level of nothing": (
        "version: 1\nrecord: {outputs: none}\n",
        ["2:10: The key `outputs` is not known here. Did you mean `output`?"],
    ),
    "level for all parts": (
        "version: 1\nrecord: none\n",
        ["2:9: `record` must be a mapping, not text."],
    ),
    "name": (
        "version: 1\nname: x\n",
        ["2:1: The key `name` is not known here. A prompt's name is the path of its file."],
    ),
    "missing": ("model: x\n", ["1:1: `version` is missing. Add `version:`."]),
    "missing inside": ("version: 1\noutput: {}\n", ["2:1: `output.schema` is missing. Add `schema:`."]),
    "quoted version": (
        'version: "3"\n',
        [f"1:10: `version` {VERSION_RULE} Write it without quotes: 3."],
    ),
    "block version": (
        "version: |-\n  3\n",
        [f"1:10: `version` {VERSION_RULE} Write it without quotes: 3."],
    ),
    **{
        f"version {text}": (
            f"version: {text}\n",
            [f"1:10: `version` {VERSION_RULE} Write plain digits, as 3."],
        )
        for text in ("0", "-1", "+1", "1.0", "1.10", "03", "1_000", "2147483648", "9" * 5000, "v3", "٣")
    },
    "version without value": (
        "version:\nmodel: x\n",
        ["1:9: `version` has no value. Give one, or leave the key out."],
    ),
    "version list": ("version: [1]\n", ["1:10: `version` must be text, not a list."]),
    "null": (
        "version: 1\nmodel: null\n",
        ["2:8: `model` has no value. Give one, or leave the key out."],
    ),
    "tilde": (
        "version: 1\nmetadata: ~\n",
        ["2:11: `metadata` has no value. Give one, or leave the key out."],
    ),
    "text for a mapping": (
        "version: 1\nconfig: x\n",
        ["2:9: `config` must be a mapping, not text."],
    ),
    "text for a list": (
        "version: 1\ntags: a\n",
        ["2:7: `tags` must be a list, not text. Put [ ] round it, or a dash before each item."],
    ),
    "mapping for a text": (
        "version: 1\ndescription: {a: 1}\n",
        ["2:14: `description` must be text, not a mapping."],
    ),
    "text for a message": (
        "version: 1\nmessages: [x]\n",
        ["2:12: `messages[0]` must be a mapping, not text."],
    ),
    "role": (
        "version: 1\nmessages:\n- {role: usr, content: x}\n",
        [
            (
                "3:10: `messages[0].role` must be `system`, `developer`, `user`, `assistant` or `tool`. "
                "Did you mean `user`?"
            )
        ],
    ),
    "engine": (
        "version: 1\nengine: Jinja\n",
        ["2:9: `engine` must be `jinja` or `none`. Did you mean `jinja`?"],
    ),
    "no messages": ("version: 1\nmessages: []\n", ["2:11: `messages` must hold at least 1 item."]),
    "too many messages": (
        "version: 1\nmessages:\n" + "- {role: user, content: x}\n" * 101,
        ["3:1: `messages` may hold at most 100 items."],
    ),
    "empty content": (
        'version: 1\nmessages: [{role: user, content: ""}]\n',
        ["2:34: `messages[0].content` must not be empty."],
    ),
    "empty template": ('version: 1\ntemplate: ""\n', ["2:11: `template` must not be empty."]),
    "no parts": (
        "version: 1\nmessages: [{role: user, parts: []}]\n",
        ["2:32: `messages[0].parts` must hold at least 1 item."],
    ),
    "placeholder name": (
        "version: 1\nmessages: [{placeholder: chat history}]\n",
        [
            (
                "2:26: `chat history` is no variable name. "
                "Use letters, digits and _ (at most 100, first a letter)."
            )
        ],
    ),
    "long description": (
        f"version: 1\ndescription: {'x' * 2001}\n",
        ["2:14: `description` may hold at most 2000 characters."],
    ),
    "long model": (
        f"version: 1\nmodel: {'x' * 201}\n",
        ["2:8: `model` may hold at most 200 characters."],
    ),
    "tag": ("version: 1\ntags: [ok, Not-ok]\n", [f"2:12: `Not-ok` is no tag. {LABEL_RULE}"]),
    "tag with a bidi mark": (
        "version: 1\ntags: [a\u202eb]\n",
        ["2:8: `tags[0]` holds the invisible character U+202E. Remove it."],
    ),
    "long tag": (
        f"version: 1\ntags: [{'a' * 65}]\n",
        [f"2:8: `{'a' * 60}…` is no tag. {LABEL_RULE}"],
    ),
    "too many tags": (
        f"version: 1\ntags: [{', '.join(f't{i}' for i in range(33))}]\n",
        ["2:7: `tags` may hold at most 32 items."],
    ),
    "former name": ("version: 1\nformerly: [A]\n", [f"2:12: `A` is no prompt name. {NAME_RULE}"]),
    "large metadata": (
        f"version: 1\nmetadata: {{a: {'x' * 16385}}}\n",
        ["2:11: `metadata` may hold at most 16384 bytes of JSON."],
    ),
    "deep metadata": (
        f"version: 1\nmetadata: {{a: {'[' * 10}{']' * 10}}}\n",
        ["2:11: `metadata` is nested deeper than 10."],
    ),
    "numbers": (
        "version: 1\nconfig: {a: 99999999999999999999}\nmetadata: {b: .inf}\n",
        [
            (
                "2:13: The number `99999999999999999999` is beyond 2**53 - 1. "
                "JSON has no exact form for it: put quotes round it to keep it as text."
            ),
            (
                "3:15: The number `.inf` is not a finite number. "
                "JSON has no exact form for it: put quotes round it to keep it as text."
            ),
        ],
    ),
    "empty expectation": (
        'version: 1\ntests: [{contains: [""]}]\n',
        ["2:21: `tests[0].contains[0]` must not be empty."],
    ),
    "everything at once": (
        "version: x\nmodel: []\ntgas: []\nmessages:\n- {role: x, content: []}\n",
        [
            f"1:10: `version` {VERSION_RULE} Write plain digits, as 3.",
            "2:8: `model` must be text, not a list.",
            "5:10: `messages[0].role` must be `system`, `developer`, `user`, `assistant` or `tool`.",
            "5:22: `messages[0].content` must be text, not a list.",
            "3:1: The key `tgas` is not known here. Did you mean `tags`?",
        ],
    ),
}


@pytest.mark.parametrize(("text", "expected"), PROMPT_FAULTS.values(), ids=PROMPT_FAULTS)
def test_tells_what_is_wrong_with_a_prompt(text: str, expected: list[str]) -> None:
    """Each fault at its line and column, with what to do."""
    assert expected == told(PromptForm, text)


AGENT_FAULTS = {
    "role": ("prompts: {A: x}\n", [f"1:11: `A` is no role. {LABEL_RULE}"]),
    "selector": (
        "prompts: {a: [X@y]}\n",
        [
            (
                "1:15: A selector is name, name@label or name@version; 'X' is no prompt name "
                "(lower-case letters, digits and . _ / - (at most 128, first a letter or digit, no ..))."
            )
        ],
    ),
    "label of a selector": (
        "prompts: {a: {prompt: x@latest}}\n",
        ["1:23: `latest` is reserved: write 'x' alone for the latest version."],
    ),
    "version of a selector": (
        "prompts: {a: x@0}\n",
        ["1:14: A version is a whole number from 1 to 2147483647."],
    ),
    "key": (
        "prompts: {a: {promt: x}}\n",
        ["1:15: The key `promt` is not known here. Did you mean `prompt`?"],
    ),
    "when": (
        "prompts: {a: {prompt: x, when: [a]}}\n",
        ["1:32: `prompts.a[0].when` must be a mapping, not a list."],
    ),
    "no assignment": ("prompts: {a: []}\n", ["1:14: `prompts.a` must hold at least 1 item."]),
    "nothing": (
        "prompts: {a: }\n",
        ["1:14: `prompts.a[0]` has no value. Give one, or leave the key out."],
    ),
    "list of roles": ("prompts: [a]\n", ["1:10: `prompts` must be a mapping, not a list."]),
}


@pytest.mark.parametrize(("text", "expected"), AGENT_FAULTS.values(), ids=AGENT_FAULTS)
def test_tells_what_is_wrong_with_an_agent(text: str, expected: list[str]) -> None:
    """Short and long forms of an assignment are told at what is written."""
    assert expected == told(AgentForm, text)


LABEL_FAULTS = {
    "label": ("Prod: {}\n", ["1:1: A label is made of " + LABEL_RULE[4:]]),
    "latest": ("latest: {a: 1}\n", ["1:1: `latest` is reserved: it always means the highest version."]),
    "name": ("prod:\n  A: 1\n", [f"2:3: `A` is no prompt name. {NAME_RULE}"]),
    "version": (
        'prod: {a: "1"}\n',
        [f"1:11: `prod.a` {VERSION_RULE} Write it without quotes: 1."],
    ),
    "nothing": ("prod:\n", ["1:6: `prod` has no value. Give one, or leave the key out."]),
    "list": ("prod: [a]\n", ["1:7: `prod` must be a mapping, not a list."]),
}


@pytest.mark.parametrize(("text", "expected"), LABEL_FAULTS.values(), ids=LABEL_FAULTS)
def test_tells_what_is_wrong_with_labels(text: str, expected: list[str]) -> None:
    """Labels, names and versions each at their own place."""
    assert expected == told(LabelsForm, text)


def test_tells_a_bounded_number_of_findings() -> None:
    """A file of nothing but strangers does not fill the screen, nor the time."""
    text = "".join(f"stranger{i}: x\n" for i in range(6_000))
    assert MAX_FOUND == len(told(PromptForm, text))


def test_reads_both_forms_of_an_assignment() -> None:
    """A selector alone, one mapping and a list are the same thing, longer."""
    text = "prompts: {a: x, b: {prompt: x@1, when: {p: [a, 1]}}, c: [y@p, {prompt: z, metadata: {n: 1}}]}\n"
    form = filled(AgentForm, load(text.encode())).form
    assert form is not None
    found = {
        role: [(one.prompt, one.when, one.metadata) for one in ones] for role, ones in form.prompts.items()
    }
    assert {
        "a": [("x", {}, {})],
        "b": [("x@1", {"p": ["a", 1]}, {})],
        "c": [("y@p", {}, {}), ("z", {}, {"n": 1})],
    } == found


def test_keeps_text_that_looks_like_something_else() -> None:
    """In a text field no, 1.10 and true are what they look like."""
    form = filled(
        PromptForm, load(b"version: 1\nmodel: 3.50\ndescription: no\ntests: [{contains: [true, 1]}]\n")
    ).form
    assert form is not None
    assert ("3.50", "no", ["true", "1"]) == (form.model, form.description, form.tests[0].contains)


SCHEMAS: dict[str, dict[str, Any]] = json_schemas()


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_folder_is_fresh(name: str) -> None:
    """schema/ holds what this version says; `make gen` writes it."""
    assert SCHEMAS[name] == json.loads((ROOT / "schema" / name).read_text())


def keys_of(schema: object) -> list[tuple[str, dict[str, Any]]]:
    """Every key that a JSON Schema names, with what is said of it."""
    if isinstance(schema, list):
        return [pair for item in schema for pair in keys_of(item)]
    if not isinstance(schema, dict):
        return []
    named = schema.get("properties", {})
    below = [pair for key, value in schema.items() for pair in keys_of(value)]
    return [*named.items(), *below]


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_describes_every_key(name: str) -> None:
    """Editors have a word for each key, by itself or behind its reference."""
    definitions = SCHEMAS[name].get("$defs", {})
    for key, value in keys_of(SCHEMAS[name]):
        behind = definitions.get(str(value.get("$ref", "")).rpartition("/")[2], {})
        assert value.get("description") or behind.get("description"), key


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_a_schema(name: str) -> None:
    """It is valid by its own dialect, which yaml-language-server reads."""
    assert "http://json-schema.org/draft-07/schema#" == SCHEMAS[name]["$schema"]
    jsonschema_rs.meta.validate(SCHEMAS[name])


FORMS: dict[str, type[BaseModel]] = {"prompt": PromptForm, "agent": AgentForm, "labels": LabelsForm}
AGREED = {
    "prompt": [
        "version: 1\ntemplate: x\n",
        "version: 1\nmessages: [{role: user, parts: [{type: text, text: x}]}, {placeholder: h}]\n",
        "version: 1\ntemplate: x\nengine: none\ntags: [a]\ntests: [{input: {a: 1}, contains: [b]}]\n",
        "version: 1\ntemplate: x\nmodle: y\n",
        'version: "1"\ntemplate: x\n',
        "version: 0\ntemplate: x\n",
        "template: x\n",
        "version: 1\ntemplate: x\nengine: python\n",
        "version: 1\ntemplate: x\ntags: a\n",
        "version: 1\ntemplate: x\nmetadata: null\n",
        "version: 1\nmessages: []\n",
        "version: 1\nmessages: [{role: nobody, content: x}]\n",
    ],
    "agent": [
        "prompts: {a: x, b: [x, {prompt: y, when: {a: 1}}], c: {prompt: z}}\n",
        "description: x\n",
        "prompts: {a: 1.5}\n",
        "prompts: {a: []}\n",
        "prompts: {a: {promt: x}}\n",
        "prompts: [a]\n",
    ],
    "labels": [
        "production: {a: 1}\nstaging: {}\n",
        'production: {a: "1"}\n',
        "production: {a: 0}\n",
        "a: [b]\n",
    ],
}
EDITORS_ALONE = {"prompts: {a: 1.5}\n"}
"""What only an editor minds: a number where text is meant, which a reader takes as the text it is."""


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in AGREED.items() for text in texts], ids=repr
)
def test_schema_agrees_with_the_form(name: str, text: str) -> None:
    """What an editor underlines is what `check` refuses."""
    root = load(text.encode())
    validator = jsonschema_rs.Draft7Validator(SCHEMAS[f"{name}.schema.json"])
    fine = filled(FORMS[name], root).form is not None and text not in EDITORS_ALONE
    assert fine == validator.is_valid(core(root))
