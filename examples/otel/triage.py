"""An agent that knows OpenTelemetry and nothing of promptgraph: each call of its model is a span, and the
span is a call there, linked to the version of the prompt that was sent. The model is a stub.

promptgraph demo                      # in another terminal
pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http
export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:8000 OTEL_SERVICE_NAME=triage
python examples/otel/triage.py
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import Request, urlopen

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

SERVER = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:8000")
QUERY = """query($name: String!, $variables: JSON!) {
  prompt(name: $name, label: "production") { name version render(variables: $variables) { text } }
}"""
PROMPT = context.create_key("prompt")
TRACER = trace.get_tracer("triage")


class PromptOnSpans(SpanProcessor):
    """Says on each span which prompt is in use, so that those of instrumented libraries say it, too."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Called with each span that starts."""
        prompt: Any = context.get_value(PROMPT, parent_context) or {}
        for key, value in prompt.items():
            span.set_attribute(key, value)


@contextmanager
def prompted(name: str, **variables: str) -> Iterator[str]:
    """What production serves by this name, rendered; spans inside are of that version."""
    body = json.dumps({"query": QUERY, "variables": {"name": name, "variables": variables}}).encode()
    with urlopen(Request(f"{SERVER}/graphql", body, {"content-type": "application/json"})) as answer:  # noqa: S310  # ours
        prompt = json.load(answer)["data"]["prompt"]
    said = {"gen_ai.prompt.name": prompt["name"], "gen_ai.prompt.version": prompt["version"]}
    token = context.attach(context.set_value(PROMPT, said))
    try:
        yield prompt["render"]["text"]
    finally:
        context.detach(token)


def chat(text: str) -> str:
    """A model's client, as an instrumentation of it tells of a call: it knows no prompts."""
    asked = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
    }
    with TRACER.start_as_current_span("chat gpt-5-mini", attributes=asked) as span:
        if "flight" in text:
            raise TimeoutError("the model took too long")
        span.set_attribute("gen_ai.usage.input_tokens", len(text.split()))
        span.set_attribute("gen_ai.usage.output_tokens", 1)
        span.set_attribute("gen_ai.response.finish_reasons", ["stop"])
        return "billing"


def main() -> None:
    """Two tickets; the model fails at the second."""
    provider = TracerProvider()
    provider.add_span_processor(PromptOnSpans())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    for ticket in ("My card was declined.", "My flight was cancelled."):
        with TRACER.start_as_current_span("ticket"), prompted("support/triage", ticket=ticket) as text:
            try:
                print("queue:", chat(text))
            except TimeoutError as error:
                print("failed:", error)
    provider.shutdown()


if __name__ == "__main__":
    main()
