/** Names that stand in the protocol, each once, and where the issuer's doors are. */

/** RFC 8693 section 2.1. */
export const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
/** RFC 7523 section 2.2. */
export const JWT_BEARER_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
export const PASSPORT_TYPE = "urn:agent-passport:token-type:passport";
/** RFC 8693 section 3. */
export const ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token";

/** RFC 9068 section 2.1. */
export const ACCESS_TOKEN_TYP = "at+jwt";
/** RFC 9449 section 4.2. */
export const PROOF_TYP = "dpop+jwt";
export const ASSERTION_TYP = "client-authentication+jwt";
export const STATUS_LIST_TYP = "statuslist+jwt";
export const DENIED_LIST_TYP = "agent-passport-denied+jwt";

export const TOKEN_PATH = "/oauth/token";
export const KEYS_PATH = "/.well-known/jwks.json";
export const LISTS_PATH = "/status";
export const FEED_PATH = "/v1/events";
export const BLOCKS_PATH = "/v1/limits/blocks";
/** `ISS/v1` is the audience of the token by which a service reads the feed and takes units. */
export const API_RESOURCE_PATH = "/v1";
