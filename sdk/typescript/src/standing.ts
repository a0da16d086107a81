/**
 * What is known about the state of credentials: lists, deltas, denied agents, revoked tokens. In memory.
 *
 * Three rules make it exact. A delta only tightens; only a signed list loosens. A list holds all
 * changes up to its `ledger`, so deltas behind it are kept and put on top of any older list that
 * arrives late. And what is known is known *as of* a moment: the `iat` of the list, or, while
 * every event since has been heard, the last word of the feed. From that moment the bound counts.
 */

import type { Credential } from "./credential.js";
import { type StatusList, SUSPENDED, VALID } from "./status-list.js";

/** A feed that was silent for longer counts as cut off: it ticks every half second. */
export const SILENCE_SECONDS = 2;
const LISTS_KNOWN = 1024;
/** Indexes, for each list, four bytes each: beyond them the list itself is the shorter way. */
const DELTAS_KEPT = 16_384;
const TOKEN_GRACE_SECONDS = 60;

/**
 * How long to go on when neither feed nor lists can be heard: `"ttl"`, until what is known is as old
 * as a list may get (60 s); `"exp"`, until the lists end (300 s).
 */
export type Outage = "ttl" | "exp";

export type Verdict =
  | "good"
  | "passport_revoked"
  | "passport_suspended"
  | "agent_denied"
  | "token_revoked"
  | "status_invalid"
  | "unknown";

export interface Delta {
  readonly ledger: number;
  /** Indexes by the value they tightened to. */
  readonly values: ReadonlyMap<number, ArrayLike<number> & Iterable<number>>;
}

/** False when it does not fit this list. */
function tighten(held: StatusList, delta: Delta): boolean {
  let fits = true;
  for (const [value, indexes] of delta.values) {
    for (const index of indexes) fits = held.tighten(index, value) && fits;
  }
  return fits;
}

const sizeOf = (delta: Delta): number => [...delta.values.values()].reduce((sum, indexes) => sum + indexes.length, 0);

/** Numbers of four bytes each instead of what an array takes. */
export const packed = (values: Iterable<readonly [number, readonly number[]]>): Delta["values"] =>
  new Map(Array.from(values, ([value, indexes]) => [value, Uint32Array.from(indexes)]));

/** One list, with what came after it. */
export class Tracked {
  held: StatusList | undefined;
  deltas: Delta[] = [];
  /** The list must be fetched until its `ledger` is at least this. */
  wanted = 0;
  /** Deltas up to here are no longer kept: what they said stands in `held` alone. */
  dropped = 0;

  get isWanting(): boolean {
    return !this.held || this.held.ledger < this.wanted;
  }

  follow(delta: Delta): void {
    if (this.held && delta.ledger <= this.held.ledger) return;
    this.deltas.push(delta);
    if (this.deltas.reduce((sum, kept) => sum + sizeOf(kept), 0) > DELTAS_KEPT) this.drop(delta.ledger);
    if (this.held && !tighten(this.held, delta)) this.want(delta.ledger);
  }

  want(ledger: number): void {
    this.wanted = Math.max(this.wanted, ledger);
  }

  /** Deltas up to here are missing or too many: only a list that has them loosens again. */
  drop(ledger: number): void {
    this.want(ledger);
    this.dropped = ledger;
    this.deltas = [];
  }

  /** False: what is held is newer (SL-07). */
  install(fetched: StatusList, now: number): boolean {
    const { held } = this;
    const isOlder = held && (fetched.issuedAt < held.issuedAt || fetched.ledger < held.ledger);
    if (held && isOlder && now < held.expiresAt) return false;
    if (held && fetched.ledger < this.dropped) fetched.tightenAs(held);
    this.deltas = this.deltas.filter((delta) => delta.ledger > fetched.ledger);
    for (const delta of this.deltas) if (!tighten(fetched, delta)) this.want(delta.ledger);
    this.held = fetched;
    return true;
  }

