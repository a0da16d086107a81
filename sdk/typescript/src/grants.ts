/**
 * The requests of an agent to the token endpoint: passport, and exchange.
 *
 * Each attempt signs a new assertion and a new proof: the server takes a `jti` once.
 */

import { randomId } from "./base64.js";
import { readText } from "./body.js";
import type { IssuerClock } from "./clock.js";
import { makeProof } from "./dpop.js";
import { IssuerAnswerInvalid, type IssuerRefused, IssuerUnreachable, refusedBy } from "./errors.js";
import { build } from "./jws.js";
import type { AgentKey } from "./keys.js";
import {
  ACCESS_TOKEN_TYPE,
  ASSERTION_TYP,
  JWT_BEARER_ASSERTION,
  PASSPORT_TYPE,
  TOKEN_EXCHANGE,
  TOKEN_PATH,
} from "./protocol.js";
import { ATTEMPTS, BUSY, parseRetryAfter, sleep, waitFor } from "./retry.js";

const ASSERTION_SECONDS = 60;
const MENDED_BY_THE_CLOCK = new Set(["invalid_client", "invalid_dpop_proof", "use_dpop_nonce"]);
/** No answer of the token endpoint comes near; a larger one is not read to its end. */
const BODY_BYTES = 1024 * 1024;

export type Fetch = typeof globalThis.fetch;
type Form = Record<string, string>;

/** A token as it was issued. `value` is secret. Times are by the issuer's clock, in seconds since 1970. */
export interface Held {
  readonly value: string;
  readonly receivedAt: number;
  readonly expiresAt: number;
  readonly scopes: readonly string[];
  readonly tokenType: string;
}

/** What an agent knows for talking to its issuer. Shared by all its requests. */
export interface Session {
  readonly issuer: string;
  readonly clientId: string;
  readonly key: AgentKey;
  readonly clock: IssuerClock;
  readonly fetch: Fetch;
  readonly timeoutSeconds: number;
  /** The last `DPoP-Nonce` of the issuer. */
  nonce: string | undefined;
}

/** Client credentials with `private_key_jwt` and a proof. Throws AgentPassportError. */
export function obtainPassport(session: Session): Promise<Held> {
  return ask(session, async () => ({
    grant_type: "client_credentials",
    client_assertion_type: JWT_BEARER_ASSERTION,
    client_assertion: await makeAssertion(session),
    requested_token_type: PASSPORT_TYPE,
  }));
}

/** What is exchanged: a passport, or an access token that somebody handed on (RFC 8693 section 2.1). */
export interface Subject {
  readonly token: string;
  readonly type: string;
}

export const ofPassport = (passport: Held): Subject => ({ token: passport.value, type: PASSPORT_TYPE });
export const ofAccessToken = (token: string): Subject => ({ token, type: ACCESS_TOKEN_TYPE });

/**
 * RFC 8693: the subject for an access token. No scopes: all that is held for this audience.
 * `actor`: the passport of who acts from here on, where the subject is another's. Throws AgentPassportError.
 */
export function exchange(
  session: Session,
  subject: Subject,
  audience: string,
  scopes: readonly string[],
  actor?: Held,
): Promise<Held> {
  const form: Form = {
    grant_type: TOKEN_EXCHANGE,
    subject_token: subject.token,
    subject_token_type: subject.type,
    requested_token_type: ACCESS_TOKEN_TYPE,
    [audience.includes("://") ? "resource" : "audience"]: audience,
    ...(scopes.length ? { scope: scopes.join(" ") } : {}),
    ...(actor ? { actor_token: actor.value, actor_token_type: PASSPORT_TYPE } : {}),
  };
  return ask(session, async () => form);
}

/** RFC 7523 with the one audience that rfc7523bis leaves: the issuer. */
async function makeAssertion(session: Session): Promise<string> {
  const now = Math.floor(session.clock.now());
  const { clientId, issuer } = session;
  const claims = { iss: clientId, sub: clientId, aud: issuer, iat: now, exp: now + ASSERTION_SECONDS, jti: randomId() };
  return build(session.key, { typ: ASSERTION_TYP }, claims);
}

