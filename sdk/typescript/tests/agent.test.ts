import assert from "node:assert/strict";
import { mkdtemp, readFile, stat, chmod } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { decodeJwt, decodeProtectedHeader } from "jose";
import {
  Agent, agentFetch, AgentKey, ClientRefused, ConfigurationError, IssuerAnswerInvalid, IssuerBusy, IssuerUnreachable,
  KeyFileError, PassportRefused, ProofRefused, rawFromDer, ScopeRefused,
} from "../src/index.js";
import { FileStore, loadKey, saveKey } from "../src/node.js";
import { ATTEMPTS, waitFor } from "../src/retry.js";
import { AUDIENCE, FakeIssuer } from "./fake-issuer.js";

let issuer: FakeIssuer;
let key: AgentKey;
const open: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  issuer = await FakeIssuer.start();
  key = await AgentKey.generate();
});
afterEach(async () => {
  for (const close of open.splice(0)) await close();
  await issuer.stop();
});

const makeAgent = (more: Partial<ConstructorParameters<typeof Agent>[0]> = {}): Agent =>
  new Agent({ issuer: issuer.url, clientId: "agent_alice1", key, ...more });
const folder = (): Promise<string> => mkdtemp(join(tmpdir(), "agent-passport-"));
const refuse = (error: string, more: Record<string, string> = {}, status = 400, headers = {}) =>
  issuer.scripted.push({ status, headers, body: { error, error_description: "in words", ...more } });

