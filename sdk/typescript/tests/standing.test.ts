/** What a verifier keeps of what the feed told, and what it takes to hold the lists of ten million credentials. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { measure } from "../benchmarks/memory.js";
import { packed, Standing, Tracked } from "../src/standing.js";
import { REVOKED, StatusList, SUSPENDED, VALID } from "../src/status-list.js";

const KEPT = 16_384;
const LENGTH = 2 * KEPT;
const NOW = 1000;

function aList(ledger: number, issuedAt = NOW, revoked: number[] = []): StatusList {
  const values = new Uint8Array(LENGTH / 4);
  const made = new StatusList({ uri: "uri", bits: 2, values, issuedAt, expiresAt: issuedAt + 300, ttl: 60, ledger });
  for (const index of revoked) made.tighten(index, REVOKED);
  return made;
}

const valuesOf = (tracked: Tracked | undefined, ...indexes: number[]) => indexes.map((index) => tracked?.held?.value(index));

test("more deltas than are kept make it want the list, and loosen nothing until it comes", () => {
  const tracked = new Tracked();
  tracked.install(aList(10), NOW);
  tracked.follow({ ledger: 20, values: packed([[SUSPENDED, [...Array(KEPT + 1).keys()]]]) });
  assert.deepEqual([tracked.deltas, tracked.wanted], [[], 20]);
  tracked.install(aList(15, NOW + 10, [LENGTH - 1]), NOW);
  assert.deepEqual(valuesOf(tracked, 0, KEPT, LENGTH - 2, LENGTH - 1), [SUSPENDED, SUSPENDED, VALID, REVOKED]);
  tracked.install(aList(20, NOW + 20), NOW);
  assert.deepEqual(valuesOf(tracked, 0, KEPT, LENGTH - 1), [VALID, VALID, VALID]);
});

test("a gap in the feed loosens nothing until a list without the gap comes", () => {
  const standing = new Standing(() => 0);
  standing.install(aList(10), NOW);
  standing.tracked("uri")?.follow({ ledger: 12, values: packed([[REVOKED, [3]]]) });
  standing.reload(30);
  standing.install(aList(11, NOW + 10), NOW);
  assert.deepEqual(valuesOf(standing.tracked("uri"), 3), [REVOKED]);
  standing.install(aList(30, NOW + 20), NOW);
  assert.deepEqual(valuesOf(standing.tracked("uri"), 3), [VALID]);
});

test("ten million credentials and a great revocation fit into ten megabytes", async () => {
  const { credentials, held_mb } = await measure();
  assert.ok(credentials >= 10_000_000);
  assert.ok(held_mb <= 10, `${held_mb} MB`);
});
