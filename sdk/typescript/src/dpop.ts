/** Making proofs of possession (RFC 9449 section 4.2). Checking them is in `proofs`. */

import { digestOf, randomId } from "./base64.js";
import { build } from "./jws.js";
import type { AgentKey } from "./keys.js";
import { PROOF_TYP } from "./protocol.js";

export interface ProofParts {
  readonly method: string;
  readonly url: string;
  /** Seconds since 1970. */
  readonly now: number;
  readonly nonce?: string | undefined;
  /** The access token that goes with it, at a service. */
  readonly token?: string;
}

/** One proof for one request. */
export async function makeProof(key: AgentKey, parts: ProofParts): Promise<string> {
  const { method, url, now, nonce, token } = parts;
  const claims = {
    jti: randomId(),
    htm: method,
    htu: targetUri(url),
    iat: Math.floor(now),
    ...(nonce === undefined ? {} : { nonce }),
    ...(token === undefined ? {} : { ath: await tokenHash(token) }),
  };
  return build(key, { typ: PROOF_TYP, jwk: key.publicJwk }, claims);
}

/** `ath`: RFC 9449 section 4.2. */
export async function tokenHash(token: string): Promise<string> {
  return digestOf(token);
}

/** `htu`: the URL without query and fragment. */
function targetUri(url: string): string {
  const parts = new URL(url);
  return `${parts.origin}${parts.pathname}`;
}
