"""The TypeScript SDK on a browser's own WebCrypto: its verdicts on the vectors, and an agent's first call."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route

from tests.journeys.packages import built
from tests.sdk.fake_issuer import FakeIssuer

pytestmark = pytest.mark.browser
VECTORS = Path(__file__).parents[1] / "vectors"
ORIGIN = "http://localhost:9"
"""Nobody listens there: every request is answered by the test. A browser signs on localhost without TLS."""
MODULES = {"imports": {"jose": f"{ORIGIN}/node_modules/jose/dist/webapi/index.js"}}
PAGE = f'<!doctype html><title>SDK</title><script type="importmap">{json.dumps(MODULES)}</script>'

JUDGE = """async ([proofs, tokens, lists, calls]) => {
  const load = (name) => import(`/dist/${name}.js`);
  const [proofsOf, nonces, jws, keyset, credential, list, json, main] = await Promise.all(
    ["proofs", "nonces", "jws", "keyset", "credential", "status-list", "json", "index"].map(load));
  const keysOf = async (jwks) => {
    const keys = new keyset.KeySet();
    await keys.replace(json.parseJson(JSON.stringify(jwks)), 0);
    return keys;
  };
  const wrong = [];
  const judge = async (kind, cases, work) => {
    for (const each of cases) {
      const verdict = await work(each).then(() => "good", (error) => error.code ?? "bad");
      const expected = each.verdict ?? each.code;
      if (verdict !== expected && !(expected === "invalid_token" && verdict === "bad")) {
        wrong.push([kind, each.name, verdict]);
      }
    }
  };
  const known = new nonces.Nonces(new TextEncoder().encode("secret"));
  await judge("proof", proofs.cases, (each) => proofsOf.checkProof(each.values, { ...proofs, nonces: known }));
  await judge("token", tokens.cases, async (each) => {
    const read = jws.parse(each.token, jws.TOKEN_BYTES);
    if (read.typ !== "at+jwt") throw new Error("typ");
    await (await keysOf(tokens.jwks)).verify(read);
    credential.checkTime(credential.readCredential(read, tokens.issuer, tokens.audience), tokens.now);
  });
  const listKeys = await keysOf(lists.jwks);
  await judge("list", lists.cases, (each) => list.readList(each.token, {
    uri: each.uri, issuer: lists.issuer, now: lists.now, verify: (read) => listKeys.verify(read),
  }));
  await judge("call", calls.cases, async (each) => {
    const verifier = new main.Verifier({
      issuer: calls.issuer, audience: calls.audience, limits: false, replay: new main.MemoryReplay({}),
      clock: () => calls.now, requireProof: each.options.require_proof ?? true,
      requireNonce: each.options.require_nonce ?? false,
      fetch: async (url) => url.endsWith("jwks.json") ? Response.json(calls.jwks)
        : new Response(calls.lists[url] ?? null, { status: url in calls.lists ? 200 : 404 }),
    });
    const result = await verifier.check(each, { scope: each.scope });
    await verifier.close();
    if (!result.ok) throw result;
  });
  return wrong;
}"""

CALL = """async ([issuer, kind]) => {
  const { Agent, agentFetch, AgentKey } = await import("/dist/index.js");
  const key = await AgentKey.generate(kind);
  const readOut = await key.privateJwk().then(() => true, () => false);
  const agent = new Agent({ issuer, clientId: "agent_alice1", key });
  const call = agentFetch(agent, { audience: "https://infer.example", scope: "echo:read" });
  const answers = await Promise.all(Array.from({ length: 20 }, () => call("/served")));
  return { readOut, statuses: [...new Set(answers.map(({ status }) => status))] };
}"""


@pytest.fixture(scope="module")
def package() -> Path:
    with built() as folder:
        return folder


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    made = FakeIssuer()
    yield made
    made.stop()


@pytest.fixture
def sdk(page: Page, package: Path, issuer: FakeIssuer) -> Page:
    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path == "/":
            route.fulfill(body=PAGE, content_type="text/html")
        elif path == "/oauth/token":
            form = {name: values[0] for name, values in parse_qs(route.request.post_data or "").items()}
            proof = {"DPoP": route.request.headers["dpop"]}
            status, headers, body = issuer.token(form, proof)
            route.fulfill(status=status, headers=headers, json=body)
        elif path == "/served":
            bound = (
                route.request.headers["authorization"].startswith("DPoP ") and route.request.headers["dpop"]
            )
            route.fulfill(status=200 if bound else 401)
        elif path.endswith(".js"):
            route.fulfill(path=package / path.lstrip("/"), content_type="text/javascript")
        else:
            route.fulfill(status=404)

    page.route(f"{ORIGIN}/**", answer)
    page.goto(f"{ORIGIN}/")
    return page


def test_a_browser_comes_to_the_verdicts_of_the_vectors(sdk: Page) -> None:
    names = ("proofs", "tokens", "lists", "calls")
    vectors = [json.loads((VECTORS / f"{name}.json").read_text()) for name in names]
    assert sdk.evaluate(JUDGE, vectors) == []


@pytest.mark.parametrize("kind", ["Ed25519", "P-256"])
def test_an_agent_in_a_browser_is_served_and_its_key_stays_there(
    sdk: Page, issuer: FakeIssuer, kind: str
) -> None:
    issuer.url = ORIGIN
    result: dict[str, Any] = sdk.evaluate(CALL, [ORIGIN, kind])
    assert result == {"readOut": False, "statuses": [200]}
    assert (issuer.calls["passport"], issuer.calls["exchange"]) == (1, 1)
