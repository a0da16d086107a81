"""Steps 4 to 6: agents obtain passports and call a service, which verifies offline and limits."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from agent_passport import Agent, AgentAuth, AgentKey
from agent_passport._dpop import make_proof, target_uri, token_hash
from demo.broken import variants
from demo.people import Developer
from demo.stage import Stage
from demo.telling import Teller

INFER, ECHO = "model:infer", "echo:read"
ISSUER_BACK_SECONDS = 2.0
"""A service that found the issuer away counts by itself for a second before it asks again."""


class Performers:
    """Every agent of the cast with its SDK, and the service they call."""

    def __init__(self, stage: Stage, service_url: str, cast: dict[str, Developer], folder: Path) -> None:
        self.stage, self.url = stage, service_url
        self.audience = str(stage.services[0]["audience"])
        self.agents: dict[str, list[Agent]] = {
            name: [
                Agent(stage.issuer, client_id, key, state=folder / client_id)
                for client_id, key in person.agents
            ]
            for name, person in cast.items()
        }

    def call(self, name: str, *, scope: str = ECHO, which: int = 0) -> httpx.Response:
        auth = AgentAuth(self.agents[name][which], self.audience, scope)
        if scope == INFER:
            return httpx.post(f"{self.url}/infer", json={"prompt": "hello"}, auth=auth, timeout=20)
        return httpx.get(f"{self.url}/echo", auth=auth, timeout=20)

    def call_with_old_token(self, name: str, token: str) -> httpx.Response:
        """The token that is held already: nothing is asked of the issuer."""
        return httpx.get(f"{self.url}/echo", headers=self.headers(name, token), timeout=20)

    def headers(self, name: str, token: str) -> dict[str, str]:
        url = f"{self.url}/echo"
        proof = make_proof(self.agents[name][0].key, "GET", url, now=time.time(), token=token)
        return {"Authorization": f"DPoP {token}", "DPoP": proof}

    def token(self, name: str, scope: str = ECHO) -> str:
        return self.agents[name][0].token(self.audience, scope).value


def obtain_and_call(teller: Teller, performers: Performers) -> None:
    teller.step(4, "An agent obtains its passport, exchanges it (RFC 8693), and calls the service")
    agent = performers.agents["Alice"][0]
    held = agent.passport()
    teller.sent(
        "POST /oauth/token grant_type=client_credentials, requested_token_type=…:passport, DPoP proof"
    )
    teller.came(f"passport {held.value}")
    token = performers.token("Alice")
    teller.sent(
        "POST /oauth/token grant_type=…:token-exchange, subject_token=<passport>, resource=…, DPoP proof"
    )
    teller.came(f"access token {token}")
    answer = performers.call("Alice")
    teller.came(f"{answer.status_code} {answer.text}")
    teller.holds("the service answers", answer.status_code == 200, answer.text)
    for name in performers.agents:
        seen = performers.call(name)
        teller.holds(f"{name}'s agent is let in", seen.status_code == 200, seen.text)


def verify_offline(teller: Teller, performers: Performers) -> None:
    teller.step(5, "The service verifies offline: the issuer's process is stopped meanwhile")
    token = performers.token("Alice")
    key, stranger = performers.agents["Alice"][0].key, AgentKey.generate()
    url = f"{performers.url}/echo"
    with performers.stage.stopped():
        good = performers.call_with_old_token("Alice", token)
        teller.holds("a good token is accepted", good.status_code == 200, good.text)
        for what, headers, error in variants(token, proof_maker(key, url, token), stranger):
            answer = httpx.get(url, headers=headers, timeout=20)
            challenge = answer.headers.get("WWW-Authenticate", "")
            found = f'error="{error}"' in challenge if error else challenge.startswith("DPoP")
            teller.holds(
                f"{what}: 401 {error}", answer.status_code == 401 and found, challenge or answer.text
            )
        headers = performers.headers("Alice", token)
        first, second = (httpx.get(url, headers=headers, timeout=20) for _ in range(2))
        teller.holds("the same proof again: 401 invalid_dpop_proof", is_replay(first, second), second.headers)


def is_replay(first: httpx.Response, second: httpx.Response) -> bool:
    refused = 'error="invalid_dpop_proof"' in second.headers.get("WWW-Authenticate", "")
    return first.status_code == 200 and second.status_code == 401 and refused


def proof_maker(key: AgentKey, url: str, token: str) -> Callable[..., str]:
    """Good proofs, but for what is given: ``iat`` counts from now, ``ath`` takes a token or None."""
    from agent_passport import _jws

    def make(*, key: AgentKey = key, **claims: Any) -> str:
        body: dict[str, Any] = {"jti": AgentKey.generate().thumbprint, "htm": "GET", "htu": target_uri(url)}
        body["iat"] = int(time.time()) + int(claims.pop("iat", 0))
        ath = claims.pop("ath", token)
        if ath is not None:
            body["ath"] = token_hash(ath)
        return _jws.build(key, {"typ": "dpop+jwt", "jwk": key.public_jwk}, {**body, **claims})

    return make


def hit_the_limit(teller: Teller, performers: Performers) -> None:
    teller.step(6, "The scoped limit holds, for each agent and for its account")
    time.sleep(ISSUER_BACK_SECONDS)
    answers = [performers.call("Alice", scope=INFER) for _ in range(21)]
    codes = [answer.status_code for answer in answers]
    teller.came(f"{codes}")
    teller.holds("twenty calls pass, the next is 429", codes == [200] * 20 + [429], codes)
    last = answers[-1].headers
    teller.came(f"Retry-After: {last.get('Retry-After')}, RateLimit: {last.get('RateLimit')}")
    fields = {"Retry-After", "RateLimit", "RateLimit-Policy"}
    teller.holds(
        "it carries Retry-After and the RateLimit fields", all(name in last for name in fields), last
    )
    teller.holds("another scope is unaffected", performers.call("Alice").status_code == 200)
    teller.holds("another account is unaffected", performers.call("Ivy", scope=INFER).status_code == 200)
    codes = [performers.call("Alice", scope=INFER, which=1).status_code for _ in range(11)]
    teller.came(f"{codes}")
    teller.holds("a second agent shares the account's budget", codes == [200] * 10 + [429], codes)
