"""Names, labels, selectors, ids."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptgraph.domain.errors import InvalidInputError
from promptgraph.domain.names import (
    MAX_VERSION,
    NodeRef,
    Selector,
    checked_label,
    checked_version,
    global_id,
    is_label,
    is_name,
    is_role,
    parse_global_id,
)

NAMES = ["a", "0", "support/triage", "a.b_c-d/e", "a" * 128]
NO_NAMES = [
    *("", "A", "support/Triage", "-a", ".a", "_a", "/a", "a/", "a//b", "a/../b", "..", "a..b", "a" * 129),
    *("a b", "a\n", "a@b", "a\\b", "ä", "a\0", "a\u0301", "\u0430"),
]


@pytest.mark.parametrize("text", NAMES)
def test_takes_names(text: str) -> None:
    """Lower-case paths are names."""
    assert is_name(text)


@pytest.mark.parametrize("text", NO_NAMES, ids=ascii)
def test_takes_no_other_names(text: str) -> None:
    """Nothing that could climb out of a folder, differ by case alone or look like another is a name."""
    assert not is_name(text)


@pytest.mark.parametrize(
    ("text", "label", "role"),
    [
        ("production", True, True),
        ("a-1_b", True, True),
        ("a" * 64, True, True),
        ("latest", False, True),
        ("a" * 65, False, False),
        ("", False, False),
        ("1a", False, False),
        ("Production", False, False),
        ("a b", False, False),
        ("a\n", False, False),
        ("a/b", False, False),
    ],
    ids=ascii,
)
def test_knows_labels_and_roles(text: str, label: bool, role: bool) -> None:  # noqa: FBT001  # columns of the table
    """Labels and roles are short words; `latest` is reserved among labels."""
    assert (label, role) == (is_label(text), is_role(text))


def test_says_what_a_label_is() -> None:
    """What is no label is refused with the rule, `latest` with its meaning."""
    assert "staging" == checked_label("staging")
    with pytest.raises(InvalidInputError, match="A label is made of lower-case letters") as caught:
        checked_label("No", field="input.label")
    assert "input.label" == caught.value.field
    with pytest.raises(InvalidInputError, match="`latest` is reserved"):
        checked_label("latest")


SELECTORS = {
    "a/b": Selector("a/b"),
    "a@production": Selector("a", label="production"),
    "a@2": Selector("a", version=2),
    f"a@{MAX_VERSION}": Selector("a", version=MAX_VERSION),
}


@pytest.mark.parametrize("text", SELECTORS)
def test_reads_selectors_back_as_written(text: str) -> None:
    """A selector names a prompt, and a label or a version; its text is the one that was read."""
    assert SELECTORS[text] == Selector.parse(text)
    assert text == str(Selector.parse(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is no prompt name"),
        ("A@1", "'A' is no prompt name"),
        ("a@", "A label is made of"),
        ("a@No", "A label is made of"),
        ("a@1@2", "A label is made of"),
        ("a@latest", "write 'a' alone"),
        ("a@0", "A version is a whole number"),
        ("a@2147483648", "A version is a whole number"),
        ("a@" + "9" * 5000, "A version is a whole number"),
        ("a@-1", "A label is made of"),
        ("a@1.5", "A label is made of"),
        ("a@²", "A label is made of"),
        ("a @1", "is no prompt name"),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_says_which_part_of_a_selector_is_wrong(text: str, message: str) -> None:
    """The name, the label or the version is blamed."""
    with pytest.raises(InvalidInputError, match=message) as caught:
        Selector.parse(text, field="input.selector")
    assert "input.selector" == caught.value.field


@pytest.mark.parametrize("version", [0, -1, MAX_VERSION + 1])
def test_bounds_versions(version: int) -> None:
    """A version fits a signed 32-bit integer and is at least 1."""
    with pytest.raises(InvalidInputError, match="A version is a whole number from 1"):
        checked_version(version)
    assert 1 == checked_version(1)


@given(st.text(alphabet=st.characters(exclude_characters="\n", exclude_categories=["Cs"])), st.integers())
@settings(deadline=None)
def test_reads_back_its_own_ids(name: str, version: int) -> None:
    """An id holds its type and its key, whatever their characters."""
    assert NodeRef("Prompt", (name, str(version))) == parse_global_id(global_id("Prompt", name, version))


def test_is_the_same_id_everywhere() -> None:
    """Ids are made from natural keys alone, without padding."""
    assert "UHJvbXB0CnN1cHBvcnQvdHJpYWdlCjM" == global_id("Prompt", "support/triage", 3)


def encoded(text: bytes) -> str:
    """Base64 as ids use it, of anything."""
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "é", "a b", "====", "UHJvbXB0", "\0", "9" * 10_000),
        encoded(b"Prompt"),
        encoded(b"\xff\xfe\nx"),
        encoded(b"Prompt\na\n1") + "=",
        encoded(b"Prompt\na\n1") + "\n",
        encoded(b"Prompt\nab\n1")[:-1] + "F",
        base64.b64encode(b"Prompt\n\xc3\xbf\xc3\xbf\xc3\xbe").decode(),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_refuses_forged_ids(text: str) -> None:
    """Only what was made as an id is read as one: no padding, no other alphabet, no loose bits."""
    with pytest.raises(InvalidInputError, match="Not an id of this API") as caught:
        parse_global_id(text, field="id")
    assert len(str(caught.value)) < 400
    assert "id" == caught.value.field
