/** The agent: holds the key, keeps the passport, and has an access token ready for each service. */

import { IssuerClock, localTime } from "./clock.js";
import { AgentPassportError, PassportRefused } from "./errors.js";
import { exchange, type Fetch, type Held, obtainPassport, ofAccessToken, ofPassport, type Session } from "./grants.js";
import { checkIssuer } from "./issuer-url.js";
import type { AgentKey } from "./keys.js";
import { loadPassport, savePassport, type Store } from "./passport-store.js";

/** Access tokens kept at once; the longest unused one makes room. An agent of many services has dozens. */
const TOKENS_HELD = 1024;
const TOKEN_MARGIN_SECONDS = 30;
/** Of its life: a passport of 30 days is renewed six days before its end, time enough for an outage. */
const PASSPORT_RENEWED_AT = 0.8;
const RENEWAL_PAUSE_SECONDS = 60;
const NOT_MENDED_BY_A_NEW_PASSPORT = new Set(["passport_suspended", "account_suspended", "key_revoked"]);

export interface AgentOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly key: AgentKey;
  /** Where the passport is kept; without, a new one is obtained at each start. */
  readonly store?: Store;
  readonly timeoutSeconds?: number;
  readonly fetch?: Fetch;
  /** The local time in seconds since 1970. */
  readonly clock?: () => number;
}

export type Scopes = string | readonly string[];

/** One agent at one issuer. Share it among all that runs in a process. */
export class Agent {
  readonly #session: Session;
  readonly #store: Store | undefined;
  readonly #flights = new Map<string, Promise<Held>>();
  readonly #tokens = new Map<string, Held>();
  readonly #nonces = new Map<string, string>();
  #loading: Promise<void> | undefined;
  #passport: Held | undefined;
  #noRenewalBefore = 0;

  constructor(options: AgentOptions) {
    this.#store = options.store;
    this.#session = {
      issuer: checkIssuer(options.issuer),
      clientId: options.clientId,
      key: options.key,
      clock: new IssuerClock(options.clock ?? localTime),
      fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
      timeoutSeconds: options.timeoutSeconds ?? 10,
      nonce: undefined,
    };
  }

  get issuer(): string {
    return this.#session.issuer;
  }

  get clientId(): string {
    return this.#session.clientId;
  }

  get key(): AgentKey {
    return this.#session.key;
  }

  /** The issuer's time, as far as its answers have told it. Seconds since 1970. */
  now(): number {
    return this.#session.clock.now();
  }

  /** The passport, renewed when its time has come. Throws AgentPassportError. */
  async passport(): Promise<Held> {
    await (this.#loading ??= this.#load());
    const [held, now] = [this.#passport, this.now()];
    if (!held || now >= held.expiresAt) return this.#obtain(held);
    const due = held.receivedAt + PASSPORT_RENEWED_AT * (held.expiresAt - held.receivedAt);
    if (now < Math.max(due, this.#noRenewalBefore)) return held;
    try {
      return await this.#obtain(held);
    } catch (error) {
      if (!(error instanceof AgentPassportError)) throw error;
      // The old one is good for days yet. Whether it still counts is for the exchange to say.
      this.#noRenewalBefore = now + RENEWAL_PAUSE_SECONDS;
      return held;
    }
  }

  /** A new passport now. Throws AgentPassportError. */
  async renew(): Promise<Held> {
    await (this.#loading ??= this.#load());
    return this.#obtain(this.#passport);
  }

  /**
   * An access token for this service, from the cache or by exchange. Throws AgentPassportError.
   *
   * Without scopes: all that the passport holds and the service offers.
   */
  async token(audience: string, scope: Scopes = []): Promise<Held> {
    const scopes = scopesOf(scope);
    const key = JSON.stringify([audience, scopes]);
    const fresh = this.#freshToken(key);
    if (fresh) return fresh;
    const take = (passport: Held) => this.#once(key, () => this.#exchange(key, passport, audience, scopes));
    const passport = await this.passport();
    try {
      return await take(passport);
    } catch (error) {
      if (!(error instanceof PassportRefused) || NOT_MENDED_BY_A_NEW_PASSPORT.has(error.reason)) throw error;
    }
    // Revoked with the key that had signed it, or lapsed: possession of our key earns a new one.
    return take(await this.#obtain(passport));
  }

  /**
   * An access token by which this agent acts on, for whom another agent's or user's access token was
   * issued: `act` then names this agent (RFC 8693 section 4.1). Not cached: `handedOn` is another's.
   */
  async actFor(handedOn: string, audience: string, scope: Scopes = []): Promise<Held> {
    const passport = await this.passport();
    return exchange(this.#session, ofAccessToken(handedOn), audience, scopesOf(scope), passport);
  }

  /** Use this access token no more: a service refused it before its time. */
  forget(token: Held): void {
    for (const [key, held] of this.#tokens) if (held.value === token.value) this.#tokens.delete(key);
  }

  nonceFor(origin: string): string | undefined {
    return this.#nonces.get(origin);
  }

  /** The `DPoP-Nonce` of a service, for the next proof to it (RFC 9449 section 9). */
  learnNonce(origin: string, nonce: string): void {
    keep(this.#nonces, origin, nonce);
  }

  async #load(): Promise<void> {
    this.#passport = await loadPassport(this.#store, this.#session);
  }

  /** `old` is what the caller found wanting: who comes after another's renewal gets what that brought. */
  #obtain(old: Held | undefined): Promise<Held> {
    return this.#once("passport", async () => {
      if (this.#passport && this.#passport !== old) return this.#passport;
      const held = await obtainPassport(this.#session);
      this.#passport = held;
      // It is held in memory; where it cannot be kept, only the next start has to ask again.
      await savePassport(this.#store, this.#session, held).catch(() => undefined);
      return held;
    });
  }

  async #exchange(key: string, passport: Held, audience: string, scopes: readonly string[]): Promise<Held> {
    const held = await exchange(this.#session, ofPassport(passport), audience, scopes);
    keep(this.#tokens, key, held);
    return held;
  }

  /** One does the work, all others wait for its result. */
  #once(key: string, work: () => Promise<Held>): Promise<Held> {
    const running = this.#flights.get(key);
    if (running) return running;
    const flight = work().finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }

  #freshToken(key: string): Held | undefined {
    const held = this.#tokens.get(key);
    if (!held) return undefined;
    const margin = Math.min(TOKEN_MARGIN_SECONDS, 0.1 * (held.expiresAt - held.receivedAt));
    if (this.now() >= held.expiresAt - margin) return undefined;
    keep(this.#tokens, key, held);
    return held;
  }
}

/** As the newest; the oldest makes room. */
function keep<Value>(held: Map<string, Value>, key: string, value: Value): void {
  held.delete(key);
  held.set(key, value);
  for (const oldest of held.keys()) {
    if (held.size <= TOKENS_HELD) return;
    held.delete(oldest);
  }
}

/** Scopes in one order, from a string with spaces (RFC 6749 section 3.3) or one by one. */
export function scopesOf(scope: Scopes): string[] {
  const found = typeof scope === "string" ? scope.split(" ").filter(Boolean) : scope;
  return [...new Set(found)].sort();
}