  isDue(now: number, marginSeconds: number, live: boolean): boolean {
    const { held } = this;
    if (!held || this.isWanting || now >= (held.issuedAt + held.expiresAt) / 2) return true;
    return !live && now >= held.issuedAt + held.ttl - marginSeconds;
  }
}

/** As it is written down between two starts. */
export interface Snapshot {
  readonly position: number | null;
  readonly covered_from: number | null;
  readonly feed_time: number;
  readonly lists: Record<string, { wanted: number; deltas: [number, [number, number[]][]][] }>;
  readonly denied: string[];
  readonly denied_at: number;
  readonly denied_since: Record<string, number>;
  readonly revoked_tokens: Record<string, number>;
}

/** Written by the feed and by fetches; read by every request. */
export class Standing {
  readonly lists = new Map<string, Tracked>();
  /** Every event up to here was heard; where to resume. */
  position: number | undefined;
  /** Every event after this was heard: a list at least this new lacks nothing. */
  #coveredFrom: number | undefined;
  /** The issuer's time at its last word. */
  #feedTime = 0;
  #head = 0;
  #heardAt = Number.NEGATIVE_INFINITY;
  #denied = new Set<string>();
  #deniedAt = 0;
  #deniedSince = new Map<string, number>();
  readonly #revokedTokens = new Map<string, number>();

  /** `monotonic`: seconds that only grow. */
  constructor(readonly monotonic: () => number) {}

  // Asked by requests.

