"""The people and things of the tests, made through the doors that the product uses.

Alice owns an account; Scout is her agent; the model service is what it calls. Mallory has an
account, an agent and a key of her own.
"""

import base64
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric import ec

from accounts.owners.models import Account
from attestation.evidence.models import AccountLevel
from foundation import clock
from passport.agents.keys import parse_public_jwk
from passport.agents.models import Agent, AgentKey
from passport.agents.registration import register_agent
from passport.jose.keys import jwk_of, thumbprint
from passport.jose.signatures import sign
from passport.protocol import CLIENT_CREDENTIALS, JWT_BEARER_ASSERTION, PASSPORT_TYPE, TOKEN_EXCHANGE
from passport.services.models import Service
from passport.services.registration import ScopeSpec, create_service, set_grant

ISSUER = "https://passport.test"
TOKEN_ENDPOINT = f"{ISSUER}/oauth/token"
MODEL = "https://model.example"
SEARCH = "https://search.example"
INFER, EMBED, TRAIN = "model:infer", "model:embed", "model:train"
SANDBOX, LIVE = "sandbox", "live"


def encode(part: bytes | dict[str, Any]) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def claims_of(token: str) -> dict[str, Any]:
    """What a JWT says, unverified."""
    return _segment(token, 1)


def header_of(token: str) -> dict[str, Any]:
    return _segment(token, 0)


def _segment(token: str, place: int) -> dict[str, Any]:
    part = token.split(".")[place]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@dataclass(frozen=True)
