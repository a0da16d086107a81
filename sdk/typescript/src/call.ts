/** One request as a verifier sees it, and where the access token stands in it (RFC 9449 section 7.1). */

import { type Header, Refused } from "./refusals.js";

const CREDENTIALS = /^(DPoP|Bearer) +([A-Za-z0-9._~+/-]+=*)$/i;
const OURS = /^(DPoP|Bearer)(?![A-Za-z0-9_])/i;
export const FORM = "application/x-www-form-urlencoded";
/** A form up to here is looked through for a token; in a longer one a token is simply not read. */
export const FORM_BYTES = 64 * 1024;

export interface Call {
  readonly method: string;
  /** The path with its query, as it came, percent-encoded. */
  readonly target: string;
  /** Every field, repeated ones too. */
  readonly headers: Iterable<Header>;
  /** The body, if it is a form: a token in it is refused (DPOP-18). */
  readonly form?: string;
}

export function valuesOf(call: Call, name: string): string[] {
  return Array.from(call.headers).flatMap(([found, value]) => (found.toLowerCase() === name ? [value] : []));
}

export function pathOf(call: Call): string {
  return call.target.split(/[?#]/, 1)[0] ?? "";
}

/** The token, and whether it came under the scheme DPoP. Throws Refused. */
export function readToken(call: Call): { token: string; asDpop: boolean } {
  const query = call.target.slice(pathOf(call).length).replace(/^\?/, "");
  if (namesToken(query) || namesToken(call.form ?? "")) {
    throw new Refused("invalid_request", "an access token goes into the Authorization header");
  }
  const values = valuesOf(call, "authorization");
  if (values.length > 1) throw new Refused("invalid_request", "send one Authorization header");
  const value = values[0]?.trim();
  if (value === undefined) throw new Refused("missing", "send an access token");
  const match = CREDENTIALS.exec(value);
  if (match) return { token: match[2] as string, asDpop: match[1]?.toLowerCase() === "dpop" };
  // `Headers` joins two fields by a comma, which no token has.
  const isJoined = value.includes(",") && value.split(",").some((part) => OURS.test(part.trim()));
  if (isJoined) throw new Refused("invalid_request", "send one Authorization header");
  if (OURS.test(value)) throw new Refused("invalid_token", "the access token is malformed");
  throw new Refused("missing", "send an access token under the scheme DPoP");
}

function namesToken(encoded: string): boolean {
  if (!encoded.includes("access_token") && !encoded.includes("%")) return false;
  return new URLSearchParams(encoded).has("access_token");
}
