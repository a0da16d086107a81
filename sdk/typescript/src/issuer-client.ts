/** What a service asks its issuer: keys, lists, the feed, units. Every call is bounded in time and size. */

import { encode, utf8 } from "./base64.js";
import { readBytes } from "./body.js";
import type { Fetch } from "./grants.js";
import { isObject, type Json, type JsonObject, parseBytes } from "./json.js";
import { LIST_BYTES } from "./jws.js";
import { API_RESOURCE_PATH, BLOCKS_PATH, FEED_PATH, KEYS_PATH, LISTS_PATH, TOKEN_PATH } from "./protocol.js";

const SCOPES = "events.read decisions.evaluate";
/** A request waits for this; then it is decided locally. */
const BLOCKS_SECONDS = 1;
const DOCUMENT_BYTES = 1024 * 1024;
/** Of the life of a service token: then a new one is asked for. */
const TOKEN_RENEWED_AT = 0.8;

/** No answer, or none that can be used. The message holds no secret. */
export class IssuerAway extends Error {}

export interface ServiceCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface IssuerClientOptions {
  readonly issuer: string;
  /** Without: keys and lists only, which are public. */
  readonly credentials: ServiceCredentials | undefined;
  readonly timeoutSeconds: number;
  readonly fetch: Fetch;
  readonly monotonic: () => number;
}

export class IssuerClient {
  readonly issuer: string;
  readonly #options: IssuerClientOptions;
  #token: Promise<string> | undefined;
  #tokenUntil = 0;

  constructor(options: IssuerClientOptions) {
    this.issuer = options.issuer;
    this.#options = options;
  }

  get hasCredentials(): boolean {
    return this.#options.credentials !== undefined;
  }

  keys(): Promise<Json> {
    return this.#document(KEYS_PATH);
  }

  async listUris(): Promise<string[]> {
    const found = await this.#document(LISTS_PATH);
    const uris = isObject(found) ? found["status_lists"] : undefined;
    if (!Array.isArray(uris) || !uris.every((uri) => typeof uri === "string")) {
      throw new IssuerAway("the list of status lists is malformed");
    }
    return uris;
  }

  /** The list as text. `no-cache`: an answer from a store on the way could be older than asked for. */
  async statusList(uri: string): Promise<string> {
    const headers = { Accept: "application/statuslist+jwt", "Cache-Control": "no-cache" };
    const raw = await this.#read(uri, { headers }, LIST_BYTES, this.#options.timeoutSeconds);
    return new TextDecoder().decode(raw).trim();
  }

  /** The open feed. `signal` ends it. Throws IssuerAway. */
  async feed(position: number | undefined, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const headers = {
      ...(await this.#bearer()),
      Accept: "text/event-stream",
      ...(position === undefined ? {} : { "Last-Event-ID": String(position) }),
    };
    return this.#open(this.issuer + FEED_PATH, { headers, signal });
  }

  async takeUnits(sub: string, scope: string, units: number): Promise<JsonObject> {
    const headers = { ...(await this.#bearer()), "Content-Type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify({ sub, scope, units }) };
    const found = this.#parse(await this.#read(this.issuer + BLOCKS_PATH, init, DOCUMENT_BYTES, BLOCKS_SECONDS));
    if (!isObject(found)) throw new IssuerAway("units: the answer is malformed");
    return found;
  }

  async #document(path: string): Promise<Json> {
    const headers = { Accept: "application/json" };
    return this.#parse(await this.#read(this.issuer + path, { headers }, DOCUMENT_BYTES, this.#options.timeoutSeconds));
  }

  #parse(raw: Uint8Array): Json {
    try {
      return parseBytes(raw);
    } catch (error) {
      throw new IssuerAway((error as Error).message);
    }
  }

  async #read(url: string, init: RequestInit, mostBytes: number, seconds: number): Promise<Uint8Array> {
    const body = await this.#open(url, { ...init, signal: AbortSignal.timeout(seconds * 1000) });
    try {
      return await readBytes(body, mostBytes);
    } catch (error) {
      throw new IssuerAway((error as Error).message);
    }
  }

  /** The body of a good answer. Throws IssuerAway. */
  async #open(url: string, init: RequestInit): Promise<ReadableStream<Uint8Array>> {
    let response: Response;
    try {
      response = await this.#options.fetch(url, { redirect: "error", credentials: "omit", ...init });
    } catch (error) {
      throw new IssuerAway(`no answer: ${(error as Error).name}`);
    }
    if (response.status === 200 && response.body) return response.body;
    await response.body?.cancel().catch(() => undefined);
    // Revoked, or its signing key is gone: the next call gets a new one.
    if (response.status === 401) this.#tokenUntil = 0;
    throw new IssuerAway(`HTTP ${response.status}`);
  }

  async #bearer(): Promise<{ Authorization: string }> {
    if (!this.#token || this.#options.monotonic() >= this.#tokenUntil) {
      // Until it has come, all wait for this one; when it does not come, the next asks again.
      this.#tokenUntil = Number.POSITIVE_INFINITY;
      this.#token = this.#obtainToken();
      this.#token.catch(() => {
        this.#token = undefined;
      });
    }
    return { Authorization: `Bearer ${await this.#token}` };
  }

  /** Client credentials by `client_secret_basic` (RFC 6749 sections 2.3.1 and 4.4). */
  async #obtainToken(): Promise<string> {
    const { clientId, clientSecret } = this.#options.credentials as ServiceCredentials;
    const pair = [clientId, clientSecret].map((part) => new URLSearchParams({ part }).toString().slice(5)).join(":");
    const form = { grant_type: "client_credentials", resource: this.issuer + API_RESOURCE_PATH, scope: SCOPES };
    const headers = { Authorization: `Basic ${standardBase64(pair)}` };
    const init = { method: "POST", headers, body: new URLSearchParams(form) };
    const raw = await this.#read(this.issuer + TOKEN_PATH, init, DOCUMENT_BYTES, this.#options.timeoutSeconds);
    const body = this.#parse(raw);
    const { access_token: token, expires_in: life } = (isObject(body) ? body : {}) as Record<string, Json>;
    if (typeof token !== "string" || typeof life !== "number") throw new IssuerAway("service token: malformed");
    this.#tokenUntil = this.#options.monotonic() + TOKEN_RENEWED_AT * life;
    return token;
  }
}

function standardBase64(text: string): string {
  const url = encode(utf8(text)).replaceAll("-", "+").replaceAll("_", "/");
  return url.padEnd(Math.ceil(url.length / 4) * 4, "=");
}
