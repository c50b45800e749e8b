import type { RecordStatus } from "./api.js";
import { asked, isFacts, told } from "./answers.js";
import type { Row } from "./calls.js";
import { nonsense, PromptgraphError, SERVER } from "./errors.js";
import { type Patience, patiently } from "./patience.js";
import type { Server } from "./server.js";

/** Something odd about a call that was recorded all the same. */
export interface RecordWarning {
  readonly code: string;
  readonly field: string | null;
  readonly message: string;
}

/** A row that is stored. */
export interface Recorded {
  readonly callId: string;
  readonly status: Exclude<RecordStatus, "REJECTED">;
  readonly warnings: readonly RecordWarning[];
  readonly error: null;
}

/** A row that the server will never take as it is. */
export interface Refused {
  readonly callId: string;
  readonly status: "REJECTED";
  readonly warnings: readonly RecordWarning[];
  readonly error: PromptgraphError;
}

/** A row that nobody knows to be stored: to send it again, with this `callId`, is safe. */
export interface Unsettled {
  readonly callId: string;
  readonly status: null;
  readonly warnings: readonly RecordWarning[];
  readonly error: PromptgraphError;
}

/** What became of a row. */
export type Outcome = Recorded | Refused | Unsettled;

/** A mutation that takes many rows. */
export interface Mutation {
  readonly field: string;
  readonly document: string;
}

const ERRORS = "{ code field message retryable }";
export const CALLS: Mutation = {
  field: "recordLlmCalls",
  document:
    "mutation Record($input: [LlmCallInput!]!) { recordLlmCalls(input: $input) { " +
    `errors ${ERRORS} results { callId status warnings { code field message } error ${ERRORS} } } }`,
};
export const SCORES: Mutation = {
  field: "scoreLlmCalls",
  document:
    "mutation Score($input: [ScoreInput!]!) { scoreLlmCalls(input: $input) { " +
    `errors ${ERRORS} results { callId error ${ERRORS} } } }`,
};

/** What one request may hold. */
const MAX_ROWS = 1_000;
const MAX_BYTES = 8 * 1024 * 1024;
/** How many rows a server may fail on, before it is the server that is to blame. */
const MAX_FAILURES = 8;

/** Rows on their way to a server, and what became of each. */
export class Delivery {
  readonly #server: Server;
  readonly #mutation: Mutation;
  readonly #patience: Patience;
  readonly #signal: AbortSignal | undefined;
  /** Why the server takes no rows at all now. */
  #trouble: PromptgraphError | null = null;
  /** Whether it is known to understand the mutation. */
  #understood = false;
  #failures = 0;

  constructor(server: Server, mutation: Mutation, patience: Patience, signal: AbortSignal | undefined) {
    this.#server = server;
    this.#mutation = mutation;
    this.#patience = patience;
    this.#signal = signal;
  }

  /** What became of the rows, in their order, however many. Rejects only with the signal's reason. */
  async outcomes(rows: readonly Row[]): Promise<Outcome[]> {
    const made: Outcome[] = [];
    for (const batch of batches(rows)) {
      made.push(...(this.#trouble === null ? await this.#delivered(batch) : undone(batch, this.#trouble)));
    }
    return made;
  }

  /** What became of one batch: the rows that may yet succeed are sent again, as long as patience lasts. */
  async #delivered(rows: readonly Row[]): Promise<Outcome[]> {
    const made = new Map<Row, Outcome>();
    let open = rows;
    const send = async (): Promise<void> => {
      this.#trouble = null;
      const outcomes = await this.#settled(open);
      open.forEach((row, place) => made.set(row, outcomes[place] as Outcome));
      open = open.filter((row) => made.get(row)?.error?.retryable);
      const [first] = open;
      if (first !== undefined) throw this.#trouble ?? made.get(first)?.error;
    };
    try {
      await patiently(this.#patience, this.#signal, send);
    } catch (error) {
      if (!(error instanceof PromptgraphError)) throw error;
    }
    return rows.map((row) => made.get(row) as Outcome);
  }

  /**
   * What became of rows that are sent once. Where the server refuses them whole, halves are sent, and halves of
   * those, until the rows that it cannot take are alone.
   */
  async #settled(rows: readonly Row[]): Promise<Outcome[]> {
    if (this.#trouble !== null) return undone(rows, this.#trouble);
    try {
      return await this.#sent(rows);
    } catch (error) {
      if (!(error instanceof PromptgraphError)) throw error;
      const failed = error.code === "INTERNAL";
      if (rows.length > 1 && (failed || isRefusal(error))) return await this.#divided(rows);
      const [row] = rows;
      if (row !== undefined && isRefusal(error)) return [refused(row, error)];
      this.#failures += 1;
      if (row === undefined || !failed || this.#failures > MAX_FAILURES) this.#trouble = error;
      return undone(rows, error);
    }
  }

  async #divided(rows: readonly Row[]): Promise<Outcome[]> {
    if (!this.#understood) {
      await this.#settled([]); // if it refuses even none, no row is to blame
      this.#understood = this.#trouble === null;
    }
    const middle = Math.ceil(rows.length / 2);
    return [...(await this.#settled(rows.slice(0, middle))), ...(await this.#settled(rows.slice(middle)))];
  }

  async #sent(rows: readonly Row[]): Promise<Outcome[]> {
    const input = rows.map((row) => row.text).join(",");
    const body = `{"query":${JSON.stringify(this.#mutation.document)},"variables":{"input":[${input}]}}`;
    const payload = (await asked(this.#server, body, this.#signal))[this.#mutation.field];
    if (!isFacts(payload)) throw nonsense();
    const { errors, results } = payload;
    if (Array.isArray(errors) && isFacts(errors[0])) throw told(errors[0]);
    if (!Array.isArray(results) || results.length !== rows.length) throw nonsense();
    return rows.map((row, place) => outcomeOf(row, results[place]));
  }
}

/** Whether an error is about what was sent. */
function isRefusal(error: PromptgraphError): boolean {
  return error.code === "TOO_MANY_ROWS" || (error.code === "INVALID_INPUT" && error.field !== SERVER);
}

/** The rows in requests of a size that the server takes. */
function batches(rows: readonly Row[]): Row[][] {
  const made: Row[][] = [];
  let bytes = 0;
  for (const row of rows) {
    const last = made.at(-1);
    bytes += row.bytes;
    if (last !== undefined && last.length < MAX_ROWS && bytes <= MAX_BYTES) {
      last.push(row);
    } else {
      made.push([row]);
      bytes = row.bytes;
    }
  }
  return made;
}

/** What an entry of a mutation's `results` says of a row; one of scores has neither status nor warnings. */
function outcomeOf(row: Row, facts: unknown): Outcome {
  const { callId } = row;
  if (!isFacts(facts) || facts["callId"] !== callId) throw nonsense();
  const warnings = (facts["warnings"] ?? []) as readonly RecordWarning[];
  const status = (facts["status"] ?? "RECORDED") as Recorded["status"];
  if (!isFacts(facts["error"])) return { callId, status, warnings, error: null };
  const error = told(facts["error"]);
  return error.retryable ? { callId, status: null, warnings, error } : { callId, status: "REJECTED", warnings, error };
}

function refused(row: Row, error: PromptgraphError): Refused {
  return { callId: row.callId, status: "REJECTED", warnings: [], error };
}

function undone(rows: readonly Row[], error: PromptgraphError): Unsettled[] {
  return rows.map((row) => ({ callId: row.callId, status: null, warnings: [], error }));
}
