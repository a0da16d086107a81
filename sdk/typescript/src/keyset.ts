/**
 * The issuer's public keys by `kid` (RFC 7517). Which token signs with which is the token's word alone;
 * what the key is, is only the issuer's.
 */

import { isObject, type Json } from "./json.js";
import { BadKey, parsePublic, type PublicKey } from "./jwk.js";
import type { Jws } from "./jws.js";

/** Kept keys serve so long without the issuer; the status lists, which they sign, end long before. */
const USABLE_SECONDS = 24 * 3600;
const KEYS = 64;

export class KeySet {
  #keys: ReadonlyMap<string, PublicKey> = new Map();
  fetchedAt = 0;

  find(kid: string | undefined): PublicKey | undefined {
    return kid === undefined ? undefined : this.#keys.get(kid);
  }

  isUsable(now: number): boolean {
    return this.#keys.size > 0 && now < this.fetchedAt + USABLE_SECONDS;
  }

  /** Throws when it is no key set; single keys of other kinds are left out. */
  async replace(jwks: Json, fetchedAt: number): Promise<void> {
    const listed = isObject(jwks) ? jwks["keys"] : undefined;
    if (!Array.isArray(listed) || listed.length > KEYS) throw new Error("not a key set");
    const entries = await Promise.all(listed.map(entry));
    this.#keys = new Map(entries.filter((found) => found !== undefined));
    this.fetchedAt = fetchedAt;
  }

  /** Throws. */
  async verify(jws: Jws): Promise<void> {
    const key = this.find(jws.kid);
    if (!key) throw new Error("signed by an unknown key");
    await key.verify(jws.alg, jws.signed, jws.signature);
  }
}

async function entry(jwk: Json): Promise<[string, PublicKey] | undefined> {
  if (!isObject(jwk) || typeof jwk["kid"] !== "string" || (jwk["use"] ?? "sig") !== "sig") return undefined;
  try {
    return [jwk["kid"], await parsePublic(jwk)];
  } catch (error) {
    if (error instanceof BadKey) return undefined;
    throw error;
  }
}
