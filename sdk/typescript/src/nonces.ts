/** Nonces for proofs (RFC 9449 section 9): nothing is stored, any process with the secret knows its own. */

import { encode, utf8 } from "./base64.js";

/** A nonce is good for this step and the next: between one and two minutes. */
export const STEP_SECONDS = 60;
const BYTES = 18;

export class Nonces {
  readonly #key: Promise<CryptoKey>;
  /** By step: what is signed once serves every proof of two minutes. */
  readonly #made = new Map<number, Promise<string>>();

  constructor(secret: Uint8Array<ArrayBuffer>) {
    this.#key = crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  }

  /** The same in all processes of a service that has a secret, so that each knows the others' nonces. */
  static of(clientSecret: string | undefined, audience: string): Nonces {
    if (clientSecret === undefined) return new Nonces(crypto.getRandomValues(new Uint8Array(32)));
    return new Nonces(utf8(`agent-passport nonce ${audience}\0${clientSecret}`));
  }

  async issue(now: number): Promise<string> {
    return this.#of(Math.floor(now / STEP_SECONDS));
  }

  async isValid(nonce: string, now: number): Promise<boolean> {
    const step = Math.floor(now / STEP_SECONDS);
    const known = await Promise.all([this.#of(step), this.#of(step - 1)]);
    return known.map((each) => isSame(each, nonce)).includes(true);
  }

  #of(step: number): Promise<string> {
    const made = this.#made.get(step) ?? this.#make(step);
    this.#made.set(step, made);
    for (const other of this.#made.keys()) if (Math.abs(other - step) > 1) this.#made.delete(other);
    return made;
  }

  async #make(step: number): Promise<string> {
    const counter = new DataView(new ArrayBuffer(8));
    counter.setBigUint64(0, BigInt(step));
    const digest = await crypto.subtle.sign("HMAC", await this.#key, counter.buffer);
    return encode(new Uint8Array(digest, 0, BYTES));
  }
}

/** In a time that does not tell where two texts of one length differ. */
export function isSame(left: string, right: string): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let at = 0; at < left.length; at++) difference |= left.charCodeAt(at) ^ right.charCodeAt(at);
  return difference === 0;
}
