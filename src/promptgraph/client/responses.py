"""What a provider's answer says of its call, read by its shape: no provider's package is needed.

source  the answers of OpenAI (chat completions and responses), Anthropic (messages) and Google (generate
        content), as objects of their packages or as the JSON that they stand for; November 2026
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from promptgraph.client.calls import CallFacts
from promptgraph.domain.errors import InvalidInputError


class _Read:
    """A value of an answer: attributes or keys, None where there is nothing."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __getitem__(self, name: str) -> _Read:
        value = self.value
        found = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
        return _Read(found)

    def __bool__(self) -> bool:
        return self.value is not None

    def text(self) -> str | None:
        """A text, or the value of an enumeration."""
        found = getattr(self.value, "value", self.value)
        return found if isinstance(found, str) and found else None

    def count(self) -> int | None:
        return self.value if type(self.value) is int else None

    def items(self) -> list[_Read]:
        return [_Read(item) for item in self.value] if isinstance(self.value, list | tuple) else []


def llm_call_from(response: Any) -> CallFacts:
    """What a provider's answer says: model, id, tokens, why it stopped, tool calls and the output. It is for
    `finish` or `record`: `call.finish(**llm_call_from(response))`.

    units   input tokens count the cached ones, output tokens the reasoning ones, whatever the provider does
    raises  InvalidInputError  it is no answer of a provider that is known here
    """
    read = _Read(response)
    for is_it, facts_of in _SHAPES:
        if is_it(read):
            facts = {name: value for name, value in facts_of(read).items() if value not in (None, [], "")}
            return cast("CallFacts", facts)
    raise InvalidInputError(
        f"A {type(response).__name__} is no answer of OpenAI, Anthropic or Google that is known here: name"
        " its facts yourself, e.g. finish(output=…, input_tokens=…).",
        field="response",
    )


def _chat(read: _Read) -> dict[str, Any]:
    usage, choices = read["usage"], read["choices"].items()
    calls = [call for choice in choices for call in choice["message"]["tool_calls"].items()]
    return {
        **_common("openai", read["model"], read["id"]),
        "input_tokens": usage["prompt_tokens"].count(),
        "output_tokens": usage["completion_tokens"].count(),
        "cache_read_input_tokens": usage["prompt_tokens_details"]["cached_tokens"].count(),
        "cache_write_input_tokens": usage["prompt_tokens_details"]["cache_write_tokens"].count(),
        "reasoning_output_tokens": usage["completion_tokens_details"]["reasoning_tokens"].count(),
        "finish_reasons": _texts(choice["finish_reason"] for choice in choices),
        "tool_call_count": len(calls),
        "output": _output([choice["message"]["content"].text() for choice in choices]),
    }


def _response(read: _Read) -> dict[str, Any]:
    usage, items = read["usage"], read["output"].items()
    texts = [part["text"].text() for item in items for part in item["content"].items()]
    why = read["incomplete_details"]["reason"] or read["status"]
    return {
        **_common("openai", read["model"], read["id"]),
        "input_tokens": usage["input_tokens"].count(),
        "output_tokens": usage["output_tokens"].count(),
        "cache_read_input_tokens": usage["input_tokens_details"]["cached_tokens"].count(),
        "cache_write_input_tokens": usage["input_tokens_details"]["cache_write_tokens"].count(),
        "reasoning_output_tokens": usage["output_tokens_details"]["reasoning_tokens"].count(),
        "finish_reasons": _texts([why]),
        "tool_call_count": sum((item["type"].text() or "").endswith("_call") for item in items),
        "output": _joined(texts),
    }


def _message(read: _Read) -> dict[str, Any]:
    usage, blocks = read["usage"], read["content"].items()
    cached, written = (usage[f"cache_{what}_input_tokens"].count() for what in ("read", "creation"))
    fresh = usage["input_tokens"].count()
    return {
        **_common("anthropic", read["model"], read["id"]),
        # Anthropic counts cached tokens beside the others
        "input_tokens": _sum(fresh, cached, written),
        "output_tokens": usage["output_tokens"].count(),
        "cache_read_input_tokens": cached,
        "cache_write_input_tokens": written,
        "reasoning_output_tokens": usage["output_tokens_details"]["thinking_tokens"].count(),
        "finish_reasons": _texts([read["stop_reason"]]),
        "tool_call_count": sum(block["type"].text() == "tool_use" for block in blocks),
        "output": _joined([block["text"].text() for block in blocks]),
    }


def _generated(read: _Read) -> dict[str, Any]:
    usage = read["usage_metadata"] or read["usageMetadata"]
    candidates = read["candidates"].items()
    parts = [part for each in candidates for part in each["content"]["parts"].items()]

    def count(snake: str, camel: str) -> int | None:
        return (usage[snake] or usage[camel]).count()

    thoughts = count("thoughts_token_count", "thoughtsTokenCount")
    made = count("candidates_token_count", "candidatesTokenCount")
    return {
        **_common(
            "google",
            read["model_version"] or read["modelVersion"],
            read["response_id"] or read["responseId"],
        ),
        "input_tokens": _sum(
            count("prompt_token_count", "promptTokenCount"),
            count("tool_use_prompt_token_count", "toolUsePromptTokenCount"),
        ),
        # Google counts thoughts and the results of its own tools beside the others
        "output_tokens": _sum(made, thoughts),
        "cache_read_input_tokens": count("cached_content_token_count", "cachedContentTokenCount"),
        "reasoning_output_tokens": thoughts,
        "finish_reasons": _texts(each["finish_reason"] or each["finishReason"] for each in candidates),
        "tool_call_count": sum(bool(part["function_call"] or part["functionCall"]) for part in parts),
        "output": _joined([None if part["thought"].value else part["text"].text() for part in parts]),
    }


_SHAPES: tuple[tuple[Callable[[_Read], bool], Callable[[_Read], dict[str, Any]]], ...] = (
    (lambda read: bool(read["choices"]), _chat),
    (lambda read: read["object"].value == "response", _response),
    (lambda read: bool(read["stop_reason"]) or read["type"].value == "message", _message),
    (lambda read: bool(read["candidates"] or read["usage_metadata"] or read["usageMetadata"]), _generated),
)
"""The first that fits: how an answer is known, and how it is read."""


def _common(provider: str, model: _Read, id_: _Read) -> dict[str, Any]:
    return {"provider": provider, "response_model": model.text(), "response_id": id_.text()}


def _sum(*counts: int | None) -> int | None:
    """None where nothing is known."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _texts(values: Any) -> list[str]:
    return [text for value in values if (text := value.text())]


def _joined(texts: list[str | None]) -> str:
    return "".join(text for text in texts if text)


def _output(texts: list[str | None]) -> Any:
    """One text for one choice, a list for several."""
    return texts[0] if len(texts) == 1 else texts
