/**
 * Public keys of proofs and of the issuer: reading, thumbprints, one signature check. No private keys here.
 *
 * Two kinds: Ed25519 (RFC 8037) and P-256 (RFC 7518 section 6.2). Others are refused.
 */

import { type Bytes, decode, digestOf } from "./base64.js";
import { isObject, type Json } from "./json.js";
import { native } from "./native.js";

/** What is accepted in access tokens and proofs, as it stands in `algs` (RFC 9449 section 5.1). */
export const ALGORITHMS = "ES256 EdDSA Ed25519";

const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
const ORDER = decodeHex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
const KEYS_HELD = 4096;

/** Not a public key of an accepted kind; the message says what is wrong with it. */
export class BadKey extends Error {}
/** The signature is not of this key, or its `alg` is not of this kind of key. */
export class BadSignature extends Error {}

export type PublicJwk = { kty: "OKP"; crv: "Ed25519"; x: string } | { kty: "EC"; crv: "P-256"; x: string; y: string };

export interface PublicKey {
  readonly jwk: PublicJwk;
  /** RFC 7638, SHA-256. */
  readonly thumbprint: string;
  /** Throws BadSignature. */
  verify(alg: string, signed: Bytes, signature: Bytes): Promise<void>;
}

/** An agent calls again and again with the same key; loading it costs a point check. */
const held = new Map<string, Promise<PublicKey>>();

/** Read a public JWK. Other public members are ignored. Throws BadKey. */
export async function parsePublic(jwk: Json | undefined): Promise<PublicKey> {
  const members = required(jwk);
  const name = members.kty === "EC" ? `${members.x}.${members.y}` : members.x;
  const known = held.get(name);
  if (known) return known;
  const loading = load(members);
  held.set(name, loading);
  for (const oldest of held.keys()) {
    if (held.size <= KEYS_HELD) break;
    held.delete(oldest);
  }
  loading.catch(() => held.delete(name));
  return loading;
}

function required(jwk: Json | undefined): PublicJwk {
  if (!isObject(jwk)) throw new BadKey("jwk is missing or no object");
  if (PRIVATE_MEMBERS.some((name) => name in jwk)) throw new BadKey("jwk holds a private or symmetric key");
  const { kty, crv, x, y } = jwk as { kty?: Json; crv?: Json; x?: Json; y?: Json };
  if (kty === "OKP" && crv === "Ed25519" && isCoordinate(x)) return { kty, crv, x };
  if (kty === "EC" && crv === "P-256" && isCoordinate(x) && isCoordinate(y)) return { kty, crv, x, y };
  throw new BadKey("jwk is neither Ed25519 nor P-256");
}

const isCoordinate = (value: Json | undefined): value is string => typeof value === "string" && value.length === 43;

function checkCoordinate(text: string): void {
  try {
    if (decode(text).length === 32) return;
  } catch {
    // Said below.
  }
  throw new BadKey("a coordinate is not base64url of 32 bytes");
}

async function load(jwk: PublicJwk): Promise<PublicKey> {
  const isEd = jwk.kty === "OKP";
  const algs = isEd ? ["EdDSA", "Ed25519"] : ["ES256"];
  checkCoordinate(jwk.x);
  if (jwk.kty === "EC") checkCoordinate(jwk.y);
  let fits: SignatureCheck;
  try {
    fits = native ? checkAtOnce(native, jwk) : await checkByWebCrypto(jwk);
  } catch {
    throw new BadKey("the point is not on the curve");
  }
  const verify = async (alg: string, signed: Bytes, signature: Bytes): Promise<void> => {
    // RFC 9864 has two names for Ed25519.
    if (!algs.includes(alg)) throw new BadSignature("alg is not that of the key");
    if (signature.length !== 64) throw new BadSignature("a signature has 64 bytes");
    if (!isEd) checkRange(signature);
    if (!(await fits(signed, signature))) throw new BadSignature("the signature does not match");
  };
  return { jwk, thumbprint: await thumbprint(jwk), verify };
}

type SignatureCheck = (signed: Bytes, signature: Bytes) => boolean | Promise<boolean>;

/** Throws when the point is not on the curve, as the other does too. */
function checkAtOnce(crypto: NonNullable<typeof native>, jwk: PublicJwk): SignatureCheck {
  const key = { key: crypto.createPublicKey({ key: { ...jwk }, format: "jwk" }), dsaEncoding: "ieee-p1363" } as const;
  const digest = jwk.kty === "OKP" ? null : "sha256";
  return (signed, signature) => crypto.verify(digest, signed, key, signature);
}

async function checkByWebCrypto(jwk: PublicJwk): Promise<SignatureCheck> {
  const algorithm = jwk.kty === "OKP" ? { name: "Ed25519" } : { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("jwk", { ...jwk }, algorithm, false, ["verify"]);
  return (signed, signature) => crypto.subtle.verify(algorithm, key, signature, signed);
}

function checkRange(signature: Bytes): void {
  for (const half of [signature.subarray(0, 32), signature.subarray(32)]) {
    if (half.every((byte) => byte === 0) || compare(half, ORDER) >= 0) throw new BadSignature("r or s is out of range");
  }
}

function compare(left: Uint8Array, right: Uint8Array): number {
  const place = left.findIndex((byte, index) => byte !== right[index]);
  return place < 0 ? 0 : (left[place] ?? 0) - (right[place] ?? 0);
}

/** RFC 7638: the required members in the order of their names. */
export async function thumbprint(jwk: PublicJwk): Promise<string> {
  const { crv, kty, x } = jwk;
  const members = jwk.kty === "EC" ? { crv, kty, x, y: jwk.y } : { crv, kty, x };
  return digestOf(JSON.stringify(members));
}

function decodeHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
