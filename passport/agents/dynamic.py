"""Agents that register themselves for an account (RFC 7591), and change or end that (RFC 7592).

Call these outside a transaction of your own, as those of ``registration``.
"""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.owners.models import Account
from foundation.ledger.append import append
from passport.agents.client_metadata import BY_ASSERTION, ClientMetadata
from passport.agents.keys import PublicKey
from passport.agents.models import Agent, AgentKey, InitialToken
from passport.agents.registration import (
    close_agent,
    in_use,
    insert_key,
    lock_open,
    observe_key,
    retire_key,
    unusable_secret,
)
from passport.agents.tokens import end_registration, make_registration_token, use_initial_token
from passport.errors import AccessDenied, InvalidClientMetadata, InvalidToken


def register(metadata: ClientMetadata, token: InitialToken, *, most: int, now: datetime) -> tuple[Agent, str]:
    """Make an agent of the token's account, and the token for its registration.

    Raises InvalidClientMetadata for a key that any agent has (DCR-03), AccessDenied beyond
    ``most`` agents or for a closed account (DCR-07), InvalidToken where the token was used
    meanwhile (DCR-01). A refusal leaves the token good.
    """
    for key in metadata.keys:
        observe_key(token.account_id, token.environment, key, now)
    agent = Agent(
        account_id=token.account_id,
        environment=token.environment,
        client_secret=unusable_secret(),
        registration_source=Agent.RegistrationSource.DCR,
        created_by=token.created_by,
    )
    _describe(agent, metadata)
    try:
        with transaction.atomic():
            _check_account(token.account_id, most)
            if not use_initial_token(token, now):
                raise InvalidToken("the initial access token was used")
            agent.save(force_insert=True)
            append(
                "agent.registered",
                actor=token.created_by,
                subject_ids=[agent.client_id, token.account_id],
                payload={"environment": token.environment, "by": token.pk},
                at=now,
            )
            for key in metadata.keys:
                insert_key(agent, key, actor=token.created_by, now=now)
            return agent, make_registration_token(agent.client_id, now)
    except IntegrityError as taken:
        raise _taken(metadata.keys, taken) from None


def replace(agent: Agent, metadata: ClientMetadata, *, now: datetime) -> None:
    """All that was registered gives way to ``metadata``. Raises InvalidClientMetadata (DCR-03)."""
    actor = f"agent:{agent.client_id}"
    for key in metadata.keys:
        observe_key(agent.account_id, agent.environment, key, now)
    try:
        with transaction.atomic():
            lock_open(agent)
            _describe(agent, metadata)
            agent.save()
            _replace_keys(agent, metadata.keys, actor=actor, now=now)
            append("agent.changed", actor=actor, subject_ids=[agent.client_id, agent.account_id], at=now)
    except IntegrityError as taken:
        raise _taken(metadata.keys, taken) from None


def withdraw(agent: Agent, *, now: datetime) -> None:
    """Close the agent; its registration token opens nothing any more."""
    with transaction.atomic():
        end_registration(agent.client_id)
        close_agent(agent, actor=f"agent:{agent.client_id}", now=now)


def registered_keys(agent: Agent, now: datetime) -> list[dict[str, Any]]:
    """The JWKs that it registered and that are good, as the registration shows them."""
    rows = AgentKey.objects.filter(Q(not_after=None) | Q(not_after__gt=now), agent=agent, retired_at=None)
    return [
        {**row.jwk, "kid": row.kid, "alg": row.alg, "use": "sig"}
        for row in rows.filter(fetched=False).order_by("created_at", "pk")
    ]


def _check_account(account_id: str, most: int) -> None:
    account = Account.objects.select_for_update().get(pk=account_id)
    if account.state != Account.State.OPEN:
        raise AccessDenied("the account is closed", uri_reason="account_closed")
    if Agent.objects.filter(account_id=account_id, state=Agent.State.ACTIVE).count() >= most:
        raise AccessDenied(f"the account has {most} agents, as many as it may", uri_reason="agent_quota")


def _describe(agent: Agent, metadata: ClientMetadata) -> None:
    confidential = metadata.auth_method == BY_ASSERTION
    agent.name = metadata.name
    agent.software = _software(metadata)
    agent.redirect_uris = " ".join(metadata.redirect_uris)
    agent.application_type = metadata.application_type
    agent.client_type = Agent.CLIENT_CONFIDENTIAL if confidential else Agent.CLIENT_PUBLIC
    agent.authorization_grant_type = (
        Agent.GRANT_AUTHORIZATION_CODE if metadata.redirect_uris else Agent.GRANT_CLIENT_CREDENTIALS
    )
    agent.grant_types = " ".join(metadata.grant_types)
    agent.jwks_uri = metadata.jwks_uri
    agent.dpop_bound_access_tokens = metadata.dpop_bound
    agent.require_pushed_authorization_requests = metadata.require_par
    agent.metadata = {**metadata.about, "scope": metadata.scope} if metadata.scope else dict(metadata.about)


def _software(metadata: ClientMetadata) -> str:
    words = (metadata.about.get("software_id", ""), metadata.about.get("software_version", ""))
    return " ".join(word for word in words if word)[:120]


def _replace_keys(agent: Agent, keys: tuple[PublicKey, ...], *, actor: str, now: datetime) -> None:
    held = {row.thumbprint: row for row in AgentKey.objects.filter(agent=agent, retired_at=None)}
    wanted = {key.thumbprint: key for key in keys}
    for thumbprint, row in held.items():
        if thumbprint not in wanted:
            retire_key(row, actor=actor, now=now)
            AgentKey.objects.filter(pk=row.pk).update(kid=thumbprint)
    for thumbprint, key in wanted.items():
        if thumbprint not in held:
            insert_key(agent, key, actor=actor, now=now)


def _taken(keys: tuple[PublicKey, ...], taken: IntegrityError) -> InvalidClientMetadata:
    refusals = [str(in_use(key, taken)) for key in keys]
    said = next((words for words in refusals if "registered already" in words), "jwks names a kid twice")
    return InvalidClientMetadata(f"jwks: {said}")
