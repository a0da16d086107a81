/**
 * Saying no at a service: the status, the `WWW-Authenticate` and the body, each made here alone.
 *
 * RFC 9449 section 7.1, RFC 6750 section 3, RFC 9457.
 */

import { ALGORITHMS } from "./jwk.js";

export type RefusalCode =
  | "invalid_request"
  | "invalid_token"
  | "invalid_dpop_proof"
  | "use_dpop_nonce"
  | "insufficient_scope"
  | "status_unavailable"
  | "rate_limited"
  | "missing";

const ANSWERS: Readonly<Record<RefusalCode, readonly [status: number, title: string]>> = {
  invalid_request: [400, "The request is malformed"],
  invalid_token: [401, "The access token is not accepted"],
  invalid_dpop_proof: [401, "The proof of possession is not accepted"],
  use_dpop_nonce: [401, "The proof needs the nonce of this answer"],
  missing: [401, "An access token is needed"],
  insufficient_scope: [403, "The access token does not reach this"],
  rate_limited: [429, "Too many requests"],
  status_unavailable: [503, "The state of the credential is not known"],
};
const QUOTA_EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded";

export type Header = readonly [name: string, value: string];

interface Extra {
  readonly reason?: string;
  readonly scope?: string;
  readonly nonce?: string;
  readonly headers?: readonly Header[];
  readonly violated?: readonly string[];
}

/**
 * Thrown by the rules; becomes a `Refusal` in one place.
 *
 * The message goes to the caller: what to mend, no token, nothing of another.
 */
export class Refused extends Error {
  readonly code: RefusalCode;
  readonly extra: Extra;

  constructor(code: RefusalCode, description: string, extra: Extra = {}) {
    super(description);
    this.code = code;
    this.extra = extra;
  }

  get reason(): string {
    return this.extra.reason || this.code;
  }
}

export const badToken = (description: string, reason = ""): Refused =>
  new Refused("invalid_token", description, { reason });

/**
 * The answer to give instead of serving the request.
 *
 * `code` is the OAuth error (`missing` when no token came), `reason` is finer where there is more
 * to say: `passport_revoked`, `passport_suspended`, `agent_denied`.
 */
export interface Refusal {
  readonly ok: false;
  readonly status: number;
  readonly headers: readonly Header[];
  readonly body: string;
  readonly code: RefusalCode;
  readonly reason: string;
  readonly description: string;
}

/** `bearer`: this service takes unbound tokens too, and says so in its challenge. */
export function answerTo(refused: Refused, issuer: string, bearer: boolean): Refusal {
  const [status, title] = ANSWERS[refused.code];
  const { code, reason, message: description, extra } = refused;
  const headers: Header[] = [["Content-Type", "application/problem+json"], ["Cache-Control", "no-store"]];
  if (status < 429) headers.push(...challenges(refused, bearer));
  headers.push(...(extra.headers ?? []));
  const problem = {
    type: status === 429 ? QUOTA_EXCEEDED : `${issuer}/docs/errors#${reason}`,
    title,
    status,
    detail: description,
    ...(extra.violated?.length ? { "violated-policies": extra.violated } : {}),
  };
  return { ok: false, status, headers, body: JSON.stringify(problem), code, reason, description };
}

function* challenges(refused: Refused, bearer: boolean): Generator<Header> {
  const { scope, nonce } = refused.extra;
  const parameters = [
    ...(refused.code === "missing" ? [] : [`error="${refused.code}"`]),
    ...(scope ? [`scope="${scope}"`] : []),
  ];
  yield ["WWW-Authenticate", `DPoP ${[...parameters, `algs="${ALGORITHMS}"`].join(", ")}`];
  if (bearer) yield ["WWW-Authenticate", `Bearer ${parameters.join(", ")}`.trimEnd()];
  if (nonce) yield ["DPoP-Nonce", nonce];
}
