"""A service that asks, and Alice's agent that it asks about."""

import json

import pytest

from attestation.evidence.models import AccountLevel
from foundation import clock
from passport.admission import mode
from passport.limits.models import LimitPolicy
from passport.services.registration import ScopeSpec, create_service, set_grant
from passport.signing import keys
from tests.passport.population import account, agent

ISSUER = "https://passport.test"
MODEL = "https://model.example"


def token_for(subject: str, **claims) -> str:
    now = int(clock.now().timestamp())
    content = {
        "iss": ISSUER, "sub": subject, "client_id": subject, "aud": f"{ISSUER}/v1", "jti": f"at_{subject}",
        "iat": now, "exp": now + 300, "scope": "decisions.evaluate", **claims,
    }  # fmt: skip
    return keys.active().sign({name: value for name, value in content.items() if value}, typ="at+jwt")


def service(audience: str = MODEL):
    made, _ = create_service(
        account_id=None, name=audience[8:], audience=audience, environment="sandbox",
        scopes=[ScopeSpec("model:infer", "Ask"), ScopeSpec("model:embed", "Embed"), ScopeSpec("model:train", "Train")],
        issuer_scopes=["decisions.evaluate"], actor="system:test", now=clock.now(),
    )  # fmt: skip
    return made


def limit(of, scope: str, quota: int, applies_to: str = "credential", name: str = "minute") -> None:
    LimitPolicy.objects.create(
        service=of, scope=scope, name=name, applies_to=applies_to, quota=quota, window_seconds=60, burst=quota
    )


def grown(name: str, to, scopes=("model:infer", "model:embed")):
    """An agent of a verified account that may reach the service."""
    bot = agent(account(name), name)
    AccountLevel.objects.create(
        account_id=bot.account_id, environment="sandbox", identity="document", payment="instrument"
    )
    set_grant(bot, to, list(scopes), actor="system:test", now=clock.now())
    return bot


@pytest.fixture
def model(db):
    keys.ensure_keys()
    made = service()
    mode.begin(clock.now())
    return made


@pytest.fixture
def alice(model):
    return grown("alice", model)


@pytest.fixture
def post(client, model):
    """Post JSON as the service; ``token`` and ``raw`` replace what an honest one sends."""

    def send(path: str, content=None, *, token: str | None = None, raw: bytes | None = None, **headers):
        token = token_for(model.pk) if token is None else token
        return client.post(
            path,
            json.dumps(content) if raw is None else raw,
            content_type="application/json",
            headers={**({"Authorization": f"Bearer {token}"} if token else {}), **headers},
        )

    return send


def question(sub: str = "agent_alice", scope: str = "model:infer", audience: str = MODEL, **more):
    return {
        "subject": {"type": "agent", "id": sub},
        "action": {"name": scope},
        "resource": {"type": "service", "id": audience},
        **more,
    }
