import assert from "node:assert/strict";
import { createServer, request as httpRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, test } from "node:test";
import express from "express";
import { Agent, agentFetch, AgentKey, agentPassport, guard, MemoryReplay, Verifier } from "../src/index.js";
import { makeProof } from "../src/dpop.js";
import { AUDIENCE, FakeIssuer } from "./fake-issuer.js";

const RULES = { "GET /echo": "echo:read", "POST /form": { scope: "echo:read", cost: 2 }, "GET /who": { scope: null } };
const OPEN = { openPaths: ["/livez"] };
let issuer: FakeIssuer;
let key: AgentKey;
let verifier: Verifier;
let token: string;

beforeEach(async () => {
  issuer = await FakeIssuer.start();
  key = await AgentKey.generate();
  token = await issuer.accessToken(key);
  verifier = new Verifier({ issuer: issuer.url, audience: AUDIENCE, replay: new MemoryReplay({}) });
});
afterEach(async () => {
  await verifier.close();
  await issuer.stop();
});

const signed = async (method: string, path: string): Promise<Record<string, string>> => ({
  Authorization: `DPoP ${token}`,
  DPoP: await makeProof(key, { method, url: AUDIENCE + path, now: Date.now() / 1000, token }),
});

describe("a handler of the Fetch kind", () => {
  const serve = (method: string, path: string, init: RequestInit = {}): Promise<Response> => {
    const served = guard(verifier, RULES, async (request, caller) => {
      return Response.json({ agent: caller?.agent ?? null, body: await request.text() });
    }, OPEN);
    return served(new Request(AUDIENCE + path, { method, ...init }));
  };

  test("serves who may, with the limit's fields", async () => {
    const answer = await serve("GET", "/echo", { headers: await signed("GET", "/echo") });
    assert.deepEqual(await answer.json(), { agent: "agent_alice1", body: "" });
    assert.equal(answer.headers.get("RateLimit-Policy"), '"local";q=60;w=60');
  });

  test("serves HEAD like GET, open paths to all, and closes what nobody named", async () => {
    assert.equal((await serve("HEAD", "/echo", { headers: await signed("HEAD", "/echo") })).status, 200);
    assert.equal((await serve("GET", "/livez")).status, 200);
    const closed = await serve("GET", "/admin", { headers: await signed("GET", "/admin") });
    assert.equal(closed.status, 403);
    for (const path of ["/%65cho/x", "/echo/", "/ECHO", "/toString", "/echo%2f"]) {
      assert.equal((await serve("GET", path, { headers: await signed("GET", path) })).status, 403, path);
    }
    assert.equal((await serve("GET", "/%zz")).status, 400);
  });

  test("asks for a token in the words of the standard", async () => {
    const answer = await serve("GET", "/echo");
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get("WWW-Authenticate"), 'DPoP algs="ES256 EdDSA Ed25519"');
    assert.equal(answer.headers.get("Cache-Control"), "no-store");
    assert.equal(answer.headers.get("Content-Type"), "application/problem+json");
  });

  test("refuses a token in a form, and hands other forms on whole", async () => {
    const body = (fields: Record<string, string>) => ({ method: "POST", body: new URLSearchParams(fields) });
    const headers = await signed("POST", "/form");
    assert.equal((await serve("POST", "/form", { ...body({ access_token: "x" }), headers })).status, 400);
    const answer = await serve("POST", "/form", { ...body({ a: "b" }), headers: await signed("POST", "/form") });
    assert.equal(((await answer.json()) as { body: string }).body, "a=b");
  });

  test("two proofs or two tokens, as fields are joined, are refused", async () => {
    const [one, two] = [await signed("GET", "/echo"), await signed("GET", "/echo")];
    const proofs = new Headers(one);
    proofs.append("DPoP", two["DPoP"] as string);
    assert.match((await serve("GET", "/echo", { headers: proofs })).headers.get("WWW-Authenticate") ?? "", /invalid_dpop_proof/);
    const tokens = new Headers(one);
    tokens.append("Authorization", `Bearer ${token}`);
    assert.equal((await serve("GET", "/echo", { headers: tokens })).status, 400);
  });
});

describe("Express", () => {
  let server: Server;
  let port: number;

  beforeEach(async () => {
    const app = express();
    app.use(agentPassport(verifier, RULES, OPEN));
    app.use(express.urlencoded());
    app.get("/livez", (_, response) => void response.send("ok"));
    app.get(["/echo", "/who"], (request, response) => void response.json({ agent: request.agentPassport?.agent }));
    app.post("/form", (request, response) => void response.json(request.body));
    server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterEach(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));

  const send = (method: string, path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${port}${path}`, { method, ...init });

  test("serves who may, answers all others, and leaves open paths open", async () => {
    const answer = await send("GET", "/echo", { headers: await signed("GET", "/echo") });
    assert.deepEqual(await answer.json(), { agent: "agent_alice1" });
    assert.ok(answer.headers.get("RateLimit"));
    assert.equal((await send("GET", "/livez")).status, 200);
    assert.equal((await send("GET", "/echo")).headers.get("WWW-Authenticate"), 'DPoP algs="ES256 EdDSA Ed25519"');
    assert.equal((await send("GET", "/other", { headers: await signed("GET", "/other") })).status, 403);
  });

  test("refuses two Authorization fields that Node would make one", async () => {
    const headers = await signed("GET", "/echo");
    const status = await new Promise((resolve, reject) => {
      const pairs = ["Authorization", headers["Authorization"] ?? "", "Authorization", "DPoP x", "DPoP", headers["DPoP"] ?? ""];
      const sent = httpRequest({ port, path: "/echo", headers: pairs as never }, (answer) => resolve(answer.statusCode));
      sent.on("error", reject).end();
    });
    assert.equal(status, 400);
  });

  test("refuses a token in a form, and hands other forms on", async () => {
    const body = new URLSearchParams({ access_token: "x" });
    assert.equal((await send("POST", "/form", { body, headers: await signed("POST", "/form") })).status, 400);
    const other = { body: new URLSearchParams({ a: "b c" }), headers: await signed("POST", "/form") };
    assert.deepEqual(await (await send("POST", "/form", other)).json(), { a: "b c" });
  });

  test("an agent of ours is served, with the address where it reaches the service", async () => {
    const here = new Verifier({ issuer: issuer.url, audience: AUDIENCE, baseUrl: `http://127.0.0.1:${port}` });
    const app = express().use(agentPassport(here, RULES)).get("/who", (request, response) => {
      response.json({ subject: request.agentPassport?.subject });
    });
    server.removeAllListeners("request").on("request", app);
    const agent = new Agent({ issuer: issuer.url, clientId: "agent_alice1", key });
    issuer.scripted = [
      { status: 200, body: { access_token: "passport", token_type: "N_A", expires_in: 1000 } },
      { status: 200, body: { access_token: token, token_type: "DPoP", expires_in: 300 } },
    ];
    const answer = await agentFetch(agent, { audience: AUDIENCE })(`http://127.0.0.1:${port}/who?a=b`);
    assert.deepEqual(await answer.json(), { subject: "agent_alice1" });
    await here.close();
  });
});
