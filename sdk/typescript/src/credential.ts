/**
 * What a token says, read once (pure): the rules about claims that do not depend on the hour.
 *
 * RFC 9068 section 4, RFC 8725 section 3, RFC 7800. The result is kept and judged again at each use.
 */

import { isObject, type Json, type JsonObject, timeOf } from "./json.js";
import type { Jws } from "./jws.js";
import { badToken } from "./refusals.js";

export const SKEW_SECONDS = 30;
const ACTORS = 16;

export interface Credential {
  readonly claims: JsonObject;
  readonly kid: string;
  readonly agent: string;
  readonly subject: string;
  readonly account: string | undefined;
  readonly scopes: ReadonlySet<string>;
  readonly jti: string;
  readonly notBefore: number;
  readonly expiresAt: number;
  /** `cnf.jkt`: the key it is bound to. */
  readonly thumbprint: string | undefined;
  /** Everybody in whose name it acts: subject, client, and each nested actor. */
  readonly parties: ReadonlySet<string>;
  readonly listUri: string;
  readonly index: number;
}

/** The signature is already verified. Throws Refused. */
export function readCredential(jws: Jws, issuer: string, audience: string): Credential {
  const { claims } = jws;
  if (claims["iss"] !== issuer) throw badToken("the token is of another issuer");
  if (!isFor(claims["aud"], audience)) throw badToken("the token is for another audience");
  const [subject, agent, jti] = [text(claims, "sub"), text(claims, "client_id"), text(claims, "jti")];
  const [issuedAt, expiresAt] = [time(claims, "iat"), time(claims, "exp")];
  const notBefore = "nbf" in claims ? time(claims, "nbf") : issuedAt;
  const scope = claims["scope"] ? text(claims, "scope", 4096) : "";
  return {
    claims,
    kid: jws.kid ?? "",
    agent,
    subject,
    account: "account" in claims ? text(claims, "account") : undefined,
    scopes: new Set(scope.split(" ").filter(Boolean)),
    jti,
    notBefore: Math.max(issuedAt, notBefore),
    expiresAt,
    thumbprint: thumbprintOf(claims),
    parties: new Set([subject, agent, ...actors(claims)]),
    ...statusOf(claims),
  };
}

/** Throws Refused. */
export function checkTime(credential: Credential, now: number): void {
  if (now >= credential.expiresAt + SKEW_SECONDS) throw badToken("the token has expired");
  if (now < credential.notBefore - SKEW_SECONDS) throw badToken("the token is not valid yet");
}

function isFor(claimed: Json | undefined, audience: string): boolean {
  return claimed === audience || (Array.isArray(claimed) && claimed.length === 1 && claimed[0] === audience);
}

function text(holder: JsonObject, name: string, longest = 256): string {
  const value = holder[name];
  if (typeof value !== "string" || value.length < 1 || value.length > longest) {
    throw badToken(`${name} is missing or malformed`);
  }
  return value;
}

function time(holder: JsonObject, name: string): number {
  const value = timeOf(holder, name);
  if (value === undefined) throw badToken(`${name} is missing or no integer`);
  return value;
}

function thumbprintOf(claims: JsonObject): string | undefined {
  if (!("cnf" in claims)) return undefined;
  const cnf = claims["cnf"];
  // Another kind of confirmation would have to be checked too, and we cannot: refuse.
  if (!isObject(cnf) || Object.keys(cnf).join() !== "jkt") throw badToken("cnf is not a key thumbprint");
  return text(cnf, "jkt");
}

/** `sub` of each nested `act`, newest first (RFC 8693 section 4.1). */
function actors(claims: JsonObject): string[] {
  const found: string[] = [];
  let level: JsonObject = claims;
  while ("act" in level) {
    const next: Json | undefined = level["act"];
    if (!isObject(next) || found.length >= ACTORS) throw badToken("act is malformed");
    found.push(text(next, "sub"));
    level = next;
  }
  return found;
}

/** Token Status List section 6.1. A token without it could not be recalled: refused. */
function statusOf(claims: JsonObject): { listUri: string; index: number } {
  const status = claims["status"];
  const entry = isObject(status) ? status["status_list"] : undefined;
  const index = isObject(entry) ? timeOf(entry, "idx") : undefined;
  if (!isObject(entry) || index === undefined) throw badToken("status is missing or malformed");
  return { listUri: text(entry, "uri", 512), index };
}
