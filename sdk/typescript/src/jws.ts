/**
 * Signed JWTs: strict reading of the compact form, and building it. No rule about claims lives here.
 *
 * Refused before anything is believed: other than three parts, a second spelling in base64url,
 * repeated members at any depth, extensions that we do not implement, and headers that name a key
 * elsewhere (RFC 8725 section 3.10). Nothing that a token names is ever fetched.
 */

import { type Bytes, decode, encode, utf8 } from "./base64.js";
import { isObject, type Json, type JsonObject, NotJson, parseBytes } from "./json.js";

export const TOKEN_BYTES = 16 * 1024;
export const PROOF_BYTES = 4 * 1024;
/** A status list of 8 MiB unpacked that does not compress, in base64url. */
export const LIST_BYTES = 16 * 1024 * 1024;

const HEADER_BYTES = 2 * 1024;
const UNSUPPORTED = ["crit", "b64", "zip", "jku", "x5u", "x5c"];
const KID = /^[A-Za-z0-9._~-]{1,128}$/;
// The engine's own flag `$` knows no line break at the end, unlike elsewhere.
const ASCII = /^[\x00-\x7f]*$/;

/** Not a JWT that may be looked at any further; the message says why. */
export class Malformed extends Error {}

export interface Jws {
  readonly header: JsonObject;
  readonly claims: JsonObject;
  readonly signed: Bytes;
  readonly signature: Bytes;
  readonly alg: string;
  /** In lower case, without `application/` (RFC 7515 section 4.1.9); empty when absent. */
  readonly typ: string;
  readonly kid: string | undefined;
}

/**
 * Throws Malformed. Proves nothing: the signature is for the caller to verify.
 *
 * `allowJwk`: the header may bring its key, which only a proof does.
 */
export function parse(token: string, maxBytes: number, allowJwk = false): Jws {
  if (token.length > maxBytes || !ASCII.test(token)) throw new Malformed("too long, or not ASCII");
  const parts = token.split(".");
  const [first, second, third] = parts;
  if (parts.length !== 3 || !first || !second || !third) throw new Malformed("not three parts");
  if (first.length > HEADER_BYTES) throw new Malformed("the header is too long");
  const header = object(first);
  const names = checkHeader(header, allowJwk);
  const signed = utf8(token.slice(0, first.length + 1 + second.length));
  return { header, claims: object(second), signed, signature: bytes(third), ...names };
}

function checkHeader(header: JsonObject, allowJwk: boolean): { alg: string; typ: string; kid: string | undefined } {
  const { alg, typ, kid } = header as { alg?: Json; typ?: Json; kid?: Json };
  if (typeof alg !== "string") throw new Malformed("alg is missing");
  const unsupported = UNSUPPORTED.filter((name) => name in header);
  if (unsupported.length) throw new Malformed(`the header has ${unsupported.join(", ")}`);
  if ("jwk" in header && !allowJwk) throw new Malformed("the header brings a key of its own");
  if (typ !== undefined && typeof typ !== "string") throw new Malformed("typ is malformed");
  if (kid !== undefined && !(typeof kid === "string" && KID.test(kid))) throw new Malformed("kid is malformed");
  return { alg, typ: (typ ?? "").toLowerCase().replace(/^application\//, ""), kid };
}

function bytes(part: string): Bytes {
  try {
    return decode(part);
  } catch (error) {
    throw new Malformed((error as Error).message);
  }
}

function object(part: string): JsonObject {
  try {
    const value = parseBytes(bytes(part));
    if (isObject(value)) return value;
  } catch (error) {
    if (error instanceof NotJson) throw new Malformed(error.message);
    throw error;
  }
  throw new Malformed("not a JSON object");
}

export interface Signer {
  readonly alg: string;
  sign(signed: Bytes): Promise<Uint8Array> | Uint8Array;
}

/** The compact form, signed; `alg` comes from the key. */
export async function build(signer: Signer, header: object, claims: object): Promise<string> {
  const parts = [{ alg: signer.alg, ...header }, claims].map((part) => encode(utf8(JSON.stringify(part))));
  const signed = parts.join(".");
  return `${signed}.${encode(await signer.sign(utf8(signed)))}`;
}
