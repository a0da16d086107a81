/**
 * Fetching: keys, lists, and what is written down. By requests when they lack something, and by a timer.
 *
 * Each thing is fetched by one caller at a time, and not again at once after it failed: a request
 * that cannot be decided is refused quickly instead of joining a queue before a dead server.
 */

import { digestOf } from "./base64.js";
import { IssuerAway, type IssuerClient } from "./issuer-client.js";
import { type Json, parseJson } from "./json.js";
import type { Jws } from "./jws.js";
import type { KeySet } from "./keyset.js";
import type { Store } from "./passport-store.js";
import type { Snapshot, Standing } from "./standing.js";
import { BadList, readList, type StatusList } from "./status-list.js";
import { originOf } from "./target.js";

/** A token with a made-up `kid` causes no more than one fetch in this time (jose's interval). */
const UNKNOWN_KID_SECONDS = 30;
/** `max-age` of the key set. */
const KEYS_SECONDS = 300;
const FAILED_SECONDS = 1;
const MARGIN_SECONDS = 10;
const LOOK_MS = 250;
const SAVE_SECONDS = 1;
const VERSION = 1;

export interface KeeperParts {
  readonly client: IssuerClient;
  readonly keys: KeySet;
  readonly standing: Standing;
  readonly store: Store | undefined;
  readonly clock: () => number;
}

