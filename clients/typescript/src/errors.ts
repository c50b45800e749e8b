import type { ErrorCode } from "./api.js";

/** What is known of a failure beside its sentence. */
export interface Failure {
  /** The field to blame: of the input, `server` for the address, `apiKey`. */
  readonly field?: string | null;
  /** Whether the same again may succeed. */
  readonly retryable?: boolean;
  /** How long the server asks to be left alone. */
  readonly retryAfterMs?: number | null;
  readonly cause?: unknown;
}

/** A code of the graph; `INTERNAL` for what nobody expected. A newer server may send others. */
export type Code = ErrorCode | "INTERNAL";

/** Every failure of a client; which one it is, `code` says. Its message is a sentence: what is wrong, what to do. */
export class PromptgraphError extends Error {
  override readonly name = "PromptgraphError";
  readonly code: Code;
  readonly field: string | null;
  /** Whether the same again may succeed: the server is away or busy, or what answered made no sense. */
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;

  constructor(code: Code, message: string, failure: Failure = {}) {
    super(message, failure.cause === undefined ? undefined : { cause: failure.cause });
    this.code = code;
    this.field = failure.field ?? null;
    this.retryable = failure.retryable ?? code === "UNAVAILABLE";
    this.retryAfterMs = failure.retryAfterMs ?? null;
  }
}

/** The field of an error that is about the address, not about what was sent. */
export const SERVER = "server";

export function invalid(message: string, field: string, cause?: unknown): PromptgraphError {
  return new PromptgraphError("INVALID_INPUT", message, { field, cause });
}

export function unavailable(message: string, failure: Failure = {}): PromptgraphError {
  return new PromptgraphError("UNAVAILABLE", message, failure);
}

/** What an answer of the server makes no sense as. */
export function nonsense(): PromptgraphError {
  return unavailable("The server's answer makes no sense; try again.");
}
