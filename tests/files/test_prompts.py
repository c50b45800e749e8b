"""One prompt file: its content, and all that is wrong between its keys, at the line to blame."""

import pytest

from promptgraph.domain.prompt import Engine, Message, MessageRole, PromptContent
from promptgraph.domain.tree import Place
from tests.files.samples import TONE, WHOLE, faults, messages, read


def test_reads_a_whole_file() -> None:
    """Every key lands where it belongs, partials in place, free-form values typed, texts as written."""
    spec, found = read(WHOLE, tone=TONE)
    assert [] == found
    assert spec is not None
    expected = PromptContent(
        messages=(
            Message(MessageRole.SYSTEM, content="Be {{ tone }}.\nPick one queue for {{ email }}.\n"),
            Message(placeholder="history"),
            Message(
                MessageRole.USER,
                parts=[
                    {
                        "type": "{{ kept }}",
                        "text": "{{ ticket }}",
                        "n": 1,
                        "more": [{"type": "x", "url": "Be {{ tone }}."}],
                    }
                ],
            ),
        ),
        model="gpt-5-mini",
        config={"temperature": 0, "stop": ["no"], "note": "no"},
        tools=[{"name": "search", "strict": True}],
        input_schema={
            "type": "object",
            "required": ["ticket"],
            "properties": {
                "ticket": {"type": "string"},
                "tone": {"type": "string"},
                "email": {"type": "string", "x-sensitive": True},
            },
        },
        input_default={"tone": "neutral", "email": ""},
        output_schema={"type": "object"},
    )
    assert expected == spec.content
    assert expected.digest() == spec.digest


def test_reads_what_is_not_content() -> None:
    """The family's facts, the tests with their lines, and where all of it came from."""
    spec, _ = read(WHOLE, tone=TONE)
    assert spec is not None
    assert ("a/b", 3, False, ("tone.j2",)) == (spec.name, spec.version, spec.kept, spec.partials)
    assert ("Route a support ticket to a queue.", ("support",), {"owner": "support-team"}, ("triage",)) == (
        spec.description,
        spec.tags,
        spec.metadata,
        spec.formerly,
    )
    assert {"variables": "hashed", "output": "none"} == spec.record.words()
    (test,) = spec.tests
    assert ({"ticket": "My card was declined"}, ("declined",), ("warm",)) == (
        test.input,
        test.contains,
        test.excludes,
    )
    assert (Place("a/b.prompt.yaml", 2, 1), Place("a/b.prompt.yaml", 33, 5)) == (spec.place, test.place)
    assert ("c0ffee", "Ann", "https://example.org/prompts/a/b.prompt.yaml") == (
        spec.source.commit_sha,
        spec.source.author,
        spec.source.url,
    )


def test_takes_a_template_for_one_user_message() -> None:
    """`template:` is short for one message of the user."""
    short, _ = read("version: 1\ntemplate: |\n  Hi\n")
    assert short is not None
    assert (Message(MessageRole.USER, content="Hi\n"),) == short.content.messages


def test_reads_the_same_text_more_than_once() -> None:
    """Two parts may be alike."""
    spec, found = read(messages("{role: user, parts: [{type: x, a: Hi, b: Hi}]}"))
    assert [] == found
    assert spec is not None
    assert [{"type": "x", "a": "Hi", "b": "Hi"}] == spec.content.messages[0].parts


@pytest.mark.parametrize("role", MessageRole)
def test_reads_every_role(role: MessageRole) -> None:
    """All roles that a message may have."""
    spec, found = read(f"version: 1\nmessages: [{{role: {role}, content: x}}]\n")
    assert ([], role) == (found, spec and spec.content.messages[0].role)


def test_keeps_verbatim_text_as_it_is() -> None:
    """With `engine: none` nothing is a template, includes and braces included."""
    text = "{{ not jinja {% include 'nothing' %}"
    spec, found = read(f'version: 1\nengine: none\ntemplate: "{text}"\n')
    assert [] == found
    assert spec is not None
    assert (Engine.NONE, text) == (spec.content.engine, spec.content.messages[0].content)


SAME_CONTENT = {
    "line ends": WHOLE.replace("\n", "\r\n"),
    "comments": WHOLE.replace("config:", "# why\nconfig:"),
    "key order": WHOLE.replace(
        '{temperature: 0, stop: ["no"], note: no}', "{note: no, stop: ['no'], temperature: 0}"
    ),
    "number form": WHOLE.replace("temperature: 0", "temperature: 0.0"),
    "facts of the family": WHOLE.replace("tags: [support]", "tags: [other]").replace("Route", "Send"),
    "version": WHOLE.replace("version: 3", "version: 4"),
    "partial in place": WHOLE.replace('{% include "tone.j2" %}', "Be {{ tone }}."),
}


@pytest.mark.parametrize("text", SAME_CONTENT.values(), ids=SAME_CONTENT)
def test_digest_does_not_see(text: str) -> None:
    """What does not change a model's behaviour does not change the digest."""
    (one, _), (other, found) = read(WHOLE, tone=TONE), read(text, tone=TONE)
    assert [] == found
    assert one is not None and other is not None
    assert one.digest == other.digest


OTHER_CONTENT = {
    "message": WHOLE.replace("Pick one", "Pick a"),
    "role": WHOLE.replace("role: system", "role: developer"),
    "model": WHOLE.replace("gpt-5-mini", "gpt-5"),
    "config": WHOLE.replace("temperature: 0", "temperature: 1"),
    "tools": WHOLE.replace("strict: true", "strict: false"),
    "input": WHOLE.replace("tone: neutral", "tone: warm"),
    "output": WHOLE.replace("schema: {type: object}", "schema: {type: array}"),
    "text for a number": WHOLE.replace("temperature: 0", 'temperature: "0"'),
}


@pytest.mark.parametrize("text", OTHER_CONTENT.values(), ids=OTHER_CONTENT)
def test_digest_sees(text: str) -> None:
    """What changes a model's behaviour changes the digest."""
    (one, _), (other, found) = read(WHOLE, tone=TONE), read(text, tone=TONE)
    assert [] == found
    assert one is not None and other is not None
    assert one.digest != other.digest


def test_digest_sees_a_changed_partial() -> None:
    """A partial's text is content of whoever includes it."""
    (one, _), (other, _) = read(WHOLE, tone=TONE), read(WHOLE, tone=TONE.upper().replace("TONE", "tone"))
    assert one is not None and other is not None
    assert one.digest != other.digest


def test_tells_template_faults_beside_others() -> None:
    """A wrong key hides no fault of a template, and what cannot be judged then is left alone."""
    text = "version: x\nmodle: y\nmessages:\n"
    text += "- {role: user, content: '{{ a( }}'}\n- {role: usr, content: '{{ b }}'}\n"
    assert [
        "1:10: `version` must be a whole number from 1 to 2147483647.",
        "2:1: The key `modle` is not known here.",
        "4:25: Not a valid template: unexpected '}', expected ')'.",
        "5:10: `messages[1].role` must be `system`, `developer`, `user`, `assistant` or `tool`.",
    ] == faults(text)
