/**
 * The verifier of a service: says who calls, or what to answer instead. Offline once it has started.
 *
 * The way of one request: token, proof, state of the credential, scope, replay, limit.
 */

import { digestOf } from "./base64.js";
import { type Call, pathOf, readToken, valuesOf } from "./call.js";
import { localTime } from "./clock.js";
import { checkTime, type Credential, readCredential, SKEW_SECONDS } from "./credential.js";
import { ConfigurationError } from "./errors.js";
import { EventReader, Feed } from "./feed.js";
import type { Fetch } from "./grants.js";
import { checkIssuer } from "./issuer-url.js";
import { IssuerClient } from "./issuer-client.js";
import type { JsonObject } from "./json.js";
import { BadSignature } from "./jwk.js";
import { type Jws, Malformed, parse, TOKEN_BYTES } from "./jws.js";
import { Keeper } from "./keeper.js";
import { KeySet } from "./keyset.js";
import { type Allowance, limitHeaders, Limiter } from "./limits.js";
import { isSame, Nonces } from "./nonces.js";
import type { Store } from "./passport-store.js";
import { checkProof, newNonce, type Proof, REMEMBER_SECONDS } from "./proofs.js";
import { ACCESS_TOKEN_TYP } from "./protocol.js";
import { answerTo, badToken, type Header, type Refusal, Refused } from "./refusals.js";
import { MemoryReplay, type ReplayStore, ReplayUnavailable } from "./replay.js";
import { type Outage, Standing, type Verdict } from "./standing.js";
import { normalise } from "./target.js";

const TOKENS = 20_000;
const RESTRICTED: Readonly<Record<Exclude<Verdict, "good" | "unknown">, string>> = {
  passport_revoked: "the passport was revoked",
  passport_suspended: "the passport is suspended",
  agent_denied: "an agent in whose name the token acts is denied",
  token_revoked: "the token was revoked",
  status_invalid: "the status of the token is outside its list",
};

export interface VerifierOptions {
  readonly issuer: string;
  /** The service's URI at the issuer. */
  readonly audience: string;
  /**
   * Where agents reach the service, if that is not `audience`; the `htu` of proofs is compared with
   * it. Never taken from the `Host` header: a proof for another host must not work here.
   */
  readonly baseUrl?: string;
  /** With both, the verifier follows the event feed and takes units; without, it fetches status lists. */
  readonly clientId?: string;
  readonly clientSecret?: string;
  /** Where keys, lists and what the feed told are kept, so that it starts while the issuer is away. */
  readonly store?: Store;
  readonly replay?: ReplayStore;
  readonly outage?: Outage;
  /** False: unbound tokens are taken too. */
  readonly requireProof?: boolean;
  readonly requireNonce?: boolean;
  readonly limits?: boolean;
  readonly timeoutSeconds?: number;
  readonly fetch?: Fetch;
  /** Seconds since 1970. */
  readonly clock?: () => number;
  /** Seconds that only grow. */
  readonly monotonic?: () => number;
}

/** Who calls, and what they may. */
export interface Verified {
  readonly ok: true;
  readonly agent: string;
  /** The agent again, or a user for whom it acts. */
  readonly subject: string;
  /** Pairwise: the same account has another name at another service. */
  readonly account: string | undefined;
  readonly scopes: ReadonlySet<string>;
  readonly claims: JsonObject;
  /** What is left of the limit; undefined where none was asked for. */
  readonly allowance: Allowance | undefined;
  /** To add to the answer: the RateLimit fields. */
  readonly headers: readonly Header[];
}

export interface Wanted {
  /** Needed for this route, and what units are taken of; left out, any good token will do. */
  readonly scope?: string | null;
  readonly cost?: number;
}

/** What runs between start and close. */
interface Running {
  readonly keys: KeySet;
  readonly standing: Standing;
  readonly keeper: Keeper;
  readonly limiter: Limiter;
  readonly feed: Feed | undefined;
  readonly tokens: Map<string, Credential>;
  readonly loaded: Promise<void>;
}

/** One for each service process. */
export class Verifier {
  readonly #options: VerifierOptions;
  readonly #issuer: string;
  readonly #baseUrl: string;
  readonly #nonces: Nonces;
  readonly #replay: ReplayStore;
  readonly #clock: () => number;
  #running: Running | undefined;

