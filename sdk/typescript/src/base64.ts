/** Base64url without padding (RFC 7515 section 2), read strictly. */

import { base64url } from "jose";
import { native } from "./native.js";

export type Bytes = Uint8Array<ArrayBuffer>;

const ALPHABET = /^[A-Za-z0-9_-]*$/;
const ENCODER = new TextEncoder();
/** Node's own, where there is one: five times as quick. */
const buffer = (globalThis as { Buffer?: typeof globalThis.Buffer }).Buffer;

export function encode(raw: Uint8Array): string {
  if (!buffer) return base64url.encode(raw);
  return buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString("base64url");
}

/** Throws for padding, foreign characters and any second spelling of the same bytes. */
export function decode(text: string): Bytes {
  if (!ALPHABET.test(text) || text.length % 4 === 1) throw new Error("not base64url");
  const raw = (buffer ? buffer.from(text, "base64url") : base64url.decode(text)) as Bytes;
  // Libraries ignore left-over bits: only what encodes back is accepted.
  const tail = text.length % 4 && text.slice(-(text.length % 4));
  if (tail && !encode(raw.subarray(raw.length - (raw.length % 3))).endsWith(tail)) {
    throw new Error("not canonical base64url");
  }
  return raw;
}

export function utf8(text: string): Bytes {
  return (buffer ? buffer.from(text) : ENCODER.encode(text)) as Bytes;
}

export async function sha256(raw: Bytes): Promise<Bytes> {
  if (native) return new Uint8Array(native.hash("sha256", raw, "buffer"));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", raw));
}

/** In base64url, of a text in UTF-8. A promise only where the platform cannot say it at once. */
export function digestOf(text: string): string | Promise<string> {
  if (native) return native.hash("sha256", text, "base64url");
  return sha256(utf8(text)).then(encode);
}

/** 128 bits, for `jti`. */
export function randomId(): string {
  return encode(crypto.getRandomValues(new Uint8Array(16)));
}
