/**
 * CPU of offline verification, beside a bare `jwtVerify` of jose on the same tokens, interleaved in one run.
 *
 *     npm run bench -- [rounds] [P-256 or Ed25519, the key of the agent]
 *
 * `repeated`: a token whose signature is remembered, with its status and scope. `proven`: the same with a new
 * DPoP proof for each call. `jose` is one check of the token's signature and claims, and nothing else.
 */

import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { makeProof } from "../src/dpop.js";
import { AgentKey, MemoryReplay, Verifier } from "../src/index.js";
import { AUDIENCE, FakeIssuer } from "../tests/fake-issuer.js";

const BATCH = 100;
const rounds = Number(process.argv[2] ?? 20);
const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

const issuer = await FakeIssuer.start();
const key = await AgentKey.generate(process.argv[3] === "Ed25519" ? "Ed25519" : "P-256");
const options = { issuer: issuer.url, audience: AUDIENCE, limits: false, outage: "exp" } as const;
const [bound, open] = [
  new Verifier({ ...options, replay: new MemoryReplay({}) }),
  new Verifier({ ...options, requireProof: false }),
];
const jwks = (await (await fetch(`${issuer.url}/.well-known/jwks.json`)).json()) as JSONWebKeySet;
const keys = createLocalJWKSet(jwks);
const expected = { issuer: issuer.url, audience: AUDIENCE, algorithms: ["ES256"], typ: "at+jwt" };
const measured: Record<string, number[]> = { jose: [], repeated: [], proven: [] };

/** Microseconds of CPU for each call. */
async function timed(name: string, calls: (() => Promise<unknown>)[]): Promise<void> {
  const before = process.cpuUsage();
  for (const call of calls) await call();
  const { user, system } = process.cpuUsage(before);
  measured[name]?.push((user + system) / calls.length);
}

function checked(verifier: Verifier, headers: [string, string][]): () => Promise<void> {
  return async () => {
    const result = await verifier.check({ method: "GET", target: "/echo", headers }, { scope: "echo:read" });
    if (!result.ok) throw new Error(result.description);
  };
}

for (let round = 0; round <= rounds; round++) {
  const token = await issuer.accessToken(key);
  const unbound = await issuer.accessToken(key, { cnf: undefined });
  const proven: (() => Promise<void>)[] = [];
  for (let each = 0; each < BATCH; each++) {
    const proof = await makeProof(key, { method: "GET", url: `${AUDIENCE}/echo`, now: Date.now() / 1000, token });
    proven.push(checked(bound, [["Authorization", `DPoP ${token}`], ["DPoP", proof]]));
  }
  const repeated = Array(BATCH).fill(checked(open, [["Authorization", `Bearer ${unbound}`]]));
  await (proven.pop() as () => Promise<void>)();
  await (repeated.pop() as () => Promise<void>)();
  await timed("jose", Array(BATCH).fill(() => jwtVerify(unbound, keys, expected)));
  await timed("repeated", repeated);
  await timed("proven", proven);
  // The first round warms the engine.
  if (round === 0) for (const values of Object.values(measured)) values.length = 0;
}

const result = Object.fromEntries(Object.entries(measured).map(([name, values]) => [name, median(values)]));
const [jose, repeated, withProof] = [result["jose"] ?? 0, result["repeated"] ?? 0, result["proven"] ?? 0];
const rounded = (value: number): number => Math.round(100 * value) / 100;
console.log(
  JSON.stringify({
    jose_us: rounded(jose),
    repeated_us: rounded(repeated),
    proven_us: rounded(withProof),
    repeated_over_jose: rounded(repeated / jose),
    proven_over_jose: rounded(withProof / jose),
  }),
);
await Promise.all([bound.close(), open.close(), issuer.stop()]);
