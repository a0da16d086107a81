import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import * as node from "../src/node.js";
import * as main from "../src/index.js";

const PACKAGE = new URL("../../", import.meta.url);
const sources = readdirSync(new URL("src", PACKAGE)).map((name) => [name, readFileSync(new URL(`src/${name}`, PACKAGE), "utf8")]);

test("the public names are these", () => {
  assert.deepEqual(Object.keys(main).sort(), [
    "Agent", "AgentKey", "AgentPassportError", "AgentRestricted", "ClientRefused", "ConfigurationError",
    "IssuerAnswerInvalid", "IssuerBusy", "IssuerRefused", "IssuerUnreachable", "KeyFileError", "MemoryReplay",
    "PassportRefused", "ProofRefused", "RedisReplay", "ReplayUnavailable", "ScopeRefused", "TargetRefused", "Verifier",
    "agentFetch", "agentPassport", "guard", "rawFromDer",
  ]);
  assert.deepEqual(Object.keys(node).sort(), ["FileStore", "loadKey", "saveKey"]);
});

test("nothing but jose is imported, and Node's own modules by one file alone", () => {
  for (const [name, text] of sources) {
    const imported = Array.from((text ?? "").matchAll(/from "([^"]+)"/g), ([, from]) => from ?? "");
    const strange = imported.filter((from) => !from.startsWith("./") && from !== "jose");
    assert.ok(name === "node.ts" ? strange.every((from) => from.startsWith("node:")) : strange.length === 0, `${name}: ${strange}`);
  }
  const { dependencies } = JSON.parse(readFileSync(new URL("package.json", PACKAGE), "utf8"));
  assert.deepEqual(Object.keys(dependencies), ["jose"]);
});

test("the lock file names no registry", () => {
  assert.ok(!readFileSync(new URL("package-lock.json", PACKAGE), "utf8").includes('"resolved"'));
});
