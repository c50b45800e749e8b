import type { MessageRole } from "./api.js";
import { type Facts, isFacts } from "./answers.js";
import { invalid, nonsense } from "./errors.js";

/** One version of a prompt. A plain object: it may be kept, sent on, and recorded with later. */
export interface Prompt {
  /** Its id, the same in every registry. */
  readonly id: string;
  readonly name: string;
  readonly version: number;
  /** SHA-256, hex, of its content. */
  readonly hash: string;
  /** The label that it was asked for by; null for none. */
  readonly label: string | null;
  /** Whether it may still be replaced. */
  readonly draft: boolean;
  /** The model that the file recommends. */
  readonly model: string | null;
  /** The settings for the model, e.g. temperature. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The tools to offer to the model. */
  readonly tools: readonly unknown[];
  /** The JSON Schema of the model's output. */
  readonly outputSchema: unknown;
  /** The variables whose values are never stored. */
  readonly sensitive: readonly string[];
}

/** A message as chat interfaces take it; a content of parts is a list. */
export interface Message {
  readonly role: Lowercase<MessageRole>;
  readonly content: string | readonly unknown[];
}

/** What to send, and the record it was made from: a call can always name its prompt. */
export interface Rendered {
  readonly prompt: Prompt;
  readonly messages: readonly Message[];
  /** The messages' texts, a blank line between. */
  readonly text: string;
  /** The variables as used: defaults filled in. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** SHA-256, hex, of the rendered messages; a call's `renderedHash`. */
  readonly hash: string;
}

/** What is asked for: a version, or what a label points to. */
export type Which = ByLabel | ByVersion;
type ByLabel = { readonly label?: string | undefined; readonly version?: undefined };
type ByVersion = { readonly label?: undefined; readonly version?: number | undefined };

const PROMPT = "id name version contentHash draft model config tools outputSchema variables { name sensitive }";
const RENDERED = "messages { role content parts } text variables hash";
const FOUND = "query Prompt($name: String!, $label: String, $version: Int)";
const RENDERING = "query Render($name: String!, $label: String, $version: Int, $variables: JSON!)";
const BY = "prompt(name: $name, label: $label, version: $version)";

export const DOCUMENTS = {
  prompt: `${FOUND} { ${BY} { ${PROMPT} } }`,
  render: `${RENDERING} { ${BY} { ${PROMPT} render(variables: $variables) { ${RENDERED} } } }`,
} as const;

/** The version or label that is meant; `usual` where nothing is said. */
export function wanted(which: Which, usual: string): { label: string | null; version: number | null } {
  if (which.version === undefined) return { label: which.label ?? usual, version: null };
  if (which.label !== undefined) throw invalid("Give a label or a version, not both.", "version");
  return { label: null, version: which.version };
}

/** The prompt that an answer tells of. */
export function promptOf(node: Facts, label: string | null): Prompt {
  const { variables, contentHash, ...facts } = node;
  if (!Array.isArray(variables) || typeof facts["id"] !== "string") throw nonsense();
  const sensitive = variables.filter((one) => one.sensitive).map((one) => one.name);
  return { ...(facts as unknown as Prompt), hash: String(contentHash), label, sensitive };
}

/** The rendering that an answer tells of. */
export function renderedOf(node: Facts, label: string | null): Rendered {
  const { render, ...facts } = node;
  if (!isFacts(render) || !Array.isArray(render["messages"])) throw nonsense();
  const messages: Message[] = render["messages"].map(({ role, content, parts }) => ({
    role: role.toLowerCase(),
    content: parts ?? content,
  }));
  return { ...(render as unknown as Rendered), prompt: promptOf(facts, label), messages };
}
