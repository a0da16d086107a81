/** Agent Passport for agents and services. */

export { Agent, type AgentOptions, type Scopes } from "./agent.js";
export type { Call } from "./call.js";
export {
  AgentPassportError,
  AgentRestricted,
  ClientRefused,
  ConfigurationError,
  IssuerAnswerInvalid,
  IssuerBusy,
  IssuerRefused,
  IssuerUnreachable,
  KeyFileError,
  PassportRefused,
  ProofRefused,
  ScopeRefused,
  TargetRefused,
} from "./errors.js";
export { agentPassport, type ExpressRequest, type ExpressResponse } from "./express.js";
export { agentFetch, type AgentFetchOptions } from "./fetch.js";
export type { Held } from "./grants.js";
export { guard, type Handler } from "./guard.js";
export type { PublicJwk } from "./jwk.js";
export { AgentKey, type KeyKind, type PrivateJwk, rawFromDer, type SignCallback } from "./keys.js";
export type { Allowance, Policy } from "./limits.js";
export type { Store } from "./passport-store.js";
export type { Refusal, RefusalCode } from "./refusals.js";
export { MemoryReplay, type RedisClient, RedisReplay, type ReplayStore, ReplayUnavailable } from "./replay.js";
export type { Need, RouteOptions, Rules } from "./routes.js";
export type { Outage } from "./standing.js";
export { Verifier, type Verified, type VerifierOptions, type Wanted } from "./verifier.js";
