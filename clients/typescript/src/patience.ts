import { PromptgraphError } from "./errors.js";

/**
 * `tries` requests at most. Before each but the first a pause: twice as long as the one before, at most `longestMs`,
 * of which chance takes up to half. A server that asks for a longer one ends the tries.
 */
export interface Patience {
  readonly tries: number;
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Patience, where nothing else is said. */
export function patient({ tries = 4, firstMs = 100, longestMs = 5_000 }: Partial<Patience> = {}): Patience {
  return { tries, firstMs, longestMs };
}

/** What `work` gives, tried again with patience while it fails with what may succeed later. */
export async function patiently<T>(
  patience: Patience,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof PromptgraphError) || !error.retryable) throw error;
      const askedMs = error.retryAfterMs ?? 0;
      if (failures >= patience.tries || askedMs > patience.longestMs) throw error;
      await slept(Math.max(backoffMs(patience, failures), askedMs), signal);
    }
  }
}

function backoffMs(patience: Patience, failures: number): number {
  const mostMs = Math.min(patience.longestMs, patience.firstMs * 2 ** failures);
  return mostMs * (0.5 + Math.random() / 2);
}

function slept(pauseMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", leave);
      resolve();
    }, pauseMs);
    if (signal?.aborted) leave();
    else signal?.addEventListener("abort", leave, { once: true });
  });
}

/** The milliseconds that a Retry-After header asks for, as a number or as a date; null for anything else. */
export function retryAfterMs(header: string | null): number | null {
  const text = header?.trim() ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const at = text.endsWith("GMT") ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}
