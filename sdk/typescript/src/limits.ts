/**
 * Limits at a service: blocks of units from the issuer, spent locally; a bound of one's own when it is away.
 *
 * A block is asked for when the last is spent or over: as many units as the last tenth of a second
 * used, so that little is lost when the calls stop. What is left of a block after its life is lost.
 */

import type { Credential } from "./credential.js";
import { decide, type Rate } from "./gcra.js";
import { IssuerAway, type IssuerClient } from "./issuer-client.js";
import { isObject, type Json, type JsonObject, timeOf } from "./json.js";
import { badToken, type Header, Refused } from "./refusals.js";

const BLOCK_UNITS = 64;
const BUCKETS = 100_000;
const RECENT_SECONDS = 0.1;
/** A refusal is repeated locally no longer than this: the limit may have been lifted. */
const BELIEVED_SECONDS = 1;
const AWAY_SECONDS = 1;
const ROUNDS = 8;
const SECOND_US = 1_000_000;
/** While the issuer is away, for a token whose `limits` say nothing about the scope. */
const DEFAULT: Rate = { name: "local", quota: 60, windowSeconds: 60 };
const REASONS: Readonly<Record<string, string>> = {
  suspended: "agent_suspended",
  revoked: "agent_revoked",
  unknown: "agent_unknown",
};

export interface Policy {
  readonly name: string;
  readonly quota: number;
  readonly windowSeconds: number;
  readonly remaining: number;
  /** Seconds until there is more. */
  readonly resetSeconds: number;
}

/** What is left after a call. */
export interface Allowance {
  readonly policies: readonly Policy[];
  /** Decided here alone, because the issuer could not be asked. */
  readonly degraded: boolean;
}

/** RateLimit fields, draft-ietf-httpapi-ratelimit-headers. */
export function limitHeaders(policies: readonly Policy[]): Header[] {
  if (!policies.length) return [];
  const policy = policies.map(({ name, quota, windowSeconds }) => `"${name}";q=${quota};w=${windowSeconds}`);
  const limit = policies.map(({ name, remaining, resetSeconds }) => `"${name}";r=${remaining};t=${resetSeconds}`);
  return [["RateLimit-Policy", policy.join(", ")], ["RateLimit", limit.join(", ")]];
}

/** Units held for one agent and scope. */
class Bucket {
  units = 0;
  until = 0;
  policies: readonly Policy[] = [];
  refusedUntil = 0;
  retryAt = 0;
  reason = "";
  spentAt: number[] = [];
  waiting = 0;
  asking: Promise<void> | undefined;
  readonly tatsUs = new Map<string, number>();
}

export class Limiter {
  readonly #buckets = new Map<string, Bucket>();
  #awayUntil = Number.NEGATIVE_INFINITY;

  constructor(
    readonly client: IssuerClient,
    readonly monotonic: () => number,
  ) {}

