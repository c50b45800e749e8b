import { invalid, SERVER, unavailable } from "./errors.js";

/** What a server answered. */
export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly retryAfter: string | null;
}

/** How requests are made; `fetch` of the platform, or one in its place. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const ACCEPT = "application/graphql-response+json, application/json;q=0.9";
/** What a header may carry without quotes or doubts. */
const KEY = /^[!-~]+$/;

/** Where a server answers GraphQL, and the key to it. */
export class Server {
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #fetch: Fetch;
  readonly #timeoutMs: number;

  constructor(address: string, apiKey: string | undefined, fetch: Fetch, timeoutMs: number) {
    this.url = graphqlUrl(address);
    if (apiKey !== undefined && !KEY.test(apiKey)) {
      throw invalid("An API key is made of visible ASCII characters alone; this one is not.", "apiKey");
    }
    const key = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
    this.#headers = { accept: ACCEPT, "content-type": "application/json", ...key };
    this.#fetch = fetch;
    this.#timeoutMs = timeoutMs;
  }

  /** The answer to one request. Rejects with the reason of `signal` if that ends it. */
  async ask(body: string, signal: AbortSignal | undefined): Promise<Reply> {
    signal?.throwIfAborted();
    const ends = new AbortController();
    const leave = (): void => ends.abort();
    const timer = setTimeout(leave, this.#timeoutMs);
    signal?.addEventListener("abort", leave, { once: true });
    try {
      return await this.#answer(body, ends.signal);
    } catch (cause) {
      signal?.throwIfAborted();
      // none of the cause's words are repeated: they may hold the key
      const what = ends.signal.aborted ? "did not answer in time" : "is out of reach, or broke off the connection";
      throw unavailable(`${this.url} ${what}.`, { cause });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", leave);
    }
  }

  async #answer(body: string, signal: AbortSignal): Promise<Reply> {
    // a redirect is not followed: it would take the key elsewhere, and make a GET of it
    const init = { method: "POST", headers: this.#headers, body, signal, redirect: "manual" } as const;
    const response = await this.#fetch(this.url, init);
    const retryAfter = response.headers.get("retry-after");
    return { status: response.status, body: await response.text(), retryAfter };
  }
}

function graphqlUrl(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw invalid("The server is an address such as https://prompts.example.com.", SERVER);
  }
  if (url.username || url.password) throw invalid("Give the key as apiKey, not in the address.", SERVER);
  return `${url.origin}${url.pathname.replace(/\/+$/, "").replace(/\/graphql$/, "")}/graphql`;
}
