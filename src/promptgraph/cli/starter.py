"""The prompts folder that `promptgraph init` starts: small, whole, and green in `check`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from promptgraph.cli.writing import check_folder_above, check_own_folder, is_regular, write_new
from promptgraph.domain.errors import InvalidInputError

ANSWER = """\
# The name of this prompt is its path: support/answer
version: 1                        # bump it whenever the content changes: promptgraph bump support/answer
description: Answer a question of a customer.
model: gpt-5-mini
config: {temperature: 0.2}
input:
  schema:                         # JSON Schema of the variables
    type: object
    required: [question]
    properties:
      question: {type: string}
      product: {type: string, description: What the customer bought.}
  default: {product: our product}
messages:
  - role: system
    content: |
      You answer questions about {{ product }}.
      {% include "tone.j2" %}
  - role: user
    content: "{{ question }}"
tags: [support]
metadata: {owner: support-team}
tests:                            # rendered by: promptgraph check
  - input: {question: "How do I reset my password?"}
    contains: ["reset my password", "our product"]
"""

TONE = """\
Be brief and friendly. Say so when you do not know.
"""

AGENT = """\
description: Answers the first question of a customer.
prompts:
  answer: support/answer@production          # name@label, name@2, or name (the latest)
"""

LABELS = """\
# Which version each label serves. A change of this file, reviewed and merged, is a promotion.
production:
  support/answer: 1
"""

STARTER: Mapping[str, str] = {
    "support/answer.prompt.yaml": ANSWER,
    "_partials/tone.j2": TONE,
    "agents/support-bot.agent.yaml": AGENT,
    "labels.yaml": LABELS,
}
"""What each file of a new prompts folder says, by its path in the folder."""
FOLDERS = ("support", "_partials", "agents")
"""The folders that they stand in."""


@dataclass(frozen=True, slots=True)
class Started:
    """What `init` did: the files written and those that were there, as paths in the folder."""

    folder: Path
    written: tuple[str, ...]
    kept: tuple[str, ...]


def start(folder: Path) -> Started:
    """Writes those starter files that the folder lacks.

    raises  InvalidInputError  the folder holds other files: adding to them could break them; or something
                               that is no regular file or folder is where one should be
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise InvalidInputError(f"{folder} is a file; name a folder.", field="folder")
    check_folder_above(folder)
    _refuse_others(folder)
    for path in FOLDERS:
        check_own_folder(folder / path)
    kept = [path for path in STARTER if is_regular(folder / path)]
    missing = [path for path in STARTER if path not in kept]
    for path in ("", *FOLDERS):
        (folder / path).mkdir(exist_ok=True)
    for path in missing:
        write_new(folder / path, STARTER[path])
    return Started(folder, tuple(missing), tuple(kept))


def _refuse_others(folder: Path) -> None:
    paths = (path for path in folder.rglob("*") if not path.is_dir())
    found = (path.relative_to(folder).as_posix() for path in paths)
    if other := next((path for path in found if path not in STARTER and path not in FOLDERS), None):
        raise InvalidInputError(
            f"{folder} holds other files already ({other}), so nothing was written. Name a new folder:"
            " promptgraph init DIR.",
            field="folder",
        )