  /** Throws Refused: over the limit, or restricted. */
  async take(credential: Credential, scope: string, cost: number): Promise<Allowance> {
    const bucket = this.#bucket(JSON.stringify([credential.agent, scope]));
    for (let round = 0; round < ROUNDS; round++) {
      if (!this.client.hasCredentials || this.monotonic() < this.#awayUntil) break;
      const allowance = this.#spend(bucket, cost);
      if (allowance) return allowance;
      this.#checkRefused(bucket);
      await this.#refill(bucket, credential.agent, scope, cost);
    }
    return this.#decideAlone(bucket, credential, scope, cost);
  }

  #bucket(key: string): Bucket {
    const bucket = this.#buckets.get(key) ?? new Bucket();
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size <= BUCKETS) break;
      this.#buckets.delete(oldest);
    }
    return bucket;
  }

  #spend(bucket: Bucket, cost: number): Allowance | undefined {
    const now = this.monotonic();
    if (now >= bucket.until || bucket.units < cost) return undefined;
    bucket.units -= cost;
    bucket.spentAt = [...bucket.spentAt.slice(1 - BLOCK_UNITS), now];
    const left = bucket.units;
    const policies = bucket.policies.map((policy) => ({
      ...policy,
      remaining: Math.min(policy.quota, policy.remaining + left),
    }));
    return { policies, degraded: false };
  }

  #checkRefused(bucket: Bucket): void {
    const now = this.monotonic();
    if (now >= bucket.refusedUntil) return;
    if (bucket.reason) throw badToken("the agent is restricted", bucket.reason);
    throw overLimit(bucket.retryAt - now, bucket.policies);
  }

  /** One asks for all who wait; whoever comes meanwhile looks again when the answer is there. */
  async #refill(bucket: Bucket, agent: string, scope: string, cost: number): Promise<void> {
    bucket.waiting += cost;
    try {
      // A turn of the loop: who comes at the same moment is counted in what is asked for.
      bucket.asking ??= Promise.resolve()
        .then(() => this.#ask(bucket, agent, scope, this.#demand(bucket, cost)))
        .finally(() => {
          bucket.asking = undefined;
        });
      await bucket.asking;
    } finally {
      bucket.waiting -= cost;
    }
  }

  #demand(bucket: Bucket, cost: number): number {
    const now = this.monotonic();
    const recent = bucket.spentAt.filter((at) => now - at <= RECENT_SECONDS).length;
    const held = now < bucket.until ? bucket.units : 0;
    return Math.max(cost - held, Math.min(BLOCK_UNITS, Math.max(bucket.waiting, recent)));
  }

  async #ask(bucket: Bucket, agent: string, scope: string, units: number): Promise<void> {
    let answer: Block;
    try {
      answer = readBlock(await this.client.takeUnits(agent, scope, units));
    } catch (error) {
      if (!(error instanceof IssuerAway)) throw error;
      this.#awayUntil = this.monotonic() + AWAY_SECONDS;
      return;
    }
    const now = this.monotonic();
    if (answer.policies.length) bucket.policies = answer.policies;
    if (answer.granted) {
      bucket.units = answer.granted + (now < bucket.until ? bucket.units : 0);
      bucket.until = now + answer.lifeSeconds;
      return;
    }
    bucket.reason = answer.reason;
    bucket.retryAt = now + answer.retryAfter;
    bucket.refusedUntil = now + Math.min(answer.retryAfter, BELIEVED_SECONDS);
  }

  /** All policies of the token for this scope must let it pass; then all are charged. */
  #decideAlone(bucket: Bucket, credential: Credential, scope: string, cost: number): Allowance {
    const nowUs = Math.floor(this.monotonic() * SECOND_US);
    const decided = ratesOf(credential.claims["limits"], scope).map((rate) => ({
      rate,
      decision: decide(rate, cost, bucket.tatsUs.get(rate.name) ?? 0, nowUs),
    }));
    const policies = decided.map(({ rate, decision }) => ({
      ...rate,
      remaining: decision.remaining,
      resetSeconds: Math.ceil((decision.retryAfterUs || Math.max(0, decision.tatUs - nowUs)) / SECOND_US),
    }));
    const waitUs = Math.max(...decided.map(({ decision }) => decision.retryAfterUs));
    if (waitUs) throw overLimit(waitUs / SECOND_US, policies);
    for (const { rate, decision } of decided) bucket.tatsUs.set(rate.name, decision.tatUs);
    return { policies, degraded: true };
  }
}

/** 429 with all that RFC 9110 section 10.2.3 and the RateLimit fields say about when to come back. */
function overLimit(seconds: number, policies: readonly Policy[]): Refused {
  const wait = Math.max(1, Math.ceil(seconds));
  const spent = policies.filter(({ remaining }) => remaining === 0);
  return new Refused("rate_limited", `the limit is reached, come back in ${wait} s`, {
    headers: [["Retry-After", String(wait)], ...limitHeaders(policies)],
    violated: (spent.length ? spent : policies).map(({ name }) => name),
  });
}

/** From the `limits` claim; a bound of our own where it says nothing about the scope. */
export function ratesOf(claim: Json | undefined, scope: string): Rate[] {
  const rates = (Array.isArray(claim) ? claim : []).filter(isObject).flatMap((entry): Rate[] => {
    const [quota, windowSeconds] = [timeOf(entry, "q"), timeOf(entry, "w")];
    if (entry["scope"] !== scope || !quota || !windowSeconds || !isName(entry["policy"])) return [];
    return [{ name: entry["policy"], quota, windowSeconds }];
  });
  return rates.length ? rates : [DEFAULT];
}

interface Block {
  readonly granted: number;
  readonly lifeSeconds: number;
  readonly policies: readonly Policy[];
  readonly retryAfter: number;
  readonly reason: string;
}

function readBlock(answer: JsonObject): Block {
  const { retry_after: wait, reason, policies } = answer as Record<string, Json | undefined>;
  if (policies !== undefined && !Array.isArray(policies)) throw new IssuerAway("policies are malformed");
  return {
    granted: count(answer, "granted"),
    lifeSeconds: ("expires_in_ms" in answer ? count(answer, "expires_in_ms") : 1000) / 1000,
    policies: (policies ?? []).map(readPolicy),
    retryAfter: typeof wait === "number" && wait > 0 ? wait : 1,
    reason: typeof reason === "string" && reason !== "rate_limited" ? (REASONS[reason] ?? "agent_restricted") : "",
  };
}

function readPolicy(found: Json): Policy {
  if (!isObject(found) || !isName(found["name"])) throw new IssuerAway("a policy has no name");
  const [quota, windowSeconds] = [count(found, "q"), count(found, "w")];
  return { name: found["name"], quota, windowSeconds, remaining: count(found, "r"), resetSeconds: count(found, "t") };
}

/** As it may stand in a structured field string (RFC 9651 section 3.3.3). */
function isName(value: Json | undefined): value is string {
  return typeof value === "string" && /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(value);
}

function count(found: JsonObject, name: string): number {
  const value = found[name];
  if (typeof value !== "number" || value < 0 || value > Number.MAX_SAFE_INTEGER) throw new IssuerAway(`${name} is no count`);
  return Math.ceil(value);
}