async function ask(session: Session, form: () => Promise<Form>): Promise<Held> {
  const mended = new Set<string>();
  let waited = 0;
  for (let attempt = 0; attempt < ATTEMPTS * 2; attempt++) {
    const outcome = await attemptOnce(session, form);
    if ("held" in outcome) return outcome.held;
    // Once for each cause: a server that repeats itself is not asked for ever.
    if (outcome.mend && !mended.has(outcome.mend)) {
      mended.add(outcome.mend);
      continue;
    }
    const pause = outcome.again ? waitFor(attempt, outcome.retryAfter, waited) : undefined;
    if (pause === undefined) throw outcome.error;
    waited += pause;
    await sleep(pause);
  }
  throw new IssuerUnreachable("no answer that could be used");
}

interface Failed {
  readonly error: Error;
  /** What the answer taught that makes a second try worth while; empty when nothing. */
  readonly mend: string;
  /** Waiting may help. */
  readonly again: boolean;
  readonly retryAfter?: number | undefined;
}

async function attemptOnce(session: Session, form: () => Promise<Form>): Promise<{ held: Held } | Failed> {
  let answer: TokenAnswer;
  try {
    answer = await send(session, await form());
  } catch (error) {
    if (!(error instanceof IssuerUnreachable)) throw error;
    return { error, mend: "", again: true };
  }
  session.nonce = answer.headers.get("DPoP-Nonce") ?? session.nonce;
  const moved = session.clock.learn(answer.headers.get("Date"));
  const now = session.clock.now();
  if (answer.status === 200) return { held: readHeld(answer, now) };
  const error = readRefusal(answer, now);
  const again = BUSY.has(answer.status);
  return { error, mend: mendOf(error, answer, moved), again, retryAfter: error.retryAfter };
}

function mendOf(refusal: IssuerRefused, answer: TokenAnswer, clockMoved: boolean): string {
  if (clockMoved && MENDED_BY_THE_CLOCK.has(refusal.code)) return "clock";
  return refusal.code === "use_dpop_nonce" && answer.headers.has("DPoP-Nonce") ? "nonce" : "";
}

export interface TokenAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

async function send(session: Session, form: Form): Promise<TokenAnswer> {
  const url = session.issuer + TOKEN_PATH;
  const proof = await makeProof(session.key, { method: "POST", url, now: session.clock.now(), nonce: session.nonce });
  try {
    const response = await session.fetch(url, {
      method: "POST",
      headers: { DPoP: proof, Accept: "application/json" },
      body: new URLSearchParams(form),
      redirect: "error",
      credentials: "omit",
      cache: "no-store",
      signal: AbortSignal.timeout(session.timeoutSeconds * 1000),
    });
    return { status: response.status, headers: response.headers, body: await readText(response, BODY_BYTES) };
  } catch (error) {
    const cure = "Check the address, the network and a proxy";
    throw new IssuerUnreachable(`no answer from ${new URL(url).origin}`, { cure, cause: error });
  }
}

function jsonOf(answer: TokenAnswer): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(answer.body);
    if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  } catch {
    // What is no JSON says nothing; the status does.
  }
  return {};
}

export function readRefusal(answer: TokenAnswer, now: number): IssuerRefused {
  const retryAfter = parseRetryAfter(answer.headers.get("Retry-After"), now);
  let body = jsonOf(answer);
  if (!("error" in body)) {
    const error = BUSY.has(answer.status) ? "temporarily_unavailable" : "invalid_answer";
    body = { error, error_description: `HTTP ${answer.status} without an error` };
  }
  return refusedBy(body, answer.status, retryAfter);
}

function readHeld(answer: TokenAnswer, now: number): Held {
  const { access_token: value, expires_in: life, scope, token_type: tokenType } = jsonOf(answer);
  const isToken = typeof value === "string" && /^[\x21-\x7e]+$/.test(value) && typeof tokenType === "string";
  if (!isToken || !Number.isSafeInteger(life) || (life as number) < 0) {
    throw new IssuerAnswerInvalid("the token endpoint answered without a token", {
      cure: "Check that the issuer's address is right",
    });
  }
  const scopes = typeof scope === "string" ? scope.split(" ").filter(Boolean) : [];
  return { value, receivedAt: now, expiresAt: now + (life as number), scopes, tokenType };
}
