/** When to ask again, and how long to wait before it (pure). */

export const ATTEMPTS = 4;
/** All waits of one call together. A server that asks for more is not waited for: the caller is told. */
export const PATIENCE_SECONDS = 30;
export const BUSY: ReadonlySet<number> = new Set([429, 502, 503, 504]);

const FIRST_SECONDS = 0.25;
const LONGEST_SECONDS = 8;

/**
 * Seconds before attempt `attempt` + 1, counted from 0: doubling, and anywhere in the upper half,
 * so that those who failed together do not come back together.
 */
export function backoff(attempt: number, draw: () => number = Math.random): number {
  return Math.min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** attempt) * (0.5 + draw() / 2);
}

/** Seconds to wait, or undefined: give up. Never less than the server asked for. */
export function waitFor(
  attempt: number,
  retryAfter: number | undefined,
  waited: number,
  draw: () => number = Math.random,
): number | undefined {
  if (attempt + 1 >= ATTEMPTS) return undefined;
  let seconds = backoff(attempt, draw);
  if (retryAfter !== undefined) seconds = retryAfter + Math.min(seconds, 0.1 * retryAfter + 0.05);
  return waited + seconds <= PATIENCE_SECONDS ? seconds : undefined;
}

/** Seconds from a `Retry-After` field, in either form (RFC 9110 section 10.2.3); undefined if unreadable. */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  const trimmed = value?.trim() ?? "";
  if (/^[0-9]+$/.test(trimmed)) return Number(trimmed.slice(0, 9));
  const at = parseDate(trimmed);
  return at === undefined ? undefined : Math.max(0, at - now);
}

const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Seconds since 1970 of an HTTP date (RFC 9110 section 5.6.7). `Date.parse` alone would read nearly anything. */
export function parseDate(value: string | null): number | undefined {
  if (!value || !HTTP_DATE.test(value)) return undefined;
  const at = Date.parse(value) / 1000;
  return Number.isNaN(at) ? undefined : at;
}

export function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
