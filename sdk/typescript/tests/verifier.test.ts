import assert from "node:assert/strict";
import { mkdtemp, rm, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { AgentKey, ConfigurationError, MemoryReplay, RedisReplay, type Refusal, Verifier, type Verified, type VerifierOptions } from "../src/index.js";
import { makeProof } from "../src/dpop.js";
import { FileStore } from "../src/node.js";
import { AUDIENCE, FakeIssuer } from "./fake-issuer.js";

let issuer: FakeIssuer;
let key: AgentKey;
let ahead: number;
const made: Verifier[] = [];
const FOLLOWING = { clientId: "svc_infer", clientSecret: "secret" };

beforeEach(async () => {
  issuer = await FakeIssuer.start();
  key = await AgentKey.generate();
  ahead = 0;
});
afterEach(async () => {
  for (const verifier of made.splice(0)) await verifier.close();
  await issuer.stop();
});

/** Its clocks are those of the test; it has run for long: proofs from before its start are another test's matter. */
function makeVerifier(options: Partial<VerifierOptions> = {}): Verifier {
  const verifier = new Verifier({
    issuer: issuer.url,
    audience: AUDIENCE,
    replay: new MemoryReplay({}),
    clock: () => Date.now() / 1000 + ahead,
    monotonic: () => performance.now() / 1000 + ahead,
    ...options,
  });
  made.push(verifier);
  return verifier;
}

async function following(options: Partial<VerifierOptions> = {}): Promise<Verifier> {
  const verifier = await makeVerifier({ ...FOLLOWING, ...options }).start();
  await eventually(() => verifier.isLive && verifier.isReady);
  return verifier;
}

async function eventually(condition: () => boolean | Promise<boolean>, seconds = 6): Promise<void> {
  const deadline = performance.now() + 1000 * seconds;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, "it did not come about");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function call(verifier: Verifier, token: string, scope: string | null = null, by = key): Promise<Verified | Refusal> {
  const now = Date.now() / 1000 + ahead;
  const proof = await makeProof(by, { method: "GET", url: `${AUDIENCE}/echo`, now, token });
  const headers: [string, string][] = [["Authorization", `DPoP ${token}`], ["DPoP", proof]];
  return verifier.check({ method: "GET", target: "/echo", headers }, { scope });
}

async function codeOf(verifier: Verifier, token: string, scope: string | null = null): Promise<string> {
  const result = await call(verifier, token, scope);
  return result.ok ? "good" : result.reason;
}

describe("without the feed", () => {
  test("a good call is verified, and says who calls", async () => {
    const act = { sub: "agent_bob1" };
    const token = await issuer.accessToken(key, { sub: "user_1", client_id: "agent_bob1", act });
    const result = await call(makeVerifier({ limits: false }), token, "echo:read");
    assert.ok(result.ok);
    assert.deepEqual([result.agent, result.subject, result.account], ["agent_bob1", "user_1", "pair_alice"]);
    assert.deepEqual([...result.scopes], ["echo:read", "model:infer"]);
  });

  test("a token seen before costs no second look at its signature, and no request", async () => {
    const verifier = makeVerifier({ limits: false });
    const token = await issuer.accessToken(key);
    await call(verifier, token);
    const before = [...issuer.calls.values()].reduce((sum, count) => sum + count);
    for (let each = 0; each < 20; each++) assert.equal(await codeOf(verifier, token), "good");
    assert.equal([...issuer.calls.values()].reduce((sum, count) => sum + count), before);
  });

  test("a proof is good once", async () => {
    const verifier = makeVerifier({ limits: false });
    const token = await issuer.accessToken(key);
    const proof = await makeProof(key, { method: "GET", url: `${AUDIENCE}/echo`, now: Date.now() / 1000, token });
    const headers: [string, string][] = [["Authorization", `DPoP ${token}`], ["DPoP", proof]];
    const once = { method: "GET", target: "/echo", headers };
    const results = await Promise.all([verifier.check(once), verifier.check(once), verifier.check(once)]);
    assert.equal(results.filter(({ ok }) => ok).length, 1);
    assert.deepEqual(results.flatMap((result) => (result.ok ? [] : result.code)), ["invalid_dpop_proof", "invalid_dpop_proof"]);
  });

  test("a proof older than the process needs a nonce, and passes with it", async () => {
    const verifier = makeVerifier({ limits: false, replay: new MemoryReplay({ completeSince: Date.now() / 1000 + 5 }) });
    const token = await issuer.accessToken(key);
    const refused = await call(verifier, token);
    assert.ok(!refused.ok && refused.code === "use_dpop_nonce");
    const nonce = new Map(refused.headers).get("DPoP-Nonce");
    const proof = await makeProof(key, { method: "GET", url: `${AUDIENCE}/echo`, now: 0, token, nonce });
    const headers: [string, string][] = [["Authorization", `DPoP ${token}`], ["DPoP", proof]];
    assert.ok((await verifier.check({ method: "GET", target: "/echo", headers })).ok);
  });

  test("processes that share a secret know each other's nonces, others do not", async () => {
    const options = { ...FOLLOWING, requireNonce: true, limits: false };
    const [one, two, stranger] = [makeVerifier(options), makeVerifier(options), makeVerifier({ ...options, clientSecret: "other" })];
    const token = await issuer.accessToken(key);
    const refused = await call(one, token);
    const nonce = new Map(refused.headers).get("DPoP-Nonce");
    const answers = [];
    for (const verifier of [two, stranger]) {
      const proof = await makeProof(key, { method: "GET", url: `${AUDIENCE}/echo`, now: Date.now() / 1000, token, nonce });
      const headers: [string, string][] = [["Authorization", `DPoP ${token}`], ["DPoP", proof]];
      answers.push((await verifier.check({ method: "GET", target: "/echo", headers })).ok);
    }
    assert.deepEqual(answers, [true, false]);
  });

  test("a replay store that cannot be asked refuses", async () => {
    const broken = { set: () => Promise.reject(new Error("gone")) };
    const verifier = makeVerifier({ limits: false, replay: new RedisReplay(broken) });
    const refused = await call(verifier, await issuer.accessToken(key));
    assert.ok(!refused.ok && refused.status === 503);
    assert.equal(new Map(refused.headers).get("Retry-After"), "1");
  });

  test("the store of Redis spends by one atomic step that ends by itself", async () => {
    const asked: unknown[] = [];
    const seen = new Set<string>();
    const set = async (name: string, value: string, options: unknown) => {
      asked.push([value, options]);
      return seen.size < seen.add(name).size ? "OK" : null;
    };
    const store = new RedisReplay({ set });
    assert.deepEqual([await store.spend("a", 210), await store.spend("a", 210), await store.spend("b", 210)], [true, false, true]);
    assert.deepEqual(asked[0], ["", { NX: true, EX: 210 }]);
  });

  test("a rotated issuer key is fetched for the first token that bears it; a removed one is refused", async () => {
    const verifier = makeVerifier({ limits: false });
    const old = await issuer.accessToken(key);
    assert.equal(await codeOf(verifier, old), "good");
    await issuer.rotate();
    assert.equal(await codeOf(verifier, await issuer.accessToken(key)), "good");
    assert.equal(await codeOf(verifier, old), "good");
    await issuer.rotate({ alone: true });
    ahead = 301;
    issuer.ahead = 301;
    await eventually(async () => (await codeOf(verifier, await issuer.accessToken(key))) === "good");
    const late = makeVerifier({ limits: false });
    assert.equal(await codeOf(late, old), "invalid_token");
  });

  test("tokens with made-up keys cause one fetch in half a minute", async () => {
    const verifier = makeVerifier({ limits: false });
    await call(verifier, await issuer.accessToken(key));
    const stranger = await FakeIssuer.start();
    stranger.url = issuer.url;
    const before = issuer.count("/.well-known/jwks.json");
    for (let each = 0; each < 10; each++) await stranger.rotate().then(async () => call(verifier, await stranger.accessToken(key)));
    await stranger.stop();
    assert.equal(issuer.count("/.well-known/jwks.json"), before + 1);
  });

  test("a revocation is refused when the list has grown old", async () => {
    const verifier = makeVerifier({ limits: false });
    const token = await issuer.accessToken(key);
    assert.equal(await codeOf(verifier, token), "good");
    issuer.ledger++;
    issuer.mark(7, 1);
    ahead = issuer.ahead = 61;
    assert.equal(await codeOf(verifier, token), "passport_revoked");
  });

  test("while the issuer is away the bound of the list holds, then the service refuses", async () => {
    const [short, long] = [makeVerifier({ limits: false }), makeVerifier({ limits: false, outage: "exp" })];
    const token = await issuer.accessToken(key, { exp: Math.floor(Date.now() / 1000) + 900 });
    for (const verifier of [short, long]) assert.equal(await codeOf(verifier, token), "good");
    await issuer.stop();
    const seen = [];
    for (const seconds of [50, 70, 250, 310]) {
      ahead = seconds;
      seen.push([await codeOf(short, token), await codeOf(long, token)]);
    }
    assert.deepEqual(seen, [
      ["good", "good"],
      ["status_unavailable", "good"],
      ["status_unavailable", "good"],
      ["status_unavailable", "status_unavailable"],
    ]);
  });

  test("limits of the token hold, and the caller is told that they are held here alone", async () => {
    const verifier = makeVerifier();
    const token = await issuer.accessToken(key);
    const first = await call(verifier, token, "model:infer");
    assert.ok(first.ok && first.allowance?.degraded);
    assert.deepEqual(first.headers, [["RateLimit-Policy", '"minute";q=2;w=60'], ["RateLimit", '"minute";r=1;t=30']]);
    await call(verifier, token, "model:infer");
    const over = await call(verifier, token, "model:infer");
    assert.ok(!over.ok && over.status === 429);
    const problem = JSON.parse(over.body);
    assert.equal(problem.type, "https://iana.org/assignments/http-problem-types#quota-exceeded");
    assert.deepEqual(problem["violated-policies"], ["minute"]);
    assert.equal(new Map(over.headers).get("Retry-After"), "30");
  });

  test("settings that contradict themselves stop the start", () => {
    assert.throws(() => makeVerifier({ clientId: "svc_1" }), ConfigurationError);
    assert.throws(() => makeVerifier({ audience: "infer" }), ConfigurationError);
    assert.throws(() => makeVerifier({ issuer: "http://passport.example" }), ConfigurationError);
  });
});

describe("with the feed", () => {
  test("what tightens is refused within a second, what loosens works again", async () => {
    const verifier = await following({ limits: false });
    const token = await issuer.accessToken(key);
    assert.equal(await codeOf(verifier, token), "good");
    const started = performance.now();
    issuer.tighten(7, 2);
    await eventually(async () => (await codeOf(verifier, token)) === "passport_suspended", 1);
    assert.ok(performance.now() - started < 1000);
    issuer.loosen(7);
    await eventually(async () => (await codeOf(verifier, token)) === "good");
    issuer.tighten(7, 1);
    await eventually(async () => (await codeOf(verifier, token)) === "passport_revoked", 1);
  });

  test("a denied agent is refused in whoever's name it acts, until the signed list lacks it", async () => {
    const verifier = await following({ limits: false });
    const token = await issuer.accessToken(key, { act: { sub: "agent_sub1", act: { sub: "agent_alice1" } } });
    issuer.deny("agent_sub1");
    await eventually(async () => (await codeOf(verifier, token)) === "agent_denied", 1);
    issuer.denied = [];
    issuer.ledger++;
    const list = { iss: issuer.url, iat: 0, ledger: issuer.ledger, subs: [] };
    issuer.publish("denied-list", { ledger: issuer.ledger, token: await issuer.sign(list, "agent-passport-denied+jwt") });
    await eventually(async () => (await codeOf(verifier, token)) === "good");
  });

  test("a denied-list that another signed loosens nothing", async () => {
    const verifier = await following({ limits: false });
    issuer.deny("agent_alice1");
    const token = await issuer.accessToken(key);
    await eventually(async () => (await codeOf(verifier, token)) === "agent_denied", 1);
    const stranger = await FakeIssuer.start();
    const list = { iss: issuer.url, iat: 0, ledger: 99, subs: [] };
    issuer.publish("denied-list", { ledger: issuer.ledger, token: await stranger.sign(list, "agent-passport-denied+jwt") });
    await stranger.stop();
    await eventually(() => issuer.feed.resumedFrom.length > 1);
    await eventually(() => verifier.isLive);
    assert.equal(await codeOf(verifier, token), "agent_denied");
  });

  test("one access token can be revoked alone", async () => {
    const verifier = await following({ limits: false });
    const [one, other] = [await issuer.accessToken(key, { jti: "one" }), await issuer.accessToken(key)];
    issuer.ledger++;
    issuer.publish("token", { ledger: issuer.ledger, jti: "one", exp: Math.floor(issuer.now()) + 300 });
    await eventually(async () => (await codeOf(verifier, one)) === "token_revoked", 1);
    assert.equal(await codeOf(verifier, other), "good");
  });

  test("a cut feed is resumed where it stopped, and nothing said meanwhile is missed", async () => {
    const verifier = await following({ limits: false });
    issuer.tighten(9, 1);
    await eventually(async () => (await codeOf(verifier, await issuer.accessToken(key, { status: status(9) }))) !== "good", 1);
    issuer.feed.refuse = true;
    issuer.cut();
    await eventually(() => !verifier.isLive);
    issuer.tighten(7, 1);
    issuer.feed.refuse = false;
    await eventually(async () => (await codeOf(verifier, await issuer.accessToken(key))) === "passport_revoked");
    assert.equal(issuer.feed.resumedFrom.at(-1), "11");
  });

  test("a gap makes it fetch every list anew", async () => {
    const verifier = await following({ limits: false });
    issuer.feed.refuse = true;
    issuer.cut();
    await eventually(() => !verifier.isLive);
    issuer.ledger = 50;
    issuer.mark(7, 1);
    issuer.feed.heldFrom = 40;
    issuer.feed.refuse = false;
    await eventually(async () => (await codeOf(verifier, await issuer.accessToken(key))) === "passport_revoked");
  });

  test("a feed that falls silent counts as cut off, and is opened anew", async () => {
    const verifier = await following({ limits: false });
    const opened = issuer.feed.resumedFrom.length;
    issuer.feed.silent = true;
    await eventually(() => !verifier.isLive);
    issuer.feed.silent = false;
    await eventually(() => verifier.isLive && issuer.feed.resumedFrom.length > opened);
  });

  test("frames that cannot be read make it start over with the lists", async () => {
    const verifier = await following({ limits: false });
    const lists = issuer.count("/status");
    issuer.publish("status", { uri: issuer.listUri(), bits: 2, ledger: issuer.ledger, 1: "!!!" });
    await eventually(() => issuer.count("/status") > lists && verifier.isLive);
    assert.equal(await codeOf(verifier, await issuer.accessToken(key)), "good");
  });

  test("units are taken in blocks, and who is over is told when to come back", async () => {
    const verifier = await following();
    const token = await issuer.accessToken(key);
    const results = await Promise.all(Array.from({ length: 50 }, () => call(verifier, token, "model:infer")));
    assert.ok(results.every(({ ok }) => ok));
    assert.ok(issuer.count("/v1/limits/blocks") < 10);
    issuer.blocks = () => ({ granted: 0, retry_after: 7, policies: [{ name: "minute", q: 60, w: 60, r: 0, t: 7 }] });
    ahead = issuer.ahead = 2;
    const over = await call(verifier, token, "model:infer");
    assert.ok(!over.ok && over.status === 429);
    assert.deepEqual(new Map(over.headers).get("RateLimit"), '"minute";r=0;t=7');
    issuer.blocks = () => ({ granted: 0, reason: "suspended", retry_after: 1 });
    ahead = issuer.ahead = 4;
    assert.equal(await codeOf(verifier, token, "model:infer"), "agent_suspended");
  });

  test("while units cannot be asked for, the token's limits hold", async () => {
    const verifier = await following();
    issuer.blocks = () => ({ granted: "many" });
    const result = await call(verifier, await issuer.accessToken(key), "model:infer");
    assert.ok(result.ok && result.allowance?.degraded);
  });
});

const status = (index: number) => ({ status_list: { idx: index, uri: issuer.listUri() } });

describe("between two starts", () => {
  test("with what it wrote down it starts while the issuer is away, and knows what the feed told", async () => {
    const store = new FileStore(await mkdtemp(join(tmpdir(), "agent-passport-")));
    const first = await following({ store, limits: false });
    issuer.tighten(9, 1);
    const revoked = await issuer.accessToken(key, { status: status(9) });
    await eventually(async () => (await codeOf(first, revoked)) === "passport_revoked", 1);
    await first.close();
    assert.ok((await readdir(store.folder)).length >= 3);
    const token = await issuer.accessToken(key);
    await issuer.stop();
    const second = makeVerifier({ ...FOLLOWING, store, limits: false });
    assert.deepEqual([await codeOf(second, token), await codeOf(second, revoked)], ["good", "passport_revoked"]);
    const another = makeVerifier({ limits: false });
    assert.equal(await codeOf(another, token), "status_unavailable");
    await second.close();
    await rm(store.folder, { recursive: true });
  });

  test("what is damaged counts as absent", async () => {
    const damaged = { load: async () => '{"version":1,"issuer":', save: async () => undefined };
    assert.equal(await codeOf(makeVerifier({ store: damaged, limits: false }), await issuer.accessToken(key)), "good");
    const broken = { load: () => Promise.reject(new Error("gone")), save: () => Promise.reject(new Error("gone")) };
    assert.equal(await codeOf(makeVerifier({ store: broken, limits: false }), await issuer.accessToken(key)), "good");
  });
});
