"""A passport that its own agent revoked (RFC 7009): whatever a batch does later, it stays revoked."""

import secrets
import time
from dataclasses import dataclass

import httpx

from agent_passport import Agent, _jws
from agent_passport._dpop import make_proof
from demo.agents import ECHO, Performers

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
PASSPORT = "urn:agent-passport:token-type:passport"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class OldPassport:
    token: str
    agent: Agent
    audience: str

    @classmethod
    def revoked_by_its_agent(cls, performers: Performers, name: str) -> "OldPassport":
        """The agent goes on with another one."""
        agent = performers.agents[name][0]
        held = agent.token(performers.audience, ECHO)
        old = cls(agent.passport().value, agent, performers.audience)
        answer = httpx.post(
            f"{agent.issuer}/oauth/revoke",
            data={
                "token": old.token,
                "client_assertion_type": JWT_BEARER,
                "client_assertion": assertion(agent),
            },
        )
        answer.raise_for_status()
        agent.renew()
        agent.forget(held)
        return old

    def is_refused(self) -> bool:
        url = f"{self.agent.issuer}/oauth/token"
        form = {
            "grant_type": EXCHANGE,
            "subject_token": self.token,
            "subject_token_type": PASSPORT,
            "resource": self.audience,
            "scope": ECHO,
        }
        for _ in range(2):
            answer = httpx.post(url, data=form, headers={"DPoP": self._proof(url)})
            if nonce := answer.headers.get("DPoP-Nonce"):
                self.agent.learn_nonce(self.agent.issuer, nonce)
            if answer.json().get("error") != "use_dpop_nonce":
                break
        return answer.status_code == 400 and "revoked" in answer.text

    def _proof(self, url: str) -> str:
        nonce = self.agent.nonce_for(self.agent.issuer)
        return make_proof(self.agent.key, "POST", url, now=time.time(), nonce=nonce)


def assertion(agent: Agent) -> str:
    """RFC 7523 section 2.2."""
    now = int(time.time())
    claims: dict[str, object] = {
        "iss": agent.client_id,
        "sub": agent.client_id,
        "aud": agent.issuer,
        "jti": secrets.token_urlsafe(16),
        "iat": now,
        "exp": now + 60,
    }
    return _jws.build(agent.key, {"typ": "client-authentication+jwt", "kid": agent.key.thumbprint}, claims)