describe("tokens", () => {
  test("a hundred callers at once cause one passport and one exchange", async () => {
    issuer.delayMs = 20;
    const agent = makeAgent();
    const held = await Promise.all(Array.from({ length: 100 }, () => agent.token(AUDIENCE, "model:infer")));
    assert.equal(new Set(held.map(({ value }) => value)).size, 1);
    assert.deepEqual([issuer.count("passport"), issuer.count("exchange")], [1, 1]);
  });

  test("each audience and each set of scopes has its own, in whatever order they are named", async () => {
    const agent = makeAgent();
    const one = await agent.token(AUDIENCE, "model:infer echo:read");
    assert.equal((await agent.token(AUDIENCE, ["echo:read", "model:infer"])).value, one.value);
    assert.notEqual((await agent.token(AUDIENCE, "echo:read")).value, one.value);
    assert.notEqual((await agent.token("other", "echo:read")).value, one.value);
    assert.deepEqual(issuer.forms.map(({ resource, audience }) => resource ?? audience ?? ""), [
      "", AUDIENCE, AUDIENCE, "other",
    ]);
  });

  test("a token is replaced before its end", async () => {
    let ahead = 0;
    const agent = makeAgent({ clock: () => Date.now() / 1000 + ahead });
    const first = await agent.token(AUDIENCE);
    ahead = issuer.ahead = 280;
    assert.notEqual((await agent.token(AUDIENCE)).value, first.value);
  });

  test("one failure is told to all who wait, and the next call tries again", async () => {
    issuer.delayMs = 20;
    const agent = makeAgent();
    await agent.passport();
    refuse("invalid_scope");
    const results = await Promise.allSettled([agent.token(AUDIENCE), agent.token(AUDIENCE)]);
    assert.deepEqual(results.map(({ status }) => status), ["rejected", "rejected"]);
    assert.ok((await agent.token(AUDIENCE)).value);
  });

  test("the passport is renewed at four fifths of its life, and the old one serves while that fails", async () => {
    let ahead = 0;
    const agent = makeAgent({ clock: () => Date.now() / 1000 + ahead });
    const old = await agent.passport();
    ahead = issuer.ahead = 25 * 86400;
    refuse("invalid_client", {}, 401);
    assert.equal((await agent.passport()).value, old.value);
    assert.equal((await agent.passport()).value, old.value);
    ahead = issuer.ahead = 25 * 86400 + 120;
    assert.notEqual((await agent.passport()).value, old.value);
  });

  test("a passport that the issuer no longer takes is replaced once", async () => {
    const agent = makeAgent();
    await agent.passport();
    refuse("invalid_request", { error_uri: `${issuer.url}/docs/errors#passport_revoked` });
    assert.ok((await agent.token(AUDIENCE)).value);
    assert.equal(issuer.count("passport"), 2);
  });

  test("a suspended passport is not replaced", async () => {
    const agent = makeAgent();
    await agent.passport();
    refuse("invalid_request", { error_uri: `${issuer.url}/docs/errors#passport_suspended` });
    await assert.rejects(agent.token(AUDIENCE), (error: PassportRefused) => {
      assert.ok(error instanceof PassportRefused);
      return error.reason === "passport_suspended" && error.cure.includes("portal");
    });
    assert.equal(issuer.count("passport"), 1);
  });

  test("a sub-agent acts on with its own passport beside what was handed to it", async () => {
    await makeAgent().actFor("handed-on", AUDIENCE, "echo:read");
    const form = issuer.forms.at(-1);
    assert.equal(form?.["subject_token"], "handed-on");
    assert.equal(form?.["subject_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    assert.equal(form?.["actor_token"], "passport-1");
    assert.equal(form?.["actor_token_type"], "urn:agent-passport:token-type:passport");
  });

  test("a passport kept by the store is used again, and only by its own agent", async () => {
    const store = new FileStore(await folder());
    await makeAgent({ store }).passport();
    await makeAgent({ store }).passport();
    assert.equal(issuer.count("passport"), 1);
    await makeAgent({ store, clientId: "agent_other1" }).passport();
    assert.equal(issuer.count("passport"), 2);
    const { mode } = await stat(join(store.folder, `passport-${key.thumbprint}.json`));
    assert.equal(mode & 0o777, 0o600);
  });
});

describe("what goes wrong on the way", () => {
  test("a nonce that changes costs one more request", async () => {
    const agent = makeAgent();
    issuer.nonce = "first";
    await agent.passport();
    issuer.nonce = "second";
    await agent.token(AUDIENCE);
    assert.equal(issuer.forms.length, 4);
  });

  test("a server that asks for a nonce for ever is not asked for ever", async () => {
    for (let each = 0; each < 5; each++) refuse("use_dpop_nonce", {}, 400, { "DPoP-Nonce": `nonce-${each}` });
    await assert.rejects(makeAgent().passport(), ProofRefused);
    assert.equal(issuer.forms.length, 2);
  });

  for (const ahead of [600, -600]) {
    test(`a clock that is ${ahead} s off is mended by the issuer's Date`, async () => {
      issuer.ahead = ahead;
      const agent = makeAgent();
      await agent.token(AUDIENCE);
      assert.ok(Math.abs(agent.now() - issuer.now()) < 3);
    });
  }

  test("a busy server is asked again, with a new proof and a new assertion", async () => {
    refuse("temporarily_unavailable", {}, 503, { "Retry-After": "0" });
    await makeAgent().passport();
    const [first, second] = issuer.forms;
    assert.notEqual(first?.["client_assertion"], second?.["client_assertion"]);
  });

  test("a limit that is soon over is waited for", async () => {
    const agent = makeAgent();
    await agent.passport();
    refuse("temporarily_unavailable", {}, 429, { "Retry-After": "1" });
    const started = performance.now();
    assert.ok((await agent.token(AUDIENCE)).value);
    assert.ok(performance.now() - started >= 1000);
  });

  test("an agent's key that is rotated gets a passport of its own", async () => {
    const store = new FileStore(await folder());
    await makeAgent({ store }).token(AUDIENCE);
    assert.ok((await makeAgent({ store, key: await AgentKey.generate() }).token(AUDIENCE)).value);
    assert.equal(issuer.count("passport"), 2);
  });

  test("a limit that asks for more patience than we have is told at once", async () => {
    refuse("temporarily_unavailable", {}, 429, { "Retry-After": "120" });
    const started = performance.now();
    await assert.rejects(makeAgent().passport(), (error: IssuerBusy) => error instanceof IssuerBusy && error.retryAfter === 120);
    assert.ok(performance.now() - started < 1000);
  });

  test("a wait is never shorter than the server asked for, and ends with our patience", () => {
    assert.ok((waitFor(0, 2, 0, () => 0) ?? 0) >= 2);
    assert.equal(waitFor(0, 31, 0), undefined);
    assert.equal(waitFor(ATTEMPTS - 1, undefined, 0), undefined);
    const waits = Array.from({ length: 50 }, () => waitFor(1, undefined, 0) ?? 0);
    assert.ok(waits.every((wait) => wait >= 0.25 && wait <= 0.5) && new Set(waits).size > 10);
  });

  test("a server that restarts is found again", async () => {
    const agent = makeAgent();
    await agent.passport();
    await issuer.stop();
    setTimeout(() => void issuer.listen(), 200);
    assert.ok((await agent.token(AUDIENCE)).value);
  });

  test("a server that stays away is told by its address, without a secret", async () => {
    await issuer.stop();
    await assert.rejects(makeAgent().passport(), (error: IssuerUnreachable) => {
      assert.ok(error instanceof IssuerUnreachable);
      return error.code === "unreachable" && error.message.includes(issuer.url) && Boolean(error.cause);
    });
  });

  test("an answer that is none is told as such", async () => {
    issuer.scripted.push({ status: 200, body: { hello: 1 } });
    await assert.rejects(makeAgent().passport(), IssuerAnswerInvalid);
  });

  test("a refusal has the server's words, its code and what to do", async () => {
    refuse("invalid_client", {}, 401);
    await assert.rejects(makeAgent().passport(), (error: ClientRefused) => {
      assert.ok(error instanceof ClientRefused);
      assert.deepEqual([error.code, error.description, error.status], ["invalid_client", "in words", 401]);
      return /^invalid_client: in words\. Register this key/.test(error.message);
    });
    const agent = makeAgent();
    await agent.passport();
    refuse("invalid_scope");
    await assert.rejects(agent.token(AUDIENCE), ScopeRefused);
  });

  test("an issuer that is not reached over https is refused, but on this machine", () => {
    for (const bad of ["http://passport.example", "https://passport.example/", "passport.example", "https://a@b.example"]) {
      assert.throws(() => makeAgent({ issuer: bad }), ConfigurationError);
    }
    makeAgent({ issuer: "http://localhost:8000" });
  });
});

// A service that writes down what it was sent, and answers as it is told.
async function service(answer: RequestListener): Promise<{ url: string; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

const challenge = (error: string): Record<string, string> => ({
  "WWW-Authenticate": `Bearer realm="x", DPoP error="${error}", algs="ES256"`,
});

describe("calls", () => {
  test("each request has a token and a proof of its own for its method and address", async () => {
    const { url, seen } = await service((_, response) => response.end("served"));
    const call = agentFetch(makeAgent(), { audience: AUDIENCE, scope: "echo:read" });
    assert.equal(await (await call(`${url}/echo?say=hello#there`, { method: "PUT", body: "x" })).text(), "served");
    await call(`${url}/echo`);
    const [first, second] = seen.map(({ headers }) => String(headers["dpop"]));
    const claims = decodeJwt(first ?? "");
    assert.deepEqual([claims["htm"], claims["htu"]], ["PUT", `${url}/echo`]);
    assert.equal(decodeProtectedHeader(first ?? "").typ, "dpop+jwt");
    assert.notEqual(claims.jti, decodeJwt(second ?? "").jti);
    assert.equal(seen[0]?.headers.authorization, "DPoP exchange-1");
    assert.equal(typeof claims["ath"], "string");
  });

  test("the nonce of a service is learnt, and the body sent again with it", async () => {
    const bodies: string[] = [];
    const { url } = await service(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      bodies.push(body);
      const isRight = decodeJwt(String(request.headers["dpop"]))["nonce"] === "n1";
      response.writeHead(isRight ? 200 : 401, isRight ? {} : { ...challenge("use_dpop_nonce"), "DPoP-Nonce": "n1" });
      response.end();
    });
    const call = agentFetch(makeAgent(), { audience: AUDIENCE });
    assert.equal((await call(url, { method: "POST", body: "x" })).status, 200);
    assert.equal((await call(url, { method: "POST", body: "y" })).status, 200);
    assert.deepEqual(bodies, ["x", "x", "y"]);
  });

  test("a token that the service no longer takes is replaced once", async () => {
    const { url, seen } = await service((_, response) => response.writeHead(401, challenge("invalid_token")).end());
    const answer = await agentFetch(makeAgent(), { audience: AUDIENCE })(url);
    assert.equal(answer.status, 401);
    assert.deepEqual(seen.map(({ headers }) => headers.authorization), ["DPoP exchange-1", "DPoP exchange-2"]);
  });

  test("a body that can be sent once is sent once", async () => {
    const { url, seen } = await service((_, response) => response.writeHead(401, challenge("invalid_token")).end());
    const body = new Blob(["x"]).stream();
    const init = { method: "POST", body, duplex: "half" } as RequestInit;
    assert.equal((await agentFetch(makeAgent(), { audience: AUDIENCE })(url, init)).status, 401);
    assert.equal(seen.length, 1);
  });

  test("a redirect is returned, not followed", async () => {
    const { url, seen } = await service((_, response) => response.writeHead(307, { Location: "/elsewhere" }).end());
    assert.equal((await agentFetch(makeAgent(), { audience: AUDIENCE })(url)).status, 307);
    assert.equal(seen.length, 1);
  });

  test("a service that others can listen to gets no token", async () => {
    const call = agentFetch(makeAgent(), { audience: AUDIENCE });
    await assert.rejects(call("http://infer.example/infer"), ConfigurationError);
    assert.equal(issuer.forms.length, 0);
  });
});

describe("keys", () => {
  for (const kind of ["Ed25519", "P-256"] as const) {
    test(`a key of ${kind} is saved for its owner alone, and read again`, async () => {
      const path = join(await folder(), "key.json");
      const made = await AgentKey.generate(kind, { extractable: true });
      await saveKey(made, path);
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      assert.equal((await loadKey(path)).thumbprint, made.thumbprint);
      await assert.rejects(saveKey(made, path), /exists/);
      await chmod(path, 0o640);
      await assert.rejects(loadKey(path), /read by others/);
    });

    test(`a key of ${kind} that is somewhere else signs through its callback`, async () => {
      const there = await AgentKey.generate(kind);
      key = await AgentKey.fromCallback(there.publicJwk, (signed) => there.sign(signed));
      assert.ok((await makeAgent().token(AUDIENCE)).value);
    });
  }

  test("a key cannot be read out unless it was made so", async () => {
    await assert.rejects(key.privateJwk(), KeyFileError);
    assert.ok(!String(key).includes("{"));
  });

  test("what is no private key is refused without a word of it", async () => {
    const one = await (await AgentKey.generate("P-256", { extractable: true })).privateJwk();
    const other = await (await AgentKey.generate("P-256", { extractable: true })).privateJwk();
    for (const bad of ["", "{}", "[]", { ...one, x: (other as { x: string }).x }, { ...one, d: other.d }, { ...one, d: "AA" }]) {
      await assert.rejects(AgentKey.fromJwk(bad as string), (error: KeyFileError) => {
        return error instanceof KeyFileError && !error.message.includes(one.d);
      });
    }
  });

  test("the DER of a KMS is turned into r and s", async () => {
    const { createSign, generateKeyPairSync, verify } = await import("node:crypto");
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    for (let each = 0; each < 40; each++) {
      const signed = Buffer.from(`payload ${each}`);
      const raw = rawFromDer(createSign("sha256").update(signed).sign(privateKey));
      assert.ok(verify("sha256", signed, { key: publicKey, dsaEncoding: "ieee-p1363" }, raw));
    }
    assert.throws(() => rawFromDer(new Uint8Array(64)), KeyFileError);
  });

  test("the file of a key is that of the Python SDK", async () => {
    const path = join(await folder(), "key.json");
    await saveKey(await AgentKey.generate("Ed25519", { extractable: true }), path);
    assert.deepEqual(Object.keys(JSON.parse(await readFile(path, "utf8"))), ["kty", "crv", "x", "d"]);
  });
});
