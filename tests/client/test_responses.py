"""Answers of providers, as their own packages' classes and as the JSON that travels."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.types import Message
from google.genai.types import GenerateContentResponse
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

from promptgraph import llm_call_from
from promptgraph.client.client import Client
from promptgraph.domain.errors import InvalidInputError
from tests.client.serving import stored

CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-6-2026",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "logprobs": None,
            "message": {"role": "assistant", "content": "billing"},
        }
    ],
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 5},
        "completion_tokens_details": {"reasoning_tokens": 12},
    },
}
TOOLS = CHAT | {
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "logprobs": None,
            "message": {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
                * 2,
            },
        }
    ],
    "usage": None,
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "model": "gpt-6",
    "status": "completed",
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "incomplete_details": None,
    "output": [
        {"type": "reasoning", "id": "r", "summary": []},
        {
            "type": "function_call",
            "id": "f",
            "call_id": "c",
            "name": "f",
            "arguments": "{}",
            "status": "completed",
        },
        {
            "type": "message",
            "id": "m",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "billing", "annotations": []}],
        },
    ],
    "usage": {
        "input_tokens": 100,
        "output_tokens": 20,
        "total_tokens": 120,
        "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 12},
    },
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-5-5",
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "bill"},
        {"type": "text", "text": "ing"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {}},
    ],
    "usage": {
        "input_tokens": 55,
        "output_tokens": 20,
        "cache_read_input_tokens": 40,
        "cache_creation_input_tokens": 5,
        "output_tokens_details": {"thinking_tokens": 12},
    },
}
GENERATED = {
    "responseId": "g1",
    "modelVersion": "gemini-4-flash",
    "candidates": [
        {
            "finishReason": "STOP",
            "content": {
                "role": "model",
                "parts": [
                    {"text": "hm", "thought": True},
                    {"text": "billing"},
                    {"functionCall": {"name": "f", "args": {}}},
                ],
            },
        }
    ],
    "usageMetadata": {
        "promptTokenCount": 90,
        "toolUsePromptTokenCount": 10,
        "candidatesTokenCount": 8,
        "thoughtsTokenCount": 12,
        "cachedContentTokenCount": 40,
        "totalTokenCount": 120,
    },
}
COMMON = {
    "input_tokens": 100,
    "output_tokens": 20,
    "cache_read_input_tokens": 40,
    "reasoning_output_tokens": 12,
    "output": "billing",
}
CASES: dict[str, tuple[type[Any], dict[str, Any], dict[str, Any]]] = {
    "openai chat": (
        ChatCompletion,
        CHAT,
        COMMON
        | {
            "provider": "openai",
            "response_model": "gpt-6-2026",
            "response_id": "chatcmpl-1",
            "finish_reasons": ["stop"],
            "cache_write_input_tokens": 5,
            "tool_call_count": 0,
        },
    ),
    "openai tools": (
        ChatCompletion,
        TOOLS,
        {
            "provider": "openai",
            "response_model": "gpt-6-2026",
            "response_id": "chatcmpl-1",
            "finish_reasons": ["tool_calls"],
            "tool_call_count": 2,
        },
    ),
    "openai responses": (
        Response,
        RESPONSE,
        COMMON
        | {
            "provider": "openai",
            "response_model": "gpt-6",
            "response_id": "resp_1",
            "finish_reasons": ["completed"],
            "cache_write_input_tokens": 0,
            "tool_call_count": 1,
        },
    ),
    "anthropic": (
        Message,
        MESSAGE,
        COMMON
        | {
            "provider": "anthropic",
            "response_model": "claude-haiku-5-5",
            "response_id": "msg_1",
            "finish_reasons": ["tool_use"],
            "cache_write_input_tokens": 5,
            "tool_call_count": 1,
        },
    ),
    "google": (
        GenerateContentResponse,
        GENERATED,
        COMMON
        | {
            "provider": "google",
            "response_model": "gemini-4-flash",
            "response_id": "g1",
            "finish_reasons": ["STOP"],
            "tool_call_count": 1,
        },
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_reads_what_an_answer_says(case: str) -> None:
    """From the package's own object and from its JSON alike; totals count their parts."""
    kind, answer, expected = CASES[case]
    assert expected == llm_call_from(kind.model_validate(answer))
    assert expected == llm_call_from(answer)


def test_an_answer_can_be_recorded_as_it_is(client: Client, server: str) -> None:
    """`finish(**llm_call_from(response))` is all."""
    with client.llm_call(client.prompt("support/enterprise"), model="claude-haiku-5-5") as call:
        call.finish(**llm_call_from(Message.model_validate(MESSAGE)))
    assert {
        "provider": "anthropic",
        "inputTokens": 100,
        "output": "billing",
        "finishReasons": ["tool_use"],
    } == stored(server, call.call_id, "provider inputTokens output finishReasons")


@pytest.mark.parametrize("answer", ["billing", None, {"text": "billing"}, 7], ids=repr)
def test_what_is_no_answer_is_refused(answer: object) -> None:
    """With a word on what to do instead."""
    with pytest.raises(InvalidInputError, match="finish"):
        llm_call_from(answer)
