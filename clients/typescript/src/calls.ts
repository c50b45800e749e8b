import type { LlmCallInput, ScoreInput } from "./api.js";
import { invalid } from "./errors.js";
import { newCallId } from "./ids.js";
import type { Prompt, Rendered } from "./prompts.js";

/** What a call was made with: a prompt, what rendering it gave, or its id; null where the server takes it. */
export type Of = Prompt | Rendered | string | null;

/** What may be said of a call: LlmCallInput's names. Null and undefined say nothing. */
export interface CallFacts extends Omit<LlmCallInput, "promptId" | "variables" | "metadata"> {
  /** What the prompt was rendered with; of what was rendered that is known. */
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
  /** Anything else worth keeping: at most 16 KiB. */
  readonly metadata?: Readonly<Record<string, unknown>> | null | undefined;
}

/** A call of `recordMany`: what `record` is given, in one. */
export interface CallDraft extends CallFacts {
  readonly prompt: Of;
}

/** What may be said of a score: a value, a label, or both. */
export type ScoreFacts = Omit<ScoreInput, "callId" | "name">;

/** What every call says unless it says otherwise. */
export type Usual = Pick<CallFacts, "agent" | "environment" | "release">;

/** One entry of a mutation's input: JSON text, made once and sent as it is with every try. */
export interface Row {
  readonly callId: string;
  readonly text: string;
  readonly bytes: number;
}

export const MAX_ROW_BYTES = 1024 * 1024;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const ENCODER = new TextEncoder();

/** The row of a call. Sensitive variables are left out. */
export function callRow(of: Of, facts: CallFacts, usual: Usual): Row {
  const prompt = promptIn(of);
  const sent: Record<string, unknown> = { ...usual };
  if (typeof of === "string") sent["promptId"] = of;
  if (prompt !== null) add(said(prompt), sent);
  if (isRendered(of)) sent["variables"] = of.variables;
  add(facts, sent);
  if (prompt !== null) strip(prompt.sensitive, sent);
  const callId = callIdOf(facts);
  return row(callId, { ...sent, callId });
}

/** The prompt that a call was made with, null where only its id is known. */
export function promptIn(of: Of): Prompt | null {
  if (isRendered(of)) return of.prompt;
  return typeof of === "string" ? null : of;
}

function isRendered(of: Of): of is Rendered {
  return typeof of === "object" && of !== null && "prompt" in of;
}

/** The row of a score. */
export function scoreRow(call: string, name: string, facts: ScoreFacts): Row {
  const callId = checkedCallId(call);
  return row(callId, { ...facts, callId, name });
}

/** The call's id: made now, where nobody has made it. */
export function callIdOf(facts: Pick<CallFacts, "callId">): string {
  return checkedCallId(facts.callId ?? newCallId());
}

function checkedCallId(given: string): string {
  if (!UUID.test(given)) throw invalid(`callId must be a UUID, not ${JSON.stringify(given)}.`, "callId");
  return given.toLowerCase();
}

/** What a call says of its prompt. The content of a draft may change between rendering and recording. */
function said(prompt: Prompt): Partial<LlmCallInput> {
  return { promptId: prompt.id, promptHash: prompt.draft ? null : prompt.hash, label: prompt.label };
}

function add(facts: object, sent: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(facts)) if (value !== null && value !== undefined) sent[name] = value;
}

function strip(hidden: readonly string[], sent: Record<string, unknown>): void {
  const { variables } = sent;
  if (typeof variables !== "object" || variables === null) return;
  sent["variables"] = Object.fromEntries(Object.entries(variables).filter(([name]) => !hidden.includes(name)));
}

function row(callId: string, sent: Record<string, unknown>): Row {
  const fields = Object.entries(sent).flatMap(([name, value]) => field(name, value));
  const text = `{${fields.join(",")}}`;
  const bytes = ENCODER.encode(text).length;
  if (bytes > MAX_ROW_BYTES) throw invalid(`A call may hold at most ${MAX_ROW_BYTES} bytes of JSON.`, "output");
  return { callId, text, bytes };
}

function field(name: string, value: unknown): string[] {
  if (value === null || value === undefined) return [];
  try {
    const text: string | undefined = JSON.stringify(value, sendable);
    return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw invalid(`${name} cannot be sent as JSON: ${why}`, name, error);
  }
}

/** `value`, unless JSON would put something else in its place. */
function sendable(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const own = this[key];
  if (typeof own === "number" && !Number.isFinite(own)) throw new TypeError(`${own} is no number of JSON.`);
  if (own instanceof Date && Number.isNaN(own.getTime())) throw new TypeError("a date is none.");
  if (own instanceof Map || own instanceof Set) throw new TypeError("a Map or Set is not JSON.");
  return value;
}
