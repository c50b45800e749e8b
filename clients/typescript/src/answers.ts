import { type Code, invalid, nonsense, PromptgraphError, SERVER, unavailable } from "./errors.js";
import { retryAfterMs } from "./patience.js";
import type { Reply, Server } from "./server.js";

export type Facts = Readonly<Record<string, unknown>>;

const BUSY = [408, 425, 429];
/** Zero is what a browser shows of a redirect. */
const MISPLACED = [0, 301, 302, 303, 307, 308, 404, 405, 410];
const DENIED: Readonly<Record<number, string>> = {
  401: "The server refuses the API key: give apiKey, or set PROMPTGRAPH_API_KEY.",
  403: "The server forbids this to the API key.",
};
const OK = 200;
const TOO_LARGE = 413;
const FAILING = 500;

/** The data of a complete answer, asked for once. */
export async function asked(server: Server, body: string, signal: AbortSignal | undefined): Promise<Facts> {
  const reply = await server.ask(body, signal);
  const found = parsed(reply.body);
  const first = Array.isArray(found["errors"]) ? factsOf(found["errors"][0]) : {};
  const facts = { ...first, ...factsOf(first["extensions"]) };
  if (facts["code"] !== undefined) throw told(facts, retryAfterMs(reply.retryAfter));
  if (reply.status !== OK || Object.keys(first).length > 0) throw refusal(reply, first["message"]);
  if (!isFacts(found["data"])) throw nonsense();
  return found["data"];
}

/** The error that a MutationError, or an entry of a response's `errors`, stands for. */
export function told(facts: Facts, afterMs: number | null = null): PromptgraphError {
  const field = typeof facts["field"] === "string" ? facts["field"] : null;
  const retryable = facts["retryable"] === undefined ? {} : { retryable: facts["retryable"] === true };
  const message = String(facts["message"]);
  return new PromptgraphError(String(facts["code"]) as Code, message, { field, retryAfterMs: afterMs, ...retryable });
}

/** What a status says, where the answer has no code. */
function refusal(reply: Reply, message: unknown): PromptgraphError {
  const { status } = reply;
  const denied = DENIED[status];
  if (denied !== undefined) return new PromptgraphError("FORBIDDEN", `${denied} (HTTP ${status})`);
  if (status === TOO_LARGE) return invalid("The server finds this too large (HTTP 413).", "input");
  if (MISPLACED.includes(status)) {
    return invalid(`There is no GraphQL (HTTP ${status}): give the address of the server itself.`, SERVER);
  }
  if (typeof message === "string" && status < FAILING && !BUSY.includes(status)) {
    return new PromptgraphError("INVALID_INPUT", message);
  }
  const why = BUSY.includes(status) ? "is busy" : "does not answer as a promptgraph server does";
  const afterMs = retryAfterMs(reply.retryAfter);
  return unavailable(`The server ${why} (HTTP ${status}); try again.`, { retryAfterMs: afterMs });
}

function parsed(body: string): Facts {
  try {
    return factsOf(JSON.parse(body));
  } catch {
    return {};
  }
}

export function isFacts(value: unknown): value is Facts {
  return typeof value === "object" && value !== null;
}

function factsOf(value: unknown): Facts {
  return isFacts(value) ? value : {};
}
