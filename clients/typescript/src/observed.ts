import { type CallFacts, callIdOf, type Of, promptIn } from "./calls.js";
import { invalid, PromptgraphError } from "./errors.js";
import type { Recorded } from "./sending.js";

/** What may be said before a call: the prompt's model stands in where none is given. */
export interface ObservedFacts extends Omit<CallFacts, "model"> {
  readonly model?: string | null | undefined;
}

/** A call while it happens. */
export interface ObservedCall {
  /** The call's id, from the start. */
  readonly callId: string;
  /** What became of it, once it has ended; null where it could not be recorded, which is logged. */
  readonly recorded: Recorded | null;
  /** The first token came now; only the first time counts. */
  firstToken(): void;
  /** Say what came of it: `output`, tokens, and whatever else a call may say. Its time ends here. */
  finish(facts?: Partial<CallFacts>): void;
}

/** Where a client says what nobody waits for. */
export type Log = Pick<Console, "warn" | "error">;

/** Records a call by what it was made with. */
export type Recorder = (of: Of, facts: CallFacts) => Promise<Recorded>;

const MAX_MESSAGE = 4_096;
const MAX_TYPE = 200;
/** What no text may hold: controls but tab and line ends, and halves of a character. */
const FORBIDDEN = /[^\P{Cc}\t\n\r]|\p{Cs}/gu;
const NO_CONTENTS = { variables: null, output: null, metadata: null };

/** Times one call, and records it when it has ended. */
export class Observation implements ObservedCall {
  readonly callId: string;
  recorded: Recorded | null = null;
  readonly #of: Of;
  readonly #beganMs = performance.now();
  #facts: CallFacts;

  constructor(of: Of, facts: ObservedFacts) {
    this.callId = callIdOf(facts);
    this.#of = of;
    const model = facts.model ?? usualModel(of);
    this.#facts = { ...facts, model, callId: this.callId, startedAt: facts.startedAt ?? new Date() };
  }

  firstToken(): void {
    this.#facts = { ...this.#facts, timeToFirstTokenMs: this.#facts.timeToFirstTokenMs ?? this.#elapsedMs() };
  }

  finish(facts: Partial<CallFacts> = {}): void {
    this.#facts = { ...this.#facts, ...facts, callId: this.callId, latencyMs: facts.latencyMs ?? this.#elapsedMs() };
  }

  /** The call ended; one that was finished ended then, however long its answer was worked with. */
  ended(): void {
    if (this.#facts.latencyMs == null) this.finish();
  }

  /** The call ended by an error. */
  failed(error: unknown): void {
    const { errorType, errorMessage } = this.#facts;
    this.finish({
      status: "ERROR",
      errorType: errorType ?? nameOf(error),
      errorMessage: errorMessage ?? wordsOf(error).slice(0, MAX_MESSAGE).replace(FORBIDDEN, "?"),
    });
  }

  /** Record it. A recorder that fails must not take the model's answer with it: the log says what is missing. */
  async record(record: Recorder, log: Log): Promise<void> {
    try {
      this.recorded = await this.#recorded(record, log);
    } catch (error) {
      log.error(`The call ${this.callId} could not be recorded: ${wordsOf(error)}`);
    }
  }

  /** Without its contents, where those cannot be sent. */
  async #recorded(record: Recorder, log: Log): Promise<Recorded> {
    try {
      return await record(this.#of, this.#facts);
    } catch (error) {
      if (!(error instanceof PromptgraphError) || error.code !== "INVALID_INPUT") throw error;
      const recorded = await record(promptIn(this.#of) ?? this.#of, { ...this.#facts, ...NO_CONTENTS });
      log.warn(`The call ${this.callId} was recorded without its contents: ${error.message}`);
      return recorded;
    }
  }

  #elapsedMs(): number {
    return Math.round((performance.now() - this.#beganMs) * 1_000) / 1_000;
  }
}

function usualModel(of: Of): string {
  const model = promptIn(of)?.model ?? null;
  if (model === null) throw invalid("Say which model is called: model; the prompt recommends none.", "model");
  return model;
}

/** The kind of an error: its own name, or that of its class, on one line. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const name = error.name === "Error" ? error.constructor.name : error.name;
  return name.replace(/\s+/g, " ").replace(FORBIDDEN, "?").slice(0, MAX_TYPE) || "Error";
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : typeof error === "object" ? "" : String(error);
}
