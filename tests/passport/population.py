"""Accounts with agents, keys and passports, written straight into the tables."""

from datetime import UTC, datetime, timedelta

from accounts.owners.models import Account
from passport.agents.models import Agent, AgentKey
from passport.credentials.models import Passport
from passport.signing import keys, life
from passport.signing.models import SigningKey
from passport.status.allocate import allocate

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MONTH = timedelta(days=30)


def signing_key(kid: str = "kid-1") -> SigningKey:
    """A key that signs nothing: only its restrictions matter here."""
    return SigningKey.objects.get_or_create(
        kid=kid, defaults={"use": "tokens", "alg": "EdDSA", "state": "retiring", "public_jwk": {},
                           "sealed_private_key": b""},
    )[0]  # fmt: skip


def signing_keys() -> None:
    """The key that signs tokens and lists; not the RSA key for events, which is slow to make."""
    life.ensure("tokens", "ES256", spare=False, actor="system:test", now=NOON)
    keys.forget()


def account(name: str) -> Account:
    return Account.objects.create(id=f"acc_{name}", name=name)


def agent(owner: Account, name: str, *, environment: str = "sandbox") -> Agent:
    return Agent.objects.create(
        client_id=f"agent_{name}", name=name, account=owner, environment=environment,
        client_type=Agent.CLIENT_CONFIDENTIAL, authorization_grant_type=Agent.GRANT_CLIENT_CREDENTIALS,
        client_secret="", hash_client_secret=False,
    )  # fmt: skip


def key(of: Agent) -> AgentKey:
    return AgentKey.objects.create(
        id=f"key_{of.client_id}",
        agent=of,
        kid="1",
        thumbprint=f"{of.client_id:_<43}"[-43:],
        jwk={},
        alg="EdDSA",
    )


def passport(of: Agent, with_key: AgentKey, *, issued_at: datetime = NOON, jti: str = "") -> Passport:
    jti = jti or f"pp_{of.client_id}"
    number, index = allocate(jti, issued_at + MONTH)
    return Passport.objects.create(
        jti=jti, account_id=of.account_id, agent=of, key=with_key, signing_key=signing_key(),
        environment=of.environment, scopes="model:infer", assurance={}, limits=[], status_list_id=number,
        status_index=index, issued_at=issued_at, expires_at=issued_at + MONTH, sha256="",
    )  # fmt: skip


def household(name: str) -> Passport:
    """An account with one agent, one key, one passport."""
    bot = agent(account(name), name)
    return passport(bot, key(bot))
