/**
 * Memory that a verifier takes for the status lists of ten million credentials.
 *
 *     npm run bench
 *
 * 77 lists of 2^17 entries of two bits, one in a hundred revoked, signed, fetched over HTTP and followed by the
 * feed, which then tells of 24,000 more. `packed_mb` is what the entries take at two bits, `held_mb` what the
 * process has more in use than before the verifier began, after a collection, in 10^6 bytes.
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { AgentKey, Verifier } from "../src/index.js";
import { AUDIENCE, FakeIssuer } from "../tests/fake-issuer.js";

const LISTS = 77;
const ENTRIES = 2 ** 17;
const REVOKED_AT_ONCE = 24_000;
const GAP = Math.floor((ENTRIES * LISTS) / REVOKED_AT_ONCE);

export interface Measured {
  readonly credentials: number;
  readonly packed_mb: number;
  readonly held_mb: number;
}

export async function measure(): Promise<Measured> {
  const issuer = await FakeIssuer.start();
  for (let number = 1; number <= LISTS; number++) issuer.statuses.set(number, aList());
  const uri = issuer.listUri(LISTS);
  const last = await issuer.accessToken(await AgentKey.generate(), {
    cnf: undefined, status: { status_list: { idx: GAP, uri } },
  });
  const before = inUse();
  const verifier = new Verifier({
    issuer: issuer.url, audience: AUDIENCE, clientId: "svc_infer", clientSecret: "secret", requireProof: false,
  });
  const reason = async (): Promise<string> => {
    const headers: [string, string][] = [["Authorization", `Bearer ${last}`]];
    const result = await verifier.check({ method: "GET", target: "/", headers });
    return result.ok ? "good" : result.reason;
  };
  await verifier.start();
  await until(() => verifier.isLive && verifier.isReady && issuer.count(`/status/${LISTS}`) > 0);
  await until(async () => (await reason()) === "good");
  revokeMany(issuer);
  await until(async () => (await reason()) === "passport_suspended");
  const held = inUse() - before;
  await verifier.close();
  await issuer.stop();
  const megabytes = (bytes: number): number => Math.round(bytes / 1e4) / 100;
  return { credentials: LISTS * ENTRIES, packed_mb: megabytes((LISTS * ENTRIES) / 4), held_mb: megabytes(held) };
}

/** Every hundredth entry revoked, none of those that are suspended later. */
function aList(): Uint8Array<ArrayBuffer> {
  const values = new Uint8Array(ENTRIES / 4);
  for (let index = 1; index < ENTRIES; index += 100) if (index % GAP) values[index >> 2] = 1 << (2 * (index % 4));
  return values;
}

/** The frames alone: the issuer's own lists stay as they are, as between two publications. */
function revokeMany(issuer: FakeIssuer): void {
  const gap = [(GAP & 127) | 128, GAP >> 7];
  const gaps = Array.from({ length: Math.floor((ENTRIES - 1) / GAP) }, () => gap).flat();
  const told = Buffer.from(gaps).toString("base64url");
  for (const number of issuer.statuses.keys()) {
    issuer.ledger++;
    issuer.publish("status", { uri: issuer.listUri(number), bits: 2, ledger: issuer.ledger, 2: told });
  }
}

function inUse(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error("the verifier did not come to hold what it was told");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

if (import.meta.url === `file://${process.argv[1]}`) console.log(JSON.stringify(await measure()));
