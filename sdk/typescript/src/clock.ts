/**
 * The time by the issuer's clock, learnt from the `Date` of its answers (RFC 9110 section 6.6.1).
 *
 * A machine whose clock is ten minutes off could otherwise prove nothing: assertions and proofs are
 * refused when they are older than a minute or from the future. Only the issuer is believed: a
 * service that could move this clock would collect proofs for later.
 */

import { parseDate } from "./retry.js";

/** `Date` counts whole seconds and an answer takes time to arrive: less than this is no error. */
const TOLERATED_SECONDS = 5;

export const localTime = (): number => Date.now() / 1000;

export class IssuerClock {
  /** Seconds to add to the local time. */
  offset = 0;
  readonly #local: () => number;

  constructor(local: () => number = localTime) {
    this.#local = local;
  }

  now(): number {
    return this.#local() + this.offset;
  }

  /** Take in a `Date` field. True when the offset changed: what was signed before was off. */
  learn(date: string | null): boolean {
    const sentAt = parseDate(date);
    if (sentAt === undefined) return false;
    const offset = sentAt - this.#local();
    const wanted = Math.abs(offset) <= TOLERATED_SECONDS ? 0 : offset;
    if (Math.abs(wanted - this.offset) <= TOLERATED_SECONDS) return false;
    this.offset = wanted;
    return true;
  }
}
