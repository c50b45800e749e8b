"""What is wrong between files, each of which may be right by itself."""

import pytest

from tests.factories import prompt_yaml
from tests.files.samples import parsed, told

BETWEEN = {
    "kept without a main file": (
        {"a@2.prompt.yaml": prompt_yaml(2)},
        [
            (
                "a@2.prompt.yaml: This older version has no `a.prompt.yaml` beside it. "
                "Bring the file back, or remove this one."
            )
        ],
    ),
    "kept and not older": (
        {"a@2.prompt.yaml": prompt_yaml(2), "a.prompt.yaml": prompt_yaml(2)},
        [
            (
                "a@2.prompt.yaml: `a.prompt.yaml` has version 2, which is no higher than this one's. "
                "Raise the version there, or remove this file."
            )
        ],
    ),
    "kept beside a broken main file": (
        {"a@2.prompt.yaml": prompt_yaml(2), "a.prompt.yaml": "["},
        [
            (
                "a.prompt.yaml:1:1: This is not valid YAML: did not find expected node content. "
                "Check the brackets, the quotes and the indentation."
            )
        ],
    ),
    "another version than the name says": (
        {"a@2.prompt.yaml": prompt_yaml(1), "a.prompt.yaml": prompt_yaml(3)},
        [
            (
                "a@2.prompt.yaml:1:10: The file's name says version 2, the file says 1. "
                "Write `version: 2`, or rename the file."
            )
        ],
    ),
    "former name that lives": (
        {"a.prompt.yaml": prompt_yaml(formerly=["x", "b"]), "b.prompt.yaml": prompt_yaml()},
        [
            (
                "a.prompt.yaml:4:17: `b` is a prompt of its own: `b.prompt.yaml`. "
                "Remove it here, or remove that file."
            )
        ],
    ),
    "former name that is the name": (
        {"a.prompt.yaml": prompt_yaml(formerly=["a"])},
        ["a.prompt.yaml:4:12: `a` is the name that it has now. Remove it here."],
    ),
    "former name of two": (
        {"a.prompt.yaml": prompt_yaml(formerly=["x"]), "b.prompt.yaml": prompt_yaml(formerly=["x"])},
        ["b.prompt.yaml:4:12: `a.prompt.yaml` had the name `x` too. Remove it from one of them."],
    ),
    "former name of a version kept": (
        {"a@1.prompt.yaml": prompt_yaml(formerly=["x"]), "a.prompt.yaml": prompt_yaml(2, formerly=["x"])},
        [],
    ),
    "the same selector twice": (
        {"agents/a.agent.yaml": "prompts:\n  r: [x@1, y, x@1]\n  s: x@1\n"},
        ["agents/a.agent.yaml:2:15: The role `r` has `x@1` already, on line 2. Remove one of the two."],
    ),
    "names that differ in case": (
        {"a.prompt.yaml": prompt_yaml(), "A.prompt.yaml": prompt_yaml()},
        [
            "A.prompt.yaml: `A` is no prompt name. Rename the file: `a`.",
            (
                "a.prompt.yaml: The path differs from `A.prompt.yaml` in upper and lower case or in accents "
                "alone. Rename one of the two."
            ),
        ],
    ),
    "names that differ in normal form": (
        {"é.md": "", "e\u0301.md": ""},
        [
            (
                "é.md: The path differs from `e\u0301.md` in upper and lower case or in accents "
                "alone. Rename one of the two."
            ),
        ],
    ),
}


@pytest.mark.parametrize(("files", "expected"), BETWEEN.values(), ids=BETWEEN)
def test_tells_what_is_wrong_between_files(files: dict[str, str], expected: list[str]) -> None:
    """Each file may be right by itself."""
    assert expected == told(parsed(files))
