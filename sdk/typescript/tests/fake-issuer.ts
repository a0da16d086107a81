/** A small issuer on loopback for these tests: real HTTP, real signatures by jose, not by our own code. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { deflateSync } from "node:zlib";
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT } from "jose";
import type { AddressInfo, Socket } from "node:net";
import type { AgentKey } from "../src/index.js";

export const AUDIENCE = "https://infer.example";
const ENTRIES = 1024;
type Body = Record<string, unknown>;
interface Scripted {
  status: number;
  headers?: Record<string, string>;
  body: Body;
}

export class FakeIssuer {
  url = "";
  port = 0;
  ledger = 10;
  /** Seconds by which its clock is before that of the test. */
  ahead = 0;
  nonce: string | undefined;
  scripted: Scripted[] = [];
  delayMs = 0;
  scope = "echo:read model:infer";
  expiresIn = 300;
  denied: string[] = [];
  readonly calls = new Map<string, number>();
  readonly forms: Record<string, string>[] = [];
  readonly statuses = new Map([[1, new Uint8Array(ENTRIES / 4)]]);
  blocks = (asked: Body): Body => ({
    granted: asked["units"],
    expires_in_ms: 1000,
    policies: [{ name: "minute", q: 60, w: 60, r: 12, t: 7 }],
    retry_after: 0,
  });
  feed = { refuse: false, silent: false, heldFrom: 0, resumedFrom: [] as (string | undefined)[] };
  readonly #spent = new Set<string>();
  readonly #frames: [number, string][] = [];
  readonly #readers = new Set<ServerResponse>();
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #keys: { privateKey: CryptoKey; jwk: Body; kid: string }[] = [];

  static async start(): Promise<FakeIssuer> {
    const made = new FakeIssuer();
    await made.rotate();
    await made.listen();
    return made;
  }

  async listen(): Promise<void> {
    const server = createServer((request, response) => void this.#answer(request, response));
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(this.port, "127.0.0.1", resolve));
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.url = `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => (this.#server ? this.#server.close(resolve) : resolve(undefined)));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    this.#server = undefined;
  }

  count(what: string): number {
    return this.calls.get(what) ?? 0;
  }

  now(): number {
    return Date.now() / 1000 + this.ahead;
  }

  // What it signs.

  /** A new key signs from here on; those before stay in the set, unless `alone`. */
  async rotate(options: { alone?: boolean } = {}): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)) };
    const kid = await calculateJwkThumbprint(jwk);
    const made = { privateKey, jwk: { ...jwk, kid, use: "sig", alg: "ES256" }, kid };
    this.#keys = options.alone ? [made] : [made, ...this.#keys];
  }

  async sign(claims: Body, typ: string): Promise<string> {
    const [key] = this.#keys;
    if (!key) throw new Error("no key");
    return new SignJWT(claims).setProtectedHeader({ alg: "ES256", typ, kid: key.kid }).sign(key.privateKey);
  }

  async accessToken(key: AgentKey, changes: Body = {}): Promise<string> {
    const now = Math.floor(this.now());
    const claims: Body = {
      iss: this.url, sub: "agent_alice1", client_id: "agent_alice1", aud: AUDIENCE, iat: now, exp: now + 300,
      jti: crypto.randomUUID(), scope: this.scope, cnf: { jkt: key.thumbprint }, account: "pair_alice",
      limits: [{ scope: "model:infer", policy: "minute", q: 2, w: 60 }],
      status: { status_list: { idx: 7, uri: this.listUri() } }, ...changes,
    };
    return this.sign(Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined)), "at+jwt");
  }

  listUri(number = 1): string {
    return `${this.url}/status/${number}`;
  }

  async listToken(number: number): Promise<string> {
    const now = Math.floor(this.now());
    const lst = deflateSync(this.statuses.get(number) ?? new Uint8Array()).toString("base64url");
    const times = { iat: now, exp: now + 300, ttl: 60, ledger: this.ledger };
    const claims = { iss: this.url, sub: this.listUri(number), ...times, status_list: { bits: 2, lst } };
    return this.sign(claims, "statuslist+jwt");
  }

  // What happens to credentials.

  /** Write the status into the list, without telling the feed. */
  mark(index: number, value: number, number = 1): void {
    const bytes = this.statuses.get(number) as Uint8Array;
    const shift = 2 * (index % 4);
    bytes[index >> 2] = ((bytes[index >> 2] as number) & ~(3 << shift)) | (value << shift);
  }

  tighten(index: number, value: number): void {
    this.ledger++;
    this.mark(index, value);
    const gap = index < 128 ? [index] : [(index & 127) | 128, index >> 7];
    const packed = Buffer.from(gap).toString("base64url");
    this.publish("status", { uri: this.listUri(), bits: 2, ledger: this.ledger, [value]: packed });
  }

  loosen(index: number): void {
    this.ledger++;
    this.mark(index, 0);
    this.publish("list", { uri: this.listUri(), ledger: this.ledger });
  }

  deny(...subs: string[]): void {
    this.ledger++;
    this.denied.push(...subs);
    this.publish("denied", { ledger: this.ledger, subs });
  }

  publish(event: string, data: Body): void {
    const frame = this.#frame(event, data);
    this.#frames.push([this.ledger, frame]);
    for (const reader of this.#readers) reader.write(frame);
  }

  cut(): void {
    for (const reader of this.#readers) reader.destroy();
  }

  #frame(event: string, data: Body): string {
    return `id: ${data["ledger"]}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  }

  // Its doors.

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "").split("?")[0] ?? "";
    this.calls.set(path, this.count(path) + 1);
    response.setHeader("Date", new Date(this.now() * 1000).toUTCString());
    response.on("error", () => undefined);
    if (path === "/v1/events" && !this.feed.refuse) return this.#events(request, response);
    let body = "";
    for await (const chunk of request) body += chunk;
    const { status, headers, sent } = await this.#document(path, body, request);
    if (this.delayMs && path === "/oauth/token") await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(sent);
  }

  async #document(path: string, body: string, request: IncomingMessage) {
    const json = (value: unknown, status = 200, headers = {}) => ({ status, headers, sent: JSON.stringify(value) });
    if (path === "/oauth/token") {
      const { status, headers, body: sent } = await this.#token(Object.fromEntries(new URLSearchParams(body)), request);
      return json(sent, status, headers ?? {});
    }
    if (path === "/v1/limits/blocks") return json(this.blocks(JSON.parse(body) as Body));
    if (path === "/.well-known/jwks.json") return json({ keys: this.#keys.map(({ jwk }) => jwk) });
    if (path === "/status") return json({ status_lists: [...this.statuses.keys()].map((each) => this.listUri(each)) });
    const number = Number(/^\/status\/(\d+)$/.exec(path)?.[1]);
    if (this.statuses.has(number)) return { status: 200, headers: {}, sent: await this.listToken(number) };
    return json({ error: "not found" }, 404);
  }

  async #token(form: Record<string, string>, request: IncomingMessage): Promise<Scripted> {
    this.forms.push(form);
    if (request.headers.authorization?.startsWith("Basic ")) {
      this.calls.set("service token", this.count("service token") + 1);
      return { status: 200, body: { access_token: "service-token", token_type: "Bearer", expires_in: 300, scope: "" } };
    }
    const proof = await this.#proof(String(request.headers["dpop"]));
    if (this.#spent.has(proof.jti)) return { status: 400, body: { error: "invalid_dpop_proof" } };
    this.#spent.add(proof.jti);
    const scripted = this.scripted.shift();
    if (scripted) return scripted;
    const headers: Record<string, string> = this.nonce ? { "DPoP-Nonce": this.nonce } : {};
    if (this.nonce && proof.nonce !== this.nonce) return { status: 400, headers, body: { error: "use_dpop_nonce" } };
    if (Math.abs(proof.iat - this.now()) > 45) return { status: 400, headers, body: { error: "invalid_dpop_proof" } };
    return { status: 200, headers, body: this.#issue(form) };
  }

  async #proof(proof: string) {
    const { jwk, alg } = decodeProtectedHeader(proof);
    const currentDate = new Date((decodeJwt(proof).iat ?? 0) * 1000);
    const { payload } = await jwtVerify(proof, await importJWK(jwk ?? {}, alg), { typ: "dpop+jwt", currentDate });
    return payload as { jti: string; iat: number; nonce?: string };
  }

  #issue(form: Record<string, string>): Body {
    const isPassport = form["grant_type"] === "client_credentials";
    const what = isPassport ? "passport" : "exchange";
    this.calls.set(what, this.count(what) + 1);
    return {
      access_token: `${what}-${this.count(what)}`,
      token_type: isPassport ? "N_A" : "DPoP",
      expires_in: isPassport ? 2_592_000 : this.expiresIn,
      scope: form["scope"] ?? this.scope,
    };
  }

  async #events(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const last = request.headers["last-event-id"] as string | undefined;
    this.feed.resumedFrom.push(last);
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    const { ledger } = this;
    const lists = [...this.statuses.keys()].map((each) => this.listUri(each));
    response.write(`retry: 50\n\n${this.#frame("hello", { ledger, lists })}`);
    const isHeld = last === undefined || Number(last) >= this.feed.heldFrom;
    const missed = this.#frames.filter(([number]) => last !== undefined && number > Number(last)).map(([, frame]) => frame);
    for (const frame of isHeld ? missed : [this.#frame("reload", { ledger })]) response.write(frame);
    const denied = { iss: this.url, iat: Math.floor(this.now()), ledger, subs: this.denied };
    response.write(this.#frame("denied-list", { ledger, token: await this.sign(denied, "agent-passport-denied+jwt") }));
    this.#readers.add(response);
    const ticks = setInterval(() => {
      if (!this.feed.silent) response.write(this.#frame("tick", { ledger: this.ledger, time: Math.floor(this.now()) }));
    }, 100);
    response.on("close", () => {
      clearInterval(ticks);
      this.#readers.delete(response);
    });
  }
}
