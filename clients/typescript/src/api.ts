// Written from schema.graphql by docs/generate.py: do not edit it.

/** How a call ended. */
export type CallStatus =
  /** With an answer. */
  | "OK"
  /** With an error, or without an answer. */
  | "ERROR";

/** What kind of failure an error is. */
export type ErrorCode =
  /** Nothing has this id or name. */
  | "NOT_FOUND"
  /** A value is wrong; the message says which and why. */
  | "INVALID_INPUT"
  /** More than one request may ask for. */
  | "TOO_MANY_ROWS"
  /** It lies before what is still kept. */
  | "TOO_OLD"
  /** The content that was rendered is not what this version holds. */
  | "PROMPT_MISMATCH"
  /** This id was used before, for other content. */
  | "IDEMPOTENCY_CONFLICT"
  /** Stored content would be overwritten; nothing was. */
  | "SYNC_CONFLICT"
  /** A newer tree of this source was applied already. */
  | "SYNC_OUTDATED"
  /** A file in git decides this: change it there. */
  | "MANAGED_BY_FILE"
  /** Not allowed here, or not with this key. */
  | "FORBIDDEN"
  /** A subscription ends that has missed events: subscribe again. */
  | "EVENTS_MISSED"
  /** The database is out of reach, or time was up: try again. Or figures are damaged. */
  | "UNAVAILABLE";

/** One call of a model, as it went. Field names follow OpenTelemetry's gen_ai attributes. */
export interface LlmCallInput {
  /** Made by the caller, a UUIDv7 at best: to send the call again with the same id is safe. */
  readonly callId?: string | null | undefined;
  /**
   * Prompt.id of the version that was sent; digits alone are a databaseId. It may be absent only where
   * the server accepts unlinked calls.
   */
  readonly promptId?: string | null | undefined;
  /** Prompt.contentHash of what was rendered; if the version here has another, the call is refused. */
  readonly promptHash?: string | null | undefined;
  /** RenderedPrompt.hash of what was sent. */
  readonly renderedHash?: string | null | undefined;
  /** The label that the prompt was asked for by. */
  readonly label?: string | null | undefined;
  /** The agent's name; one that is new here is added. */
  readonly agent?: string | null | undefined;
  /** Where it ran, e.g. `production`. Default: `"default"`. */
  readonly environment?: string | null | undefined;
  /** What was asked of the model, e.g. `chat`. */
  readonly operation?: string | null | undefined;
  /** Who serves the model, e.g. `openai`. */
  readonly provider?: string | null | undefined;
  /** The model that was asked for. */
  readonly model: string;
  /** The model that answered. */
  readonly responseModel?: string | null | undefined;
  /** The provider's id of the answer. */
  readonly responseId?: string | null | undefined;
  /** The version of the calling application. */
  readonly release?: string | null | undefined;
  /** Which try it was: 0 to 1000. */
  readonly attempt?: number | null | undefined;
  /** How it ended. Default: `OK`. */
  readonly status?: CallStatus | null | undefined;
  /** The kind of error, e.g. `timeout`. */
  readonly errorType?: string | null | undefined;
  /** The error in words: at most 4096 characters. */
  readonly errorMessage?: string | null | undefined;
  /** Why the model stopped, for each choice. */
  readonly finishReasons?: readonly string[] | null | undefined;
  /** How many tools the model called. */
  readonly toolCallCount?: number | null | undefined;
  /** Tokens sent, cached ones included. */
  readonly inputTokens?: number | null | undefined;
  /** Tokens made, reasoning included. */
  readonly outputTokens?: number | null | undefined;
  /** Input tokens that were read from a cache. */
  readonly cacheReadInputTokens?: number | null | undefined;
  /** Input tokens that were written to a cache. */
  readonly cacheWriteInputTokens?: number | null | undefined;
  /** Output tokens that were spent on reasoning. */
  readonly reasoningOutputTokens?: number | null | undefined;
  /** What it cost, where the caller knows: at most 9 decimals. Otherwise it is computed from the tokens. */
  readonly costUsd?: string | number | null | undefined;
  /** How long it took, in milliseconds. */
  readonly latencyMs?: number | null | undefined;
  /** When the first token came, in milliseconds. */
  readonly timeToFirstTokenMs?: number | null | undefined;
  /** When it started; when it is recorded by default. */
  readonly startedAt?: string | Date | null | undefined;
  /** The conversation that it is part of. */
  readonly conversationId?: string | null | undefined;
  /** For whom it was made. */
  readonly userId?: string | null | undefined;
  /** The trace that it is part of. */
  readonly traceId?: string | null | undefined;
  /** Its span in the trace. */
  readonly spanId?: string | null | undefined;
  /** What the prompt was rendered with: an object of at most 256 KiB. */
  readonly variables?: unknown | null | undefined;
  /** What the model answered: at most 256 KiB. */
  readonly output?: unknown | null | undefined;
  /** Anything else worth keeping: an object of at most 16 KiB. */
  readonly metadata?: unknown | null | undefined;
}

/** Who speaks a message. */
export type MessageRole =
  /** The application, to the model. */
  | "SYSTEM"
  /** The application's developer, to the model. */
  | "DEVELOPER"
  /** The person, or whoever stands in for one. */
  | "USER"
  /** The model. */
  | "ASSISTANT"
  /** A tool that the model called. */
  | "TOOL";

/** What became of a row. */
export type RecordStatus =
  /** It is stored, since this request. */
  | "RECORDED"
  /** It was stored before, as it is; nothing changed. */
  | "DUPLICATE"
  /** It is not stored; `error` says why. */
  | "REJECTED";

/**
 * What somebody or something thinks of a call: a value, a label, or both. Of several with the same call,
 * name and source the last one stays.
 */
export interface ScoreInput {
  /** The call's callId. */
  readonly callId: string;
  /** What is scored, e.g. `helpfulness`. */
  readonly name: string;
  /** The score as a number. */
  readonly value?: number | null | undefined;
  /** The score as a word. */
  readonly label?: string | null | undefined;
  /** Why: at most 4096 characters. */
  readonly comment?: string | null | undefined;
  /** Who scored. Default: `"api"`. */
  readonly source?: string | null | undefined;
}
