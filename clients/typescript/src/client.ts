import { asked, type Facts, isFacts } from "./answers.js";
import type { CallDraft, CallFacts, Of, Row, ScoreFacts, Usual } from "./calls.js";
import { callRow, scoreRow } from "./calls.js";
import { nonsense, PromptgraphError } from "./errors.js";
import { type Log, Observation, type ObservedCall, type ObservedFacts } from "./observed.js";
import { type Patience, patient, patiently } from "./patience.js";
import { DOCUMENTS, type Prompt, promptOf, type Rendered, renderedOf, wanted, type Which } from "./prompts.js";
import { CALLS, Delivery, type Mutation, type Outcome, type Recorded, SCORES } from "./sending.js";
import { type Fetch, Server } from "./server.js";

/** How a client works; all of it may be left out. */
export interface ClientOptions extends Usual {
  /** The server's address: PROMPTGRAPH_SERVER, or http://127.0.0.1:8000. */
  readonly server?: string | undefined;
  /** The key to the server: PROMPTGRAPH_API_KEY. It travels as `Authorization: Bearer …`. */
  readonly apiKey?: string | undefined;
  /** The label that is served where nothing else is asked for: `production`. */
  readonly label?: string | undefined;
  /** How long an answer is waited for: 10 000. */
  readonly timeoutMs?: number | undefined;
  /** How often the same is tried, and with which pauses: 4 tries, 100 ms doubled each time, at most 5 s. */
  readonly patience?: Partial<Patience> | undefined;
  /** What makes requests: the platform's `fetch`. */
  readonly fetch?: Fetch | undefined;
  /** Where it is said that a call could not be recorded, or that a label is missing: `console`. */
  readonly log?: Log | undefined;
}

/** What ends an act before its time: it rejects with the signal's reason. */
export interface Ending {
  readonly signal?: AbortSignal | undefined;
}

type Variables = Readonly<Record<string, unknown>>;
type Read<T> = (node: Facts, label: string | null) => T;

const DEFAULT_SERVER = "http://127.0.0.1:8000";
const TIMEOUT_MS = 10_000;

/** A promptgraph server: prompts by name, and calls recorded by the version that was sent. */
export class Client {
  readonly #server: Server;
  readonly #label: string;
  readonly #patience: Patience;
  readonly #usual: Usual;
  readonly #log: Log;
  readonly #told = new Set<string>();

  constructor(options: ClientOptions = {}) {
    const { agent, environment, release } = options;
    this.#server = new Server(
      options.server ?? setting("PROMPTGRAPH_SERVER") ?? DEFAULT_SERVER,
      options.apiKey ?? setting("PROMPTGRAPH_API_KEY"),
      options.fetch ?? ((url, init) => fetch(url, init)),
      options.timeoutMs ?? TIMEOUT_MS,
    );
    this.#label = options.label ?? "production";
    this.#patience = patient(options.patience);
    this.#usual = { agent, environment, release };
    this.#log = options.log ?? console;
  }

  /**
   * A prompt: this version, or what a label points to; the client's usual label where nothing is said, and the
   * latest version, with a warning, where the prompt lacks that. Rejects with `NOT_FOUND` if there is none.
   */
  prompt(name: string, which: Which & Ending = {}): Promise<Prompt> {
    return this.#looked(DOCUMENTS.prompt, { name }, which, promptOf);
  }

  /** What to send, rendered by the server: `.messages`, `.text`, and the `.prompt` it was made from. As `prompt`. */
  render(name: string, which: Which & Ending & { readonly variables?: Variables } = {}): Promise<Rendered> {
    return this.#looked(DOCUMENTS.render, { name, variables: which.variables ?? {} }, which, renderedOf);
  }

  /** Record a call by the prompt that it was made with. To send it again, with the same `callId`, is safe. */
  async record(prompt: Of, facts: CallFacts, ending: Ending = {}): Promise<Recorded> {
    return settled(await this.#delivered(CALLS, [callRow(prompt, facts, this.#usual)], ending));
  }

  /**
   * Record calls, each as by `record`; what became of each, in order. One that is refused holds up no other, even
   * where the server refuses its whole request. Rejects only before anything is sent, or when `signal` ends it.
   */
  async recordMany(calls: readonly CallDraft[], ending: Ending = {}): Promise<Outcome[]> {
    const rows = calls.map(({ prompt, ...facts }) => callRow(prompt, facts, this.#usual));
    return this.#delivered(CALLS, rows, ending);
  }

  /** Say what a recorded call is worth: a value, a label, or both. */
  async score(callId: string, name: string, facts: ScoreFacts, ending: Ending = {}): Promise<Recorded> {
    return settled(await this.#delivered(SCORES, [scoreRow(callId, name, facts)], ending));
  }

  /**
   * What `work` gives. The call is timed and, when `work` has ended, recorded: OK, or ERROR with the error's kind if
   * it fails, which then goes on. A call that cannot be recorded is logged and takes no answer with it.
   */
  async llmCall<T>(prompt: Of, facts: ObservedFacts, work: (call: ObservedCall) => Promise<T> | T): Promise<T> {
    const call = new Observation(prompt, facts);
    try {
      const made = await work(call);
      call.ended();
      return made;
    } catch (error) {
      call.failed(error);
      throw error;
    } finally {
      await call.record((of, known) => this.record(of, known), this.#log);
    }
  }

  #delivered(mutation: Mutation, rows: readonly Row[], { signal }: Ending): Promise<Outcome[]> {
    return new Delivery(this.#server, mutation, this.#patience, signal).outcomes(rows);
  }

  async #looked<T>(document: string, by: Facts, which: Which & Ending, read: Read<T>): Promise<T> {
    const { label, version } = wanted(which, this.#label);
    const node = await this.#node(document, { ...by, label, version }, which);
    if (node !== null) return read(node, label);
    const latest = label === this.#label ? await this.#node(document, by, which) : null;
    if (latest === null) throw this.#missing(by, label ?? version);
    this.#warn(`${by["name"]} has no label ${label}: the latest version is used instead.`);
    return read(latest, null);
  }

  async #node(document: string, variables: Facts, { signal }: Ending): Promise<Facts | null> {
    const body = JSON.stringify({ query: document, variables });
    const { prompt } = await patiently(this.#patience, signal, () => asked(this.#server, body, signal));
    if (prompt !== null && !isFacts(prompt)) throw nonsense();
    return prompt;
  }

  #missing({ name }: Facts, which: string | number | null): PromptgraphError {
    const message = `There is no prompt ${name}@${which} at ${this.#server.url}.`;
    return new PromptgraphError("NOT_FOUND", message, { field: "name" });
  }

  /** Say it once. */
  #warn(sentence: string): void {
    if (!this.#told.has(sentence)) this.#log.warn(sentence);
    this.#told.add(sentence);
  }
}

/** What became of the only row, if it is stored. Rejects with the reason if it is not. */
function settled(outcomes: readonly Outcome[]): Recorded {
  const [only] = outcomes;
  if (only === undefined) throw nonsense();
  if (only.error !== null) throw only.error;
  return only;
}

/** A variable of the environment, where there is one. */
function setting(name: string): string | undefined {
  const { process } = globalThis as { process?: { env?: Readonly<Record<string, string | undefined>> } };
  return process?.env?.[name] || undefined;
}
