"""The prompts that `promptgraph init` starts a folder with: small, whole, and green in `check`."""

from __future__ import annotations

from collections.abc import Mapping

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