  constructor(options: VerifierOptions) {
    this.#options = options;
    this.#issuer = checkIssuer(options.issuer);
    this.#baseUrl = baseOf(options.baseUrl ?? options.audience);
    if ((options.clientId === undefined) !== (options.clientSecret === undefined)) {
      throw new ConfigurationError("clientId and clientSecret go together", { cure: "Give both, or neither" });
    }
    this.#nonces = Nonces.of(options.clientSecret, options.audience);
    this.#replay = options.replay ?? new MemoryReplay();
    this.#clock = options.clock ?? localTime;
  }

  // Life.

  /** Begin to follow the issuer. Called by the first check. */
  async start(): Promise<this> {
    await (this.#running ??= this.#begin()).loaded;
    return this;
  }

  /** Stop what runs, and write down what is known. A later check starts anew. */
  async close(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.feed?.close();
    await running?.loaded;
    await running?.keeper.close();
  }

  /** The event feed is heard: what is revoked is refused within a second. */
  get isLive(): boolean {
    return this.#running?.standing.isLive ?? false;
  }

  /** It has the issuer's keys, and every list that it knows of. */
  get isReady(): boolean {
    const { keys, standing } = this.#running ?? {};
    if (!keys?.isUsable(this.#clock()) || !standing) return false;
    return [...standing.lists.values()].every(({ held }) => held !== undefined);
  }

  #begin(): Running {
    const { clientId, clientSecret, store, timeoutSeconds, fetch } = this.#options;
    const monotonic = this.#options.monotonic ?? (() => performance.now() / 1000);
    const client = new IssuerClient({
      issuer: this.#issuer,
      credentials: clientId !== undefined && clientSecret !== undefined ? { clientId, clientSecret } : undefined,
      timeoutSeconds: timeoutSeconds ?? 5,
      fetch: fetch ?? ((input, init) => globalThis.fetch(input, init)),
      monotonic,
    });
    const [keys, standing] = [new KeySet(), new Standing(monotonic)];
    const keeper = new Keeper({ client, keys, standing, store, clock: this.#clock });
    const reader = new EventReader({
      issuer: this.#issuer,
      standing,
      isOurs: (uri) => keeper.isOurs(uri),
      verify: (jws) => keeper.verify(jws),
      onKeys: () => keeper.wantKeys(),
      onLists: () => keeper.lookAfter(),
    });
    const feed = client.hasCredentials
      ? new Feed({ client, standing, reader, prime: () => keeper.prime() })
      : undefined;
    const loaded = (store ? keeper.load() : Promise.resolve()).then(() => {
      keeper.start();
      feed?.start();
    });
    return { keys, standing, keeper, limiter: new Limiter(client, monotonic), feed, tokens: new Map(), loaded };
  }

  // Asked by services.

  /**
   * Who calls, or what to answer. Never throws for anything that a request holds.
   *
   * `call.headers` is every field, repeated ones too. `scope` is needed for this route and is what
   * `cost` units are taken of; without it any good token will do and nothing is counted.
   */
  async check(call: Call, { scope = null, cost = 1 }: Wanted = {}): Promise<Verified | Refusal> {
    await this.start();
    try {
      return await this.#steps(this.#running ?? this.#begin(), call, scope, cost);
    } catch (error) {
      if (error instanceof Refused) return this.refuse(error);
      throw error;
    }
  }

  /** The answer of this service for a rule that said no. For middleware. */
  refuse(refused: Refused): Refusal {
    return answerTo(refused, this.#issuer, this.#options.requireProof === false);
  }

  // The steps.

  async #steps(running: Running, call: Call, scope: string | null, cost: number): Promise<Verified> {
    const now = this.#clock();
    const { token, asDpop } = readToken(call);
    const digest = await digestOf(token);
    const credential = await this.#read(running, token, digest, now);
    checkTime(credential, now);
    const proof = await this.#checkBinding(call, credential, asDpop, digest, now);
    await this.#checkState(running, credential);
    if (scope !== null && !credential.scopes.has(scope)) {
      throw new Refused("insufficient_scope", `the scope ${scope} is needed`, { scope });
    }
    if (proof) await this.#spend(proof, now);
    const isCounted = scope !== null && (this.#options.limits ?? true);
    const allowance = isCounted ? await running.limiter.take(credential, scope, cost) : undefined;
    const { agent, subject, account, scopes, claims } = credential;
    const headers = limitHeaders(allowance?.policies ?? []);
    return { ok: true, agent, subject, account, scopes, claims, allowance, headers };
  }

  /** The token, its signature checked now or before. Its key must still be the issuer's. */
  async #read(running: Running, token: string, digest: string, now: number): Promise<Credential> {
    const { keys, keeper, tokens } = running;
    if (!keys.isUsable(now)) {
      await keeper.fetchKeys();
      if (!keys.isUsable(this.#clock())) throw unavailable("the keys of the issuer are not known");
    }
    const held = tokens.get(digest);
    if (held && keys.find(held.kid)) return held;
    const credential = readCredential(await this.#verified(running, token), this.#issuer, this.#options.audience);
    checkTime(credential, now);
    // The longest held makes room: tokens live five minutes, so it is also the nearest to its end.
    tokens.set(digest, credential);
    for (const [first, { expiresAt }] of tokens) {
      if (tokens.size <= TOKENS && now < expiresAt + SKEW_SECONDS) break;
      tokens.delete(first);
    }
    return credential;
  }

  async #verified({ keys, keeper }: Running, token: string): Promise<Jws> {
    try {
      const jws = parse(token, TOKEN_BYTES);
      if (jws.typ !== ACCESS_TOKEN_TYP) throw badToken(`typ is not ${ACCESS_TOKEN_TYP}`);
      if (!keys.find(jws.kid)) await keeper.fetchKeysForUnknownKid();
      const key = keys.find(jws.kid);
      if (!key) throw badToken("signed by an unknown key");
      await key.verify(jws.alg, jws.signed, jws.signature);
      return jws;
    } catch (error) {
      const isOfToken = error instanceof Malformed || error instanceof BadSignature;
      throw isOfToken ? badToken(error.message) : error;
    }
  }

  /** DPOP-15 to DPOP-17. Undefined for an unbound token, where the service takes such. */
  async #checkBinding(
    call: Call,
    credential: Credential,
    asDpop: boolean,
    digest: string,
    now: number,
  ): Promise<Proof | undefined> {
    if (credential.thumbprint === undefined) {
      const isTaken = !asDpop && this.#options.requireProof === false;
      if (!isTaken) throw badToken("the token is not bound to a key");
      return undefined;
    }
    if (!asDpop) throw badToken("a bound token is sent under the scheme DPoP");
    const values = valuesOf(call, "dpop");
    if (!values.length) throw badToken("the proof is missing");
    const proof = await checkProof(values, {
      method: call.method,
      url: this.#baseUrl + pathOf(call),
      tokenHash: digest,
      now,
      nonces: this.#nonces,
      nonceRequired: this.#options.requireNonce ?? false,
    });
    if (!isSame(proof.thumbprint, credential.thumbprint)) {
      throw badToken("the proof is by another key than that of the token");
    }
    return proof;
  }

  async #checkState({ standing, keeper }: Running, credential: Credential): Promise<void> {
    const outage = this.#options.outage ?? "ttl";
    let verdict = standing.judge(credential, this.#clock(), outage);
    if (verdict === "unknown") {
      if (!keeper.isOurs(credential.listUri)) {
        throw badToken("the status list is outside the origin of the issuer", "status_invalid");
      }
      await keeper.fetchList(credential.listUri);
      verdict = standing.judge(credential, this.#clock(), outage);
    }
    if (verdict === "unknown") throw unavailable("the issuer cannot be asked, and what is known is too old");
    if (verdict !== "good") throw badToken(RESTRICTED[verdict], verdict);
  }

  async #spend(proof: Proof, now: number): Promise<void> {
    const since = this.#replay.completeSince;
    if (since !== undefined && proof.issuedAt < since && !proof.hasNonce) {
      throw await newNonce(this.#nonces, now, "the proof is older than this process");
    }
    let isFirst: boolean;
    try {
      isFirst = await this.#replay.spend(proof.replayKey, REMEMBER_SECONDS);
    } catch (error) {
      if (!(error instanceof ReplayUnavailable)) throw error;
      throw unavailable("it cannot be said whether the proof is new");
    }
    if (!isFirst) throw new Refused("invalid_dpop_proof", "the proof was used before");
  }
}

function unavailable(description: string): Refused {
  return new Refused("status_unavailable", description, { headers: [["Retry-After", "1"]] });
}

function baseOf(url: string): string {
  try {
    return normalise(url).replace(/\/+$/, "");
  } catch {
    const cure = "Give baseUrl: where agents reach the service";
    throw new ConfigurationError("the service's own address is not known", { cure });
  }
}
