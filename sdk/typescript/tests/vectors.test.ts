/** The vectors that the server and the Python SDK read too: all must come to the same verdicts. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compactVerify, importJWK, jwtVerify } from "jose";
import { MemoryReplay, Verifier } from "../src/index.js";
import { checkTime, readCredential } from "../src/credential.js";
import { readRefusal } from "../src/grants.js";
import { type JsonObject, parseJson } from "../src/json.js";
import { BadKey, BadSignature, parsePublic } from "../src/jwk.js";
import { Malformed, parse, TOKEN_BYTES } from "../src/jws.js";
import { KeySet } from "../src/keyset.js";
import { Nonces } from "../src/nonces.js";
import { checkProof } from "../src/proofs.js";
import { tokenHash } from "../src/dpop.js";
import { Refused } from "../src/refusals.js";
import { Tracked } from "../src/standing.js";
import { BadList, readGaps, readList, type StatusList, unpack, StatusList as List } from "../src/status-list.js";

// Members of a vector are as many as there are kinds of vectors; what is missing fails its test.
type Any = any;

const FOLDER = new URL("../../../../tests/vectors/", import.meta.url);
const vectors = (name: string): Any => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));
const [JWTS, PROOFS, TOKENS, CALLS, LISTS, DELTAS, ERRORS, SPECIFICATIONS] = [
  "jwt", "proofs", "tokens", "calls", "lists", "deltas", "errors", "specifications",
].map((name) => vectors(`${name}.json`));
const NONCES = new Nonces(new TextEncoder().encode("secret"));

function each(what: string, cases: Any[], work: (vector: Any) => Promise<void>): void {
  assert.ok(cases.length > 0);
  for (const vector of cases) test(`${what}: ${vector.name ?? vector.source}`, () => work(vector));
}

async function keysOf(jwks: Any): Promise<KeySet> {
  const keys = new KeySet();
  await keys.replace(parseJson(JSON.stringify(jwks)), 0);
  return keys;
}

// What an issuer signs access tokens and lists with; other kinds of keys are for assertions.
const KNOWN = new Set(["alice", "mallory", "ed"]);

each("a token is read as the vectors say", JWTS.cases, async (vector) => {
  const expected = KNOWN.has(vector.key) || vector.verdict === "malformed" ? vector.verdict : "no such key here";
  assert.equal(await readingOf(vector), expected);
});

async function readingOf(vector: Any): Promise<string> {
  try {
    const jws = parse(vector.token, vector.max_bytes, vector.allow_jwk);
    await (await parsePublic(JWTS.keys[vector.key])).verify(jws.alg, jws.signed, jws.signature);
    return "good";
  } catch (error) {
    if (error instanceof Malformed) return "malformed";
    if (error instanceof BadSignature) return "bad_signature";
    if (error instanceof BadKey) return "no such key here";
    throw error;
  }
}

each("a proof is read as the vectors say", PROOFS.cases, async (vector) => {
  const { method, url, now } = PROOFS;
  const judged = await checkProof(vector.values, { method, url, now, nonces: NONCES }).then(
    ({ thumbprint }) => ["good", thumbprint],
    (error) => [codeOf(error), null],
  );
  assert.deepEqual(judged, [vector.verdict, vector.thumbprint]);
});

function codeOf(error: unknown): string {
  if (error instanceof Refused) return error.code;
  throw error;
}

each("an access token gets its verdict", TOKENS.cases, async (vector) => {
  const [verdict, read] = await tokenVerdict(vector.token);
  assert.equal(verdict, vector.verdict);
  for (const [name, value] of Object.entries(vector.read ?? {})) assert.deepEqual(read[name] ?? null, value, name);
});

async function tokenVerdict(token: string): Promise<[string, Any]> {
  try {
    const jws = parse(token, TOKEN_BYTES);
    if (jws.typ !== "at+jwt") return ["invalid_token", {}];
    await (await keysOf(TOKENS.jwks)).verify(jws);
    const credential = readCredential(jws, TOKENS.issuer, TOKENS.audience);
    checkTime(credential, TOKENS.now);
    const sorted = { scopes: [...credential.scopes].sort(), parties: [...credential.parties].sort() };
    return ["good", { ...credential, ...sorted }];
  } catch (error) {
    return [error instanceof Refused ? error.code : "invalid_token", {}];
  }
}

// `plain`: what a library says that checks signature, algorithm, issuer, audience and times; the rest is ours alone.
each("jose says what it can say of an access token", TOKENS.cases, async (vector) => {
  const key = await importJWK(TOKENS.jwks.keys[0], "ES256");
  const accepted = await jwtVerify(vector.token, key, {
    algorithms: ["ES256"], issuer: TOKENS.issuer, audience: TOKENS.audience, clockTolerance: 30,
    currentDate: new Date(TOKENS.now * 1000), requiredClaims: ["exp"],
  }).then(() => true, () => false);
  if (vector.verdict === "good") assert.ok(accepted);
  if (vector.plain) assert.ok(accepted);
  else assert.notEqual(vector.verdict, "good");
});

each("jose agrees on each signature", JWTS.cases, async (vector) => {
  const algorithms = ["ES256", "ES384", "EdDSA", "Ed25519", "RS256"];
  const jwk = JWTS.keys[vector.key];
  const accepted = await importJWK(jwk, ALGS[jwk.crv ?? "RSA"] as string)
    .then((key) => compactVerify(vector.token, key, { algorithms }))
    .then(() => true, () => false);
  if (vector.verdict === "good") assert.ok(accepted);
  if (vector.verdict === "bad_signature") assert.ok(!accepted);
});

const ALGS: Record<string, string> = { "P-256": "ES256", "P-384": "ES384", Ed25519: "EdDSA", RSA: "RS256" };

each("a request gets its answer", CALLS.cases, async (vector) => {
  const verifier = new Verifier({
    issuer: CALLS.issuer,
    audience: CALLS.audience,
    limits: false,
    replay: new MemoryReplay({}),
    clock: () => CALLS.now,
    fetch: async (input) => theIssuer(String(input)),
    requireProof: vector.options.require_proof ?? true,
    requireNonce: vector.options.require_nonce ?? false,
  });
  const { method, target, headers, form, scope } = vector;
  const result = await verifier.check({ method, target, headers, form }, { scope });
  await verifier.close();
  if (vector.code === "good") return assert.ok(result.ok, JSON.stringify(result));
  assert.ok(!result.ok);
  assert.deepEqual([result.status, result.code, result.reason], [vector.status, vector.code, vector.reason]);
  const sent = new Map(result.headers);
  assert.equal(sent.get("WWW-Authenticate") ?? null, vector.challenge);
  assert.equal(sent.has("DPoP-Nonce"), vector.code === "use_dpop_nonce");
  assert.equal(JSON.parse(result.body).status, vector.status);
});

function theIssuer(url: string): Response {
  if (url === `${CALLS.issuer}/.well-known/jwks.json`) return Response.json(CALLS.jwks);
  return url in CALLS.lists ? new Response(CALLS.lists[url]) : new Response(null, { status: 404 });
}

async function install(token: string, uri: string, known: Any = LISTS): Promise<StatusList> {
  const keys = await keysOf(known.jwks);
  return readList(token, { uri, issuer: known.issuer, now: known.now, verify: (jws) => keys.verify(jws) });
}

each("a list gets its verdict", LISTS.cases, async (vector) => {
  if (vector.verdict === "bad") return assert.rejects(install(vector.token, vector.uri), BadList);
  const found = await install(vector.token, vector.uri);
  assert.equal(found.length, vector.length ?? found.length);
  assert.equal(found.ledger, vector.ledger ?? found.ledger);
  for (const [index, value] of Object.entries(vector.values ?? {})) assert.equal(found.value(Number(index)), value);
});

each("an example of the draft is unpacked to its bytes", LISTS.encodings, async (vector) => {
  const { bits, values } = await unpack(parseJson(JSON.stringify({ bits: vector.bits, lst: vector.lst })));
  assert.equal(Buffer.from(values).toString("hex"), vector.bytes);
  const list = new List({ uri: "", bits, values, issuedAt: 0, expiresAt: 1, ttl: 1, ledger: 0 });
  assert.deepEqual(vector.values.map((_: number, index: number) => list.value(index)), vector.values);
});

each("a packed delta is read as its indexes", DELTAS.packings, async (vector) => {
  if (vector.indexes === null) assert.throws(() => readGaps(vector.packed), BadList);
  else assert.deepEqual(readGaps(vector.packed), vector.indexes);
});

each("a list that is followed ends as the vectors say", DELTAS.sequences, async (vector) => {
  const tracked = new Tracked();
  for (const step of vector.steps) await take(tracked, step);
  const held = Object.fromEntries(Object.keys(vector.values).map((at) => [at, tracked.held?.value(Number(at))]));
  assert.deepEqual(held, vector.values);
  assert.equal(tracked.isWanting, vector.wanting);
});

async function take(tracked: Tracked, step: Any): Promise<void> {
  if (step.list) tracked.install(await install(step.list, DELTAS.uri, DELTAS), DELTAS.now);
  else if (step.want) tracked.want(step.want);
  else {
    const told = [1, 2].filter((value) => String(value) in step.delta);
    const values = new Map(told.map((value) => [value, readGaps(step.delta[String(value)])]));
    tracked.follow({ ledger: step.delta.ledger, values });
  }
}

each("a refusal becomes its error", ERRORS.cases, async (vector) => {
  const answer = { status: vector.status, headers: new Headers(vector.headers), body: vector.body };
  const error = readRefusal(answer, ERRORS.now);
  const found = [error.constructor.name, error.code, error.reason, error.retryAfter ?? null, error.status];
  assert.deepEqual(found, [vector.class, vector.code, vector.reason, vector.retry_after, vector.status]);
  assert.equal(error.name, vector.class);
  assert.equal(error.description, vector.description ?? error.description);
  assert.ok(error.cure);
});

each("the proof of a specification is good", SPECIFICATIONS.proofs, async (vector) => {
  const { method, url, now, token, proof } = vector;
  const ath = token === null ? {} : { tokenHash: await tokenHash(token) };
  const read = await checkProof([proof], { method, url, now, nonces: NONCES, ...ath });
  assert.equal(read.thumbprint, vector.thumbprint);
});

each("the signature of a specification is good", SPECIFICATIONS.signatures, async (vector) => {
  const jws = parse(vector.token, TOKEN_BYTES);
  await (await parsePublic(vector.key)).verify(jws.alg, jws.signed, jws.signature);
  assert.deepEqual({ ...(jws.claims as JsonObject) }, vector.claims);
});

each("the list of a specification is good", SPECIFICATIONS.lists, async (vector) => {
  const known = { jwks: { keys: [vector.key] }, issuer: vector.issuer, now: vector.now };
  const found = await install(vector.token, vector.uri, known);
  assert.deepEqual(vector.values.map((_: number, index: number) => found.value(index)), vector.values);
});
