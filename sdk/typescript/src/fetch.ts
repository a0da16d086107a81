/** A `fetch` that puts a bound access token and a fresh proof on each request. */

import type { Agent, Scopes } from "./agent.js";
import { makeProof } from "./dpop.js";
import { ConfigurationError, IssuerBusy, IssuerUnreachable } from "./errors.js";
import type { Fetch, Held } from "./grants.js";
import { isPrivate } from "./issuer-url.js";

const CHALLENGE = /(?:^|,)\s*DPoP\s+(.*)/i;
const ERROR = /\berror="([a-z_]+)"/;
const WORTH_A_SECOND_TRY = new Set(["use_dpop_nonce", "invalid_token"]);

export interface AgentFetchOptions {
  /** The service's URI at the issuer. */
  readonly audience: string;
  readonly scope?: Scopes;
  readonly fetch?: Fetch;
}

/**
 * `const call = agentFetch(agent, { audience, scope })`, then `call(url, init)` as with `fetch`.
 *
 * One retry where it helps: with the nonce that the service asked for, and with a new token when it
 * refused the old one. A body that can be sent only once (a stream) is not retried. Redirects are
 * not followed but returned: a proof is for one address.
 */
export function agentFetch(agent: Agent, options: AgentFetchOptions): Fetch {
  const send = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  return async (input, init) => {
    const request = new Request(input, { redirect: "manual", ...init });
    checkChannel(new URL(request.url));
    const canRepeat = request.body === null || !isStream(init?.body, input);
    const mended = new Set<string>();
    let answered: Response | undefined;
    for (;;) {
      let token: Held;
      try {
        token = await agent.token(options.audience, options.scope);
      } catch (error) {
        // No second try then: the caller gets what the service answered to the first.
        if (answered && (error instanceof IssuerUnreachable || error instanceof IssuerBusy)) return answered;
        throw error;
      }
      await answered?.body?.cancel();
      answered = await send(await signed(agent, canRepeat ? request.clone() : request, token));
      learnNonce(agent, request.url, answered);
      const error = challengeError(answered);
      if (!WORTH_A_SECOND_TRY.has(error) || mended.has(error) || !canRepeat) return answered;
      mended.add(error);
      if (error === "invalid_token") agent.forget(token);
    }
  };
}

async function signed(agent: Agent, request: Request, token: Held): Promise<Request> {
  request.headers.set("Authorization", `${token.tokenType} ${token.value}`);
  if (token.tokenType.toLowerCase() !== "dpop") return request;
  const nonce = agent.nonceFor(new URL(request.url).origin);
  const { method, url } = request;
  const proof = await makeProof(agent.key, { method, url, now: agent.now(), nonce, token: token.value });
  request.headers.set("DPoP", proof);
  return request;
}

function learnNonce(agent: Agent, url: string, response: Response): void {
  const nonce = response.headers.get("DPoP-Nonce");
  if (nonce) agent.learnNonce(new URL(url).origin, nonce);
}

/** The `error` of a DPoP challenge (RFC 9449 section 7.1); empty when there is none. */
export function challengeError(response: Response): string {
  if (response.status !== 401) return "";
  const challenge = CHALLENGE.exec(response.headers.get("WWW-Authenticate") ?? "");
  return ERROR.exec(challenge?.[1] ?? "")?.[1] ?? "";
}

function isStream(body: unknown, input: unknown): boolean {
  return body instanceof ReadableStream || (body === undefined && input instanceof Request && input.body !== null);
}

function checkChannel(url: URL): void {
  if (!isPrivate(url)) {
    throw new ConfigurationError(`${url.host} is not reached over https`, { cure: "Use its https address" });
  }
}
