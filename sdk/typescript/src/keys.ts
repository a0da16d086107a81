/**
 * The agent's key. What leaves the process is the public half and signatures.
 *
 * A key made here cannot be read out of its CryptoKey unless asked for (`extractable`), so that in
 * a browser a stolen page script can sign while it runs, but takes nothing away.
 */

import { type Bytes, decode } from "./base64.js";
import { KeyFileError } from "./errors.js";
import { type PublicJwk, thumbprint } from "./jwk.js";

export type KeyKind = "Ed25519" | "P-256";
export type PrivateJwk = PublicJwk & { d: string };

/** Signs somewhere else: a KMS, a hardware key. 64 bytes, r and s for P-256 (RFC 7518 section 3.4). */
export type SignCallback = (signed: Bytes) => Promise<Uint8Array> | Uint8Array;

const CURE = "Make a new key: AgentKey.generate()";

export class AgentKey {
  /** `EdDSA` for Ed25519: the newer name `Ed25519` (RFC 9864) is not yet read everywhere. */
  readonly alg: "EdDSA" | "ES256";
  readonly publicJwk: PublicJwk;
  /** RFC 7638. */
  readonly thumbprint: string;
  readonly #sign: SignCallback;
  readonly #private: CryptoKey | undefined;

  private constructor(publicJwk: PublicJwk, print: string, sign: SignCallback, privateKey?: CryptoKey) {
    this.alg = publicJwk.kty === "OKP" ? "EdDSA" : "ES256";
    this.publicJwk = publicJwk;
    this.thumbprint = print;
    this.#sign = sign;
    this.#private = privateKey;
  }

  static async generate(kind: KeyKind = "Ed25519", options: { extractable?: boolean } = {}): Promise<AgentKey> {
    const made = await crypto.subtle.generateKey(algorithm(kind), options.extractable ?? false, ["sign", "verify"]);
    const pair = made as CryptoKeyPair;
    return AgentKey.fromCryptoKeys(pair.privateKey, pair.publicKey);
  }

  /** From WebCrypto's own keys, as a browser keeps them in IndexedDB. Throws KeyFileError. */
  static async fromCryptoKeys(privateKey: CryptoKey, publicKey: CryptoKey): Promise<AgentKey> {
    const jwk = publicOf(await crypto.subtle.exportKey("jwk", publicKey));
    const parameters = jwk.kty === "OKP" ? { name: "Ed25519" } : { name: "ECDSA", hash: "SHA-256" };
    const sign = async (signed: Bytes): Promise<Uint8Array> =>
      new Uint8Array(await crypto.subtle.sign(parameters, privateKey, signed));
    return new AgentKey(jwk, await thumbprint(jwk), sign, privateKey);
  }

  /** Read a private JWK. Throws KeyFileError. */
  static async fromJwk(jwk: PrivateJwk | string, options: { extractable?: boolean } = {}): Promise<AgentKey> {
    try {
      const members = (typeof jwk === "string" ? JSON.parse(jwk) : jwk) as PrivateJwk;
      const publicJwk = publicOf(members);
      if (decode(members.d).length !== 32) throw new Error("d has 32 bytes");
      const kind = algorithm(publicJwk.crv);
      const whole = { ...publicJwk, d: members.d };
      const privateKey = await crypto.subtle.importKey("jwk", whole, kind, options.extractable ?? false, ["sign"]);
      const publicKey = await crypto.subtle.importKey("jwk", { ...publicJwk }, kind, true, ["verify"]);
      const key = await AgentKey.fromCryptoKeys(privateKey, publicKey);
      await key.#checkHalves(publicKey);
      return key;
    } catch (error) {
      throw new KeyFileError("not a private JWK of an Ed25519 or P-256 key", { cure: CURE, cause: error });
    }
  }

  /** A key that is elsewhere: `sign` is asked for each signature. */
  static async fromCallback(publicJwk: PublicJwk, sign: SignCallback): Promise<AgentKey> {
    const jwk = publicOf(publicJwk);
    return new AgentKey(jwk, await thumbprint(jwk), sign);
  }

  /** A JWS signature of 64 bytes (RFC 7518 section 3.4, RFC 8037 section 3.1). */
  async sign(signed: Bytes): Promise<Uint8Array> {
    const signature = await this.#sign(signed);
    if (signature.length !== 64) throw new KeyFileError("the key signed, but not with 64 bytes", { cure: CURE });
    return signature;
  }

  /** The secret itself, of a key made with `extractable`. Whoever reads it is the agent. Throws KeyFileError. */
  async privateJwk(): Promise<PrivateJwk> {
    if (!this.#private?.extractable) {
      throw new KeyFileError("the key cannot be read out", { cure: "Make it with { extractable: true }" });
    }
    const { d } = await crypto.subtle.exportKey("jwk", this.#private);
    return { ...this.publicJwk, d: d as string };
  }

  async #checkHalves(publicKey: CryptoKey): Promise<void> {
    const probe = crypto.getRandomValues(new Uint8Array(32));
    const parameters = this.alg === "EdDSA" ? { name: "Ed25519" } : { name: "ECDSA", hash: "SHA-256" };
    const signature = new Uint8Array(await this.sign(probe));
    const fits = await crypto.subtle.verify(parameters, publicKey, signature, probe);
    if (!fits) throw new Error("the public half does not belong to the private one");
  }

  toString(): string {
    return `<AgentKey ${this.alg} ${this.thumbprint}>`;
  }
}

function algorithm(kind: string): EcKeyImportParams | { name: string } {
  if (kind === "Ed25519") return { name: "Ed25519" };
  if (kind === "P-256") return { name: "ECDSA", namedCurve: "P-256" };
  throw new KeyFileError(`a key is Ed25519 or P-256, not ${kind}`, { cure: CURE });
}

function publicOf(jwk: JsonWebKey | PublicJwk): PublicJwk {
  const { kty, crv, x, y } = jwk as { kty?: string; crv?: string; x?: string; y?: string };
  if (kty === "OKP" && crv === "Ed25519" && x) return { kty, crv, x };
  if (kty === "EC" && crv === "P-256" && x && y) return { kty, crv, x, y };
  throw new KeyFileError("neither Ed25519 nor P-256", { cure: CURE });
}

/** What a KMS answers in DER as JWS wants it: r and s side by side. Throws KeyFileError. */
export function rawFromDer(der: Uint8Array): Uint8Array {
  const out = new Uint8Array(64);
  let at = der[1] === der.length - 2 && der[0] === 0x30 ? 2 : -1;
  for (const end of [32, 64]) {
    const length = der[at + 1] ?? -1;
    const number = der.subarray(at + 2, at + 2 + length);
    const trimmed = number[0] === 0 ? number.subarray(1) : number;
    if (at < 0 || der[at] !== 2 || number.length !== length || length < 1 || trimmed.length > 32) {
      throw new KeyFileError("the signature is no DER of r and s", { cure: "Give ECDSA over P-256 with SHA-256" });
    }
    out.set(trimmed, end - trimmed.length);
    at += 2 + length;
  }
  return out;
}
