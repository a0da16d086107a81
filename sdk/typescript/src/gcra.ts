/**
 * The generic cell rate algorithm, for the time when the issuer cannot be asked (pure).
 *
 * One number for each bucket: the theoretical arrival time, in microseconds.
 */

/** `quota` units in `windowSeconds`; all of them may come at once. */
export interface Rate {
  readonly name: string;
  readonly quota: number;
  readonly windowSeconds: number;
}

export interface Decision {
  /** What to store. Unchanged when refused. */
  readonly tatUs: number;
  /** 0 when taken; else the shortest wait after which the same cost passes. */
  readonly retryAfterUs: number;
  readonly remaining: number;
}

const SECOND_US = 1_000_000;

/** Take `cost` units, or say how long to wait. A cost above the quota waits for ever: the window. */
export function decide(rate: Rate, cost: number, tatUs: number, nowUs: number): Decision {
  const emissionUs = Math.floor((rate.windowSeconds * SECOND_US) / rate.quota);
  const burstUs = rate.quota * emissionUs;
  // A bucket left alone fills to its quota and no further.
  const start = Math.max(tatUs, nowUs);
  const taken = start + cost * emissionUs;
  const wait = cost > rate.quota ? rate.windowSeconds * SECOND_US : taken - burstUs - nowUs;
  const left = nowUs + burstUs - (wait > 0 ? start : taken);
  const remaining = Math.max(0, Math.floor(left / Math.max(1, emissionUs)));
  return wait > 0 ? { tatUs, retryAfterUs: wait, remaining } : { tatUs: taken, retryAfterUs: 0, remaining };
}
