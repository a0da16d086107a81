/**
 * Checking a proof of possession at a service: RFC 9449 sections 4.3 and 7. Pure but for the clock given.
 *
 * Whether the proof was seen before is for the replay store; here it gets the key to ask with.
 */

import { digestOf } from "./base64.js";
import { timeOf } from "./json.js";
import { BadKey, BadSignature, parsePublic, type PublicKey } from "./jwk.js";
import { type Jws, Malformed, parse, PROOF_BYTES } from "./jws.js";
import { isSame, type Nonces, STEP_SECONDS } from "./nonces.js";
import { PROOF_TYP } from "./protocol.js";
import { Refused } from "./refusals.js";
import { normalise } from "./target.js";

const OLD_SECONDS = 60;
const AHEAD_SECONDS = 30;
/** How long a spent proof is remembered: no proof, by its time or by its nonce, passes for longer. */
export const REMEMBER_SECONDS = OLD_SECONDS + AHEAD_SECONDS + 2 * STEP_SECONDS;

export interface Proof {
  readonly thumbprint: string;
  readonly replayKey: string;
  readonly issuedAt: number;
  /** A nonce of ours that is still good: then `iat` was not judged. */
  readonly hasNonce: boolean;
}

export interface ProofCheck {
  readonly method: string;
  /** Where the request came in, by the service's own configuration. */
  readonly url: string;
  readonly now: number;
  readonly nonces: Nonces;
  readonly nonceRequired?: boolean;
  /** `ath` of the token that goes with it; left out, none is looked for. */
  readonly tokenHash?: string;
}

/** Throws Refused. */
export async function checkProof(values: readonly string[], check: ProofCheck): Promise<Proof> {
  const { jws, key } = await read(values);
  checkTarget(jws, check);
  const { jti, ath } = jws.claims as { jti?: unknown; ath?: unknown };
  if (typeof jti !== "string" || jti.length < 1 || [...jti].length > 256) throw bad("jti is missing or too long");
  const issuedAt = timeOf(jws.claims, "iat");
  if (issuedAt === undefined) throw bad("iat is missing or no integer");
  const hasNonce = await checkTime(jws, issuedAt, check);
  const isOfToken = check.tokenHash === undefined || (typeof ath === "string" && isSame(ath, check.tokenHash));
  if (!isOfToken) throw bad("ath is missing, or of another token");
  // A thumbprint has 43 characters, so the pair has one spelling.
  const replayKey = await digestOf(`${key.thumbprint}${jti}`);
  return { thumbprint: key.thumbprint, replayKey, issuedAt, hasNonce };
}

async function read(values: readonly string[]): Promise<{ jws: Jws; key: PublicKey }> {
  const [value] = values;
  if (values.length !== 1 || value === undefined || value.includes(",")) {
    throw bad("send one DPoP header with one proof");
  }
  try {
    const jws = parse(value, PROOF_BYTES, true);
    if (jws.typ !== PROOF_TYP) throw bad("typ is not dpop+jwt");
    const key = await parsePublic(jws.header["jwk"]);
    await key.verify(jws.alg, jws.signed, jws.signature);
    return { jws, key };
  } catch (error) {
    const ours = error instanceof Malformed || error instanceof BadKey || error instanceof BadSignature;
    throw ours ? bad(error.message) : error;
  }
}

function checkTarget(jws: Jws, { method, url }: ProofCheck): void {
  const { htm, htu } = jws.claims as { htm?: unknown; htu?: unknown };
  if (htm !== method) throw bad("htm is not the method of the request");
  if (typeof htu !== "string" || !isSameTarget(htu, url)) throw bad("htu is not the URL of the request");
}

function isSameTarget(claimed: string, url: string): boolean {
  try {
    return claimed === url || normalise(claimed) === normalise(url);
  } catch {
    return false;
  }
}

/** A good nonce says when the proof was made, whatever the clock of the agent says. */
async function checkTime(jws: Jws, issuedAt: number, { now, nonces, nonceRequired }: ProofCheck): Promise<boolean> {
  const nonce = jws.claims["nonce"];
  if (typeof nonce === "string" && (await nonces.isValid(nonce, now))) return true;
  const isGiven = nonce !== undefined && nonce !== null;
  if (isGiven || nonceRequired) throw await newNonce(nonces, now, "the nonce is missing, old or not ours");
  if (!(now - OLD_SECONDS <= issuedAt && issuedAt <= now + AHEAD_SECONDS)) {
    throw await newNonce(nonces, now, "iat is too old or in the future");
  }
  return false;
}

export async function newNonce(nonces: Nonces, now: number, description: string): Promise<Refused> {
  return new Refused("use_dpop_nonce", description, { nonce: await nonces.issue(now) });
}

function bad(description: string): Refused {
  return new Refused("invalid_dpop_proof", description);
}