export class Keeper {
  readonly #parts: KeeperParts;
  readonly #origin: string;
  readonly #running = new Map<string, Promise<void>>();
  readonly #notBefore = new Map<string, number>();
  #keysWanted = false;
  #savedAt = Number.NEGATIVE_INFINITY;
  #saving: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#origin = originOf(parts.client.issuer);
  }

  // Asked by requests; these wait for the network and never throw.

  fetchKeys(): Promise<void> {
    return this.#alone("keys", () => this.#fetchKeys());
  }

  fetchKeysForUnknownKid(): Promise<void> {
    return this.#alone("unknown kid", async () => {
      this.#notBefore.set("unknown kid", this.#monotonic() + UNKNOWN_KID_SECONDS);
      await this.#fetchKeys();
    });
  }

  fetchList(uri: string): Promise<void> {
    return this.#alone(uri, () => this.#fetchList(uri));
  }

  /** Every list that the issuer has. Throws IssuerAway when it does not say which. */
  async prime(): Promise<void> {
    if (!this.#parts.keys.isUsable(this.#parts.clock())) await this.fetchKeys();
    const uris = await this.#parts.client.listUris();
    await Promise.all(uris.filter((uri) => this.isOurs(uri)).map((uri) => this.fetchList(uri)));
  }

  /** Only lists of the issuer's own origin are ever fetched (SL-06). */
  isOurs(uri: string): boolean {
    try {
      return originOf(uri) === this.#origin;
    } catch {
      return false;
    }
  }

  /** A signature of the issuer; its keys are fetched anew when this one is new. Throws. */
  async verify(jws: Jws): Promise<void> {
    if (!this.#parts.keys.find(jws.kid)) await this.fetchKeysForUnknownKid();
    await this.#parts.keys.verify(jws);
  }

  // Told by the feed.

  wantKeys(): void {
    this.#keysWanted = true;
    this.lookAfter();
  }

  // Life.

  start(): void {
    this.#timer = setInterval(() => this.lookAfter(), LOOK_MS);
    unref(this.#timer);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#save();
  }

  /** One round: begin to fetch what is due, save what changed. */
  lookAfter(): void {
    const { clock, keys, standing, store } = this.#parts;
    const now = clock();
    if (this.#keysWanted || now >= keys.fetchedAt + KEYS_SECONDS) void this.fetchKeys();
    for (const uri of standing.toFetch(now, MARGIN_SECONDS)) void this.fetchList(uri);
    standing.forgetExpired(now);
    if (store && this.#monotonic() >= this.#savedAt + SAVE_SECONDS) {
      this.#savedAt = this.#monotonic();
      void this.#save();
    }
  }

  // How.

  #monotonic(): number {
    return this.#parts.standing.monotonic();
  }

  /** Those who come while another does it wait for that; for a while after a failure nobody does it. */
  #alone(what: string, work: () => Promise<void>): Promise<void> {
    const running = this.#running.get(what);
    if (running) return running;
    if (this.#monotonic() < (this.#notBefore.get(what) ?? Number.NEGATIVE_INFINITY)) return Promise.resolve();
    const flight = work().finally(() => this.#running.delete(what));
    this.#running.set(what, flight);
    return flight;
  }

  #pause(what: string): void {
    this.#notBefore.set(what, this.#monotonic() + FAILED_SECONDS * (0.5 + Math.random() / 2));
  }

  async #fetchKeys(): Promise<void> {
    const { client, clock, keys } = this.#parts;
    try {
      const jwks = await client.keys();
      await keys.replace(jwks, clock());
      this.#keysWanted = false;
      await this.#write("keys.json", { jwks, fetched_at: keys.fetchedAt });
    } catch {
      // Held keys stay; without any, requests are refused as what they are: not to be decided.
      this.#pause("keys");
    }
  }

  async #fetchList(uri: string): Promise<void> {
    const { client, clock, standing } = this.#parts;
    try {
      const token = await client.statusList(uri);
      const fetched = await this.#read(uri, token, (jws) => this.verify(jws));
      const taken = standing.install(fetched, clock());
      // The issuer has not published what the feed announced: ask again, but not at once.
      if (!taken || standing.lists.get(uri)?.isWanting) this.#pause(uri);
      if (taken) await this.#write(await nameOf(uri), { uri, token });
    } catch (error) {
      if (!(error instanceof IssuerAway || error instanceof BadList)) throw error;
      this.#pause(uri);
    }
  }

  #read(uri: string, token: string, verify: (jws: Jws) => Promise<void>): Promise<StatusList> {
    return readList(token, { uri, issuer: this.#parts.client.issuer, now: this.#parts.clock(), verify });
  }

  // Between two starts.

  /** Keys, what the feed told, then each list that is still good: it gets its deltas. */
  async load(): Promise<void> {
    const { keys, standing, clock } = this.#parts;
    const savedKeys = await this.#readSaved("keys.json");
    const saved = await this.#readSaved("standing.json");
    try {
      if (!savedKeys) return;
      await keys.replace(savedKeys["jwks"] ?? null, Number(savedKeys["fetched_at"]));
      if (saved) standing.restore(saved as unknown as Snapshot);
    } catch {
      standing.lose();
    }
    for (const uri of [...standing.lists.keys()].filter((each) => this.isOurs(each))) {
      const list = await this.#readSaved(await nameOf(uri));
      if (list?.["uri"] !== uri || typeof list["token"] !== "string") continue;
      const found = await this.#read(uri, list["token"], (jws) => keys.verify(jws)).catch(() => undefined);
      if (found) standing.install(found, clock());
    }
  }

  #save(): Promise<void> {
    // One after another: an older state must not land upon a newer.
    this.#saving = this.#saving.then(() => this.#write("standing.json", { ...this.#parts.standing.snapshot() }));
    return this.#saving;
  }

  async #write(name: string, contents: Record<string, unknown>): Promise<void> {
    const whole = { version: VERSION, issuer: this.#parts.client.issuer, ...contents };
    // What cannot be written down is missed at the next start, not now.
    await this.#parts.store?.save(name, JSON.stringify(whole)).catch(() => undefined);
  }

  async #readSaved(name: string): Promise<Record<string, Json> | undefined> {
    try {
      const text = await this.#parts.store?.load(name);
      const found = text === undefined ? undefined : (parseJson(text) as Record<string, Json>);
      const isOurs = found?.["version"] === VERSION && found["issuer"] === this.#parts.client.issuer;
      return isOurs ? found : undefined;
    } catch {
      return undefined;
    }
  }
}

async function nameOf(uri: string): Promise<string> {
  return `list-${await digestOf(uri)}.json`;
}

/** A timer of ours does not keep a process alive (Node); browsers have no such notion. */
export function unref(timer: unknown): void {
  (timer as { unref?: () => void }).unref?.();
}