class Key:
    """A private key as an agent's SDK holds it."""

    handle: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def jwk(self) -> dict[str, str]:
        return jwk_of(self.handle.public_key())

    @property
    def thumbprint(self) -> str:
        return thumbprint(self.jwk)

    def jws(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        signed = f"{encode(header)}.{encode(claims)}"
        return f"{signed}.{encode(sign(self.handle, 'ES256', signed.encode()))}"

    def proof(self, *, method: str = "POST", url: str = TOKEN_ENDPOINT, **claims: Any) -> str:
        """A DPoP proof; ``claims`` replace or add, None leaves out."""
        content = {
            "jti": secrets.token_urlsafe(12),
            "htm": method,
            "htu": url,
            "iat": int(clock.now().timestamp()),
        }
        content = {name: value for name, value in (content | claims).items() if value is not None}
        return self.jws({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk}, content)

    def assertion(self, client_id: str, **claims: Any) -> str:
        """A client assertion; ``claims`` replace or add, None leaves out."""
        now = int(clock.now().timestamp())
        content = {
            "iss": client_id, "sub": client_id, "aud": ISSUER, "jti": secrets.token_urlsafe(12),
            "iat": now, "exp": now + 60,
        }  # fmt: skip
        content = {name: value for name, value in (content | claims).items() if value is not None}
        return self.jws({"alg": "ES256"}, content)


@dataclass(frozen=True)
class Actor:
    """An agent with its key and its owner."""

    agent: Agent
    key: Key
    account: Account

    @property
    def id(self) -> str:
        return self.agent.client_id

    @property
    def row(self) -> AgentKey:
        return AgentKey.objects.get(thumbprint=self.key.thumbprint)

    def authenticated(self, **claims: Any) -> dict[str, str]:
        """The form parameters by which the agent authenticates."""
        return {
            "client_assertion_type": JWT_BEARER_ASSERTION,
            "client_assertion": self.key.assertion(self.id, **claims),
        }


def open_account(name: str, *, identity: str = "document", payment: str = "instrument") -> Account:
    """An account with these levels in both environments."""
    account = Account.objects.create(id=f"acc_{name}", name=name)
    verified_at = datetime.fromisoformat("2026-11-20T09:30:00+00:00")
    for environment in (SANDBOX, LIVE):
        AccountLevel.objects.create(
            account=account, environment=environment, identity=identity, identity_method="sandbox",
            identity_at=verified_at, payment=payment, payment_at=verified_at,
        )  # fmt: skip
    return account


def set_levels(account: Account, **levels: Any) -> None:
    AccountLevel.objects.filter(account=account).update(**levels)


def hire(account: Account, name: str, *, environment: str = SANDBOX) -> Actor:
    """Register an agent with a new key."""
    key = Key()
    agent = register_agent(
        account_id=account.id,
        name=name,
        purpose="reads papers",
        software="reader/1.0",
        environment=environment,
        key=parse_public_jwk(key.jwk),
        actor="user:usr_alice",
        now=clock.now() - timedelta(days=1),
    )
    return Actor(agent, key, account)


def open_service(
    audience: str = MODEL,
    *,
    environment: str = SANDBOX,
    bound: bool = True,
    issuer_scopes: Sequence[str] = ("events.read", "decisions.evaluate"),
    **least: tuple[str, str],
) -> tuple[Service, str]:
    """A relying party that offers infer, embed and train; ``least`` sets the levels of one by its short name."""
    scopes = [
        ScopeSpec(f"model:{name}", f"lets an agent {name}", *least.get(name, ("document", "instrument")))
        for name in ("infer", "embed", "train")
    ]
    return create_service(
        account_id=None, name=audience.partition("//")[2], audience=audience, environment=environment,
        scopes=scopes, issuer_scopes=issuer_scopes, actor="system:tests",
        now=clock.now(), dpop_bound_access_tokens_required=bound,
    )  # fmt: skip


def grant(actor: Actor, service: Service, *scopes: str) -> None:
    set_grant(actor.agent, service, scopes, actor="user:usr_alice", now=clock.now())


@dataclass
class TokenEndpoint:
    """Asks POST /oauth/token as a client does."""

    client: Any

    def post(self, data: dict[str, Any], *, proof: str | None = None, **headers: str) -> Any:
        fields = {"HTTP_DPOP": proof} if proof is not None else {}
        body = "&".join(_pairs(data))
        return self.client.post(
            "/oauth/token", body, content_type="application/x-www-form-urlencoded", **fields, **headers
        )

    def passport(self, actor: Actor, **more: Any) -> Any:
        """By client_credentials and a proof by the same key."""
        data = {"grant_type": CLIENT_CREDENTIALS, "requested_token_type": PASSPORT_TYPE}
        proof = more.pop("proof", None) or actor.key.proof()
        return self.post({**data, **actor.authenticated(), **more}, proof=proof)

    def exchange(
        self, subject_token: str, *, key: Key | None = None, proof: str | None = None, **more: Any
    ) -> Any:
        """Of a passport, unless ``subject_token_type`` says otherwise; by a fresh proof of ``key``."""
        data = {
            "grant_type": TOKEN_EXCHANGE, "subject_token": subject_token, "subject_token_type": PASSPORT_TYPE,
            "resource": MODEL,
        }  # fmt: skip
        proof = proof or (key.proof() if key else None)
        return self.post(
            {name: value for name, value in (data | more).items() if value is not None}, proof=proof
        )


def _pairs(data: dict[str, Any]) -> list[str]:
    pairs = []
    for name, value in data.items():
        values = value if isinstance(value, list) else [value]
        pairs += [f"{quote(name, safe='')}={quote(str(one), safe='')}" for one in values]
    return pairs


def refused(answer: Any, error: str, *, status: int = 400, reason: str | None = None) -> str:
    """Check that ``answer`` is that refusal; gives its description."""
    body = answer.json()
    assert (answer.status_code, body["error"]) == (status, error), body
    assert answer.headers["Cache-Control"] == "no-store"
    if reason is not None:
        assert body["error_uri"] == f"{ISSUER}/docs/errors#{reason}"
    return body["error_description"]


def granted(answer: Any) -> str:
    """Check that a token was given; gives it."""
    assert answer.status_code == 200, answer.content
    return answer.json()["access_token"]