  /** A few look-ups, no I/O. */
  judge(credential: Credential, now: number, outage: Outage): Verdict {
    const tracked = this.lists.get(credential.listUri);
    const held = tracked?.held;
    if (!tracked || !held || !this.#isFresh(tracked, held, now, outage)) return "unknown";
    const value = held.value(credential.index);
    if (value === undefined) return "status_invalid";
    if (value !== VALID) return value === SUSPENDED ? "passport_suspended" : "passport_revoked";
    for (const party of credential.parties) {
      if (this.#denied.has(party) || this.#deniedSince.has(party)) return "agent_denied";
    }
    return this.#revokedTokens.has(credential.jti) ? "token_revoked" : "good";
  }

  #isFresh(tracked: Tracked, held: StatusList, now: number, outage: Outage): boolean {
    if (now >= held.expiresAt) return false;
    if (outage === "exp") return true;
    const start = this.#coveredFrom;
    const isSynced = start !== undefined && held.ledger >= start && held.ledger >= tracked.wanted;
    if (isSynced && this.isLive) return true;
    const asOf = isSynced ? Math.max(held.issuedAt, this.#feedTime) : held.issuedAt;
    return now < asOf + held.ttl;
  }

  /** The feed is heard, and has told all that we missed. */
  get isLive(): boolean {
    const isHeard = this.monotonic() - this.#heardAt <= SILENCE_SECONDS;
    return isHeard && this.position !== undefined && this.position >= this.#head;
  }

  // Told by fetches.

  install(fetched: StatusList, now: number): boolean {
    return this.tracked(fetched.uri)?.install(fetched, now) ?? false;
  }

  /** Lists that are wanted newer, or whose end or (without feed) time to live comes near. */
  toFetch(now: number, marginSeconds: number): string[] {
    const live = this.isLive;
    return [...this.lists].flatMap(([uri, tracked]) => (tracked.isDue(now, marginSeconds, live) ? [uri] : []));
  }

  // Told by the feed.

  hello(ledger: number, uris: readonly string[], asked: number | undefined): void {
    let resumedFrom = asked;
    if (resumedFrom !== undefined && ledger < resumedFrom) {
      this.#beginAnew();
      resumedFrom = undefined;
    }
    if (resumedFrom === undefined) this.#coveredFrom = this.position = ledger;
    else this.#coveredFrom ??= resumedFrom;
    this.#head = ledger;
    for (const uri of uris) this.tracked(uri);
  }

  /** The issuer's record is shorter than what we read of it: it was set up again. */
  #beginAnew(): void {
    for (const tracked of this.lists.values()) {
      tracked.deltas = [];
      tracked.wanted = tracked.dropped = 0;
      if (tracked.held) tracked.held.ledger = 0;
    }
    this.#deniedAt = 0;
  }

  /** The position to ask the feed for: ours, or that of the oldest list; undefined without lists. */
  resumePoint(): number | undefined {
    if (this.position !== undefined) return this.position;
    const ledgers = [...this.lists.values()].flatMap(({ held }) => (held ? [held.ledger] : []));
    return ledgers.length ? Math.min(...ledgers) : undefined;
  }

  /** Events were missed: every list must be newer than the gap. */
  reload(ledger: number): void {
    this.#coveredFrom = this.position = ledger;
    for (const tracked of this.lists.values()) tracked.drop(ledger);
  }

  /** A frame could not be read: what it said is missing. Start over with the lists. */
  lose(): void {
    this.position = this.#coveredFrom = undefined;
    this.#heardAt = Number.NEGATIVE_INFINITY;
  }

  deny(ledger: number, subs: readonly string[]): void {
    if (ledger > this.#deniedAt) for (const sub of subs) this.#deniedSince.set(sub, ledger);
  }

  /** The signed list of all who are denied: what it lacks is allowed again. */
  denyExactly(ledger: number, subs: readonly string[]): void {
    if (ledger < this.#deniedAt) return;
    this.#deniedAt = ledger;
    this.#deniedSince = new Map([...this.#deniedSince].filter(([, at]) => at > ledger));
    this.#denied = new Set(subs);
  }

  revokeToken(jti: string, expiresAt: number): void {
    this.#revokedTokens.set(jti, expiresAt);
  }

  forgetExpired(now: number): void {
    for (const [jti, until] of this.#revokedTokens) {
      if (until + TOKEN_GRACE_SECONDS <= now) this.#revokedTokens.delete(jti);
    }
  }

  /** A frame arrived whole and was taken in. */
  heard(ledger: number | undefined, issuerTime?: number): void {
    if (ledger !== undefined && (this.position === undefined || ledger > this.position)) this.position = ledger;
    this.#heardAt = this.monotonic();
    if (issuerTime !== undefined && this.isLive) this.#feedTime = Math.max(this.#feedTime, issuerTime);
  }

  /** Undefined when there are more lists than any issuer has. */
  tracked(uri: string): Tracked | undefined {
    const known = this.lists.get(uri);
    if (known || this.lists.size >= LISTS_KNOWN) return known;
    const made = new Tracked();
    this.lists.set(uri, made);
    return made;
  }

  // On disk.

  snapshot(): Snapshot {
    const lists = [...this.lists].map(([uri, { wanted, deltas }]) => {
      const plain = deltas.map(({ ledger, values }) => [ledger, [...values].map(([value, at]) => [value, [...at]])]);
      return [uri, { wanted, deltas: plain as [number, [number, number[]][]][] }] as const;
    });
    return {
      position: this.position ?? null,
      covered_from: this.#coveredFrom ?? null,
      feed_time: this.#feedTime,
      lists: Object.fromEntries(lists),
      denied: [...this.#denied].sort(),
      denied_at: this.#deniedAt,
      denied_since: Object.fromEntries(this.#deniedSince),
      revoked_tokens: Object.fromEntries(this.#revokedTokens),
    };
  }

  /** Throws TypeError when it is not what `snapshot` made. */
  restore(saved: Snapshot): void {
    for (const [uri, { wanted, deltas }] of Object.entries(saved.lists)) {
      const tracked = this.tracked(uri);
      if (!tracked) continue;
      tracked.wanted = Number(wanted);
      tracked.deltas = deltas.map(([ledger, values]) => ({ ledger, values: packed(values) }));
    }
    this.position = saved.position ?? undefined;
    this.#coveredFrom = saved.covered_from ?? undefined;
    this.#feedTime = Number(saved.feed_time);
    this.#denied = new Set(saved.denied);
    this.#deniedAt = Number(saved.denied_at);
    this.#deniedSince = new Map(Object.entries(saved.denied_since));
    for (const [jti, until] of Object.entries(saved.revoked_tokens)) this.revokeToken(jti, until);
  }
}
