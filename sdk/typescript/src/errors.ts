/**
 * Every error an agent meets, with the server's words and with what to do.
 *
 *     AgentPassportError
 *     ├── ConfigurationError        something is missing or contradicts itself
 *     │   └── KeyFileError          the key: absent, malformed, readable by others
 *     ├── IssuerUnreachable         no answer, after the retries
 *     ├── IssuerAnswerInvalid       an answer that is not what the protocol says
 *     └── IssuerRefused             the issuer said no, in words (RFC 6749 section 5.2)
 *         ├── ClientRefused         invalid_client: the key is not, or no longer, registered
 *         ├── AgentRestricted       unauthorized_client, access_denied: suspended, closed, not verified
 *         ├── PassportRefused       invalid_request, invalid_grant about the passport
 *         ├── ScopeRefused          invalid_scope
 *         ├── TargetRefused         invalid_target
 *         ├── ProofRefused          invalid_dpop_proof, use_dpop_nonce: mostly the clock
 *         └── IssuerBusy            temporarily_unavailable: the limit (429), or a part that is down (503)
 */

/** `code` is stable and for programs; `cure` says what to do, for people. */
export class AgentPassportError extends Error {
  readonly code: string;
  readonly description: string;
  readonly cure: string;

  constructor(description: string, options: { cure?: string; code?: string; cause?: unknown } = {}) {
    const cure = options.cure ?? "";
    super(cure ? `${description}. ${cure}.` : description, "cause" in options ? { cause: options.cause } : {});
    this.name = new.target.name;
    this.description = description;
    this.cure = cure;
    this.code = options.code ?? "error";
  }
}

export class ConfigurationError extends AgentPassportError {
  constructor(description: string, options: { cure?: string; code?: string; cause?: unknown } = {}) {
    super(description, { code: "configuration", ...options });
  }
}

export class KeyFileError extends ConfigurationError {
  constructor(description: string, options: { cure?: string; cause?: unknown } = {}) {
    super(description, { ...options, code: "key_file" });
  }
}

export class IssuerUnreachable extends AgentPassportError {
  constructor(description: string, options: { cure?: string; cause?: unknown } = {}) {
    super(description, { ...options, code: "unreachable" });
  }
}

export class IssuerAnswerInvalid extends AgentPassportError {
  constructor(description: string, options: { cure?: string } = {}) {
    super(description, { ...options, code: "invalid_answer" });
  }
}

export interface RefusedParts {
  readonly status: number;
  readonly errorUri?: string;
  /** Seconds. */
  readonly retryAfter?: number | undefined;
}

/** `code` is the server's `error`; `reason` the fragment of its `error_uri`, if it gave one. */
export class IssuerRefused extends AgentPassportError {
  static readonly defaultCure: string = "Read the page at errorUri, or ask the operator of the issuer";
  readonly status: number;
  readonly errorUri: string;
  readonly reason: string;
  readonly retryAfter: number | undefined;

  constructor(code: string, description: string, parts: RefusedParts) {
    const reason = (parts.errorUri ?? "").split("#")[1] ?? "";
    super(description, { code, cure: CURES.get(reason) ?? new.target.defaultCure });
    this.message = `${code}: ${this.message}`;
    this.status = parts.status;
    this.errorUri = parts.errorUri ?? "";
    this.reason = reason;
    this.retryAfter = parts.retryAfter;
  }
}

export class ClientRefused extends IssuerRefused {
  static override readonly defaultCure: string = "Register this key for this agent in the portal, and check the client id";
}

export class AgentRestricted extends IssuerRefused {
  static override readonly defaultCure: string =
    "Look at the agent in the portal: it says what is missing or why it was stopped";
}

export class PassportRefused extends IssuerRefused {
  static override readonly defaultCure: string = "Get a new passport: agent.renew()";
}

export class ScopeRefused extends IssuerRefused {
  static override readonly defaultCure: string = "Ask only for scopes that the passport holds and the service offers";
}

export class TargetRefused extends IssuerRefused {
  static override readonly defaultCure: string =
    "Check the audience, and that this agent may reach that service (portal, Access)";
}

export class ProofRefused extends IssuerRefused {
  static override readonly defaultCure: string = "Set the clock of this machine";
}

export class IssuerBusy extends IssuerRefused {
  static override readonly defaultCure: string = "Wait for retryAfter seconds and try again";
}

const CURES: ReadonlyMap<string, string> = new Map([
  ["passport_revoked", "The passport was revoked for good: ask in the portal why, and appeal there"],
  ["passport_suspended", "The passport is suspended: the portal says why and until when"],
  ["account_suspended", "The account is suspended: its owner finds the reason in the portal"],
  ["key_revoked", "Make a new key and register it"],
  ["assertion_replayed", "Two processes sent the same assertion, or something repeats requests on the way"],
]);

const CLASSES: ReadonlyMap<string, typeof IssuerRefused> = new Map<string, typeof IssuerRefused>([
  ["invalid_client", ClientRefused],
  ["unauthorized_client", AgentRestricted],
  ["access_denied", AgentRestricted],
  ["invalid_request", PassportRefused],
  ["invalid_grant", PassportRefused],
  ["invalid_scope", ScopeRefused],
  ["invalid_target", TargetRefused],
  ["invalid_dpop_proof", ProofRefused],
  ["use_dpop_nonce", ProofRefused],
  ["temporarily_unavailable", IssuerBusy],
]);

/** The error that an error document of the token endpoint stands for. */
export function refusedBy(body: Record<string, unknown>, status: number, retryAfter?: number): IssuerRefused {
  const [code, words, errorUri] = ["error", "error_description", "error_uri"].map((name) => text(body[name]));
  const kind = CLASSES.get(code ?? "") ?? IssuerRefused;
  return new kind(code || "error", words || "refused", { status, errorUri: errorUri ?? "", retryAfter });
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
