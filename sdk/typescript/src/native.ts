/**
 * Node's own crypto, where there is one (20.16 and newer). It answers at once; WebCrypto sends each question
 * through another thread and back, which costs about as much again as the signature check itself.
 */

import type { Bytes } from "./base64.js";

/** A key that Node has read. */
export type NativeKey = object;

/** Of `node:crypto`, what is used here. */
interface NativeCrypto {
  hash(name: string, from: Bytes, encoding: "buffer"): Uint8Array;
  hash(name: string, from: string, encoding: "base64url"): string;
  createPublicKey(from: { key: object; format: "jwk" }): NativeKey;
  verify(digest: string | null, signed: Bytes, key: { key: NativeKey; dsaEncoding: "ieee-p1363" }, signature: Bytes): boolean;
}

type Process = { getBuiltinModule?: (name: string) => NativeCrypto | undefined };

/** Undefined in browsers and where `process` is only played. */
export const native = (globalThis.process as Process | undefined)?.getBuiltinModule?.("node:crypto");
