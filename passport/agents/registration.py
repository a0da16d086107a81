"""Agents come, change their keys, and go. The only writer of these tables.

Call these outside a transaction of your own: a refused key leaves a signal behind, which a
rollback would wipe out.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, models, transaction

from accounts.linkage.observe import observe
from accounts.owners.models import Account
from foundation.ledger.append import append
from passport.agents.keys import PublicKey
from passport.agents.models import Agent, AgentKey
from passport.agents.names import clean_name
from passport.agents.redirect_uris import check_redirect_uri

MAX_ACTIVE_KEYS = 2
"""One in use and one to follow it."""
MAX_REDIRECT_URIS = 10
SIGNAL = "key_thumbprint"


class RegistrationRefused(ValueError):
    """The message may be shown to the owner."""


class KeyInUse(RegistrationRefused):
    """The key is registered already, with this agent or another; whose it is, is not told."""


class TooManyKeys(RegistrationRefused):
    """Two keys may overlap: retire one first."""


class TooManyAgents(RegistrationRefused):
    """As many as one account may have without asking the operator."""


class Closed(RegistrationRefused):
    """The account or the agent is closed."""


def register_agent(
    *,
    account_id: str,
    name: str,
    purpose: str,
    software: str,
    environment: str,
    key: PublicKey | None,
    actor: str,
    now: datetime,
    jwks_uri: str = "",
    most: int | None = None,
) -> Agent:
    """Make an agent with its first key; without one, with the address at which it publishes its keys.

    Raises BadName, KeyInUse, Closed, TooManyAgents beyond ``most`` open ones. That a key is somebody
    else's is recorded as a signal for both accounts: whoever shares a private key belongs together.
    """
    agent = Agent(
        account_id=account_id,
        name=clean_name(name, most=80),
        purpose=clean_name(purpose, most=300, label="the purpose", required=False),
        software=clean_name(software, most=120, label="the software", required=False),
        environment=Agent.Environment(environment),
        client_type=Agent.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Agent.GRANT_CLIENT_CREDENTIALS,
        client_secret=unusable_secret(),
        created_by=actor,
        jwks_uri=jwks_uri,
    )
    if key is not None:
        observe_key(account_id, environment, key, now)
    try:
        with transaction.atomic():
            check_room(account_id, most)
            agent.save(force_insert=True)
            append(
                "agent.registered",
                actor=actor,
                subject_ids=[agent.client_id, account_id],
                payload={"environment": environment},
                at=now,
            )
            if key is not None:
                insert_key(agent, key, actor=actor, now=now)
    except IntegrityError as taken:
        if key is None:
            raise
        raise in_use(key, taken) from None
    return agent


def check_room(account_id: str, most: int | None) -> None:
    """In the caller's transaction: the account is open, and has room for one agent more."""
    found = Account.objects.select_for_update().filter(pk=account_id, state=Account.State.OPEN).first()
    if found is None:
        raise Closed("the account is closed")
    if most is not None and _open_agents(account_id).count() >= most:
        raise TooManyAgents(f"the account has {most} agents: close those that are not used")


def _open_agents(account_id: str) -> models.QuerySet[Agent]:
    return Agent.objects.filter(account_id=account_id, state=Agent.State.ACTIVE)


def add_key(agent: Agent, key: PublicKey, *, actor: str, now: datetime) -> AgentKey:
    """Give an agent a further key. Raises KeyInUse, TooManyKeys, Closed."""
    observe_key(agent.account_id, agent.environment, key, now)
    try:
        with transaction.atomic():
            lock_open(agent)
            if _active_keys(agent).count() >= MAX_ACTIVE_KEYS:
                raise TooManyKeys(f"an agent has at most {MAX_ACTIVE_KEYS} active keys: retire one first")
            return insert_key(agent, key, actor=actor, now=now)
    except IntegrityError as taken:
        raise in_use(key, taken) from None


def retire_key(key: AgentKey, *, actor: str, now: datetime) -> None:
    """The key no longer authenticates, and passports bound to it no longer renew. Twice is once."""
    with transaction.atomic():
        if not AgentKey.objects.filter(pk=key.pk, retired_at=None).update(retired_at=now):
            return
        append("key.retired", actor=actor, subject_ids=[key.pk, key.agent.client_id], at=now)
    key.retired_at = now


def close_agent(agent: Agent, *, actor: str, now: datetime) -> None:
    """The agent gets no token any more, and its credentials are no longer good. Twice is once."""
    with transaction.atomic():
        rows = Agent.objects.filter(pk=agent.pk, state=Agent.State.ACTIVE)
        if not rows.update(state=Agent.State.CLOSED):
            return
        append("agent.closed", actor=actor, subject_ids=[agent.client_id, agent.account_id], at=now)
    agent.state = Agent.State.CLOSED


def unusable_secret() -> str:
    """What the toolkit's field holds for agents, which have no secret.

    The toolkit takes it for a hash, so it hashes nothing, and no password ever matches it.
    """
    return "pbkdf2_sha256$1$none$"


def lock_open(agent: Agent) -> None:
    current = Agent.objects.select_for_update().get(pk=agent.pk)
    if current.state != Agent.State.ACTIVE:
        raise Closed("the agent is closed")


def _active_keys(agent: Agent) -> models.QuerySet[AgentKey]:
    """Those without an end: what a workload bound for a day is in nobody's way."""
    return AgentKey.objects.filter(agent=agent, retired_at=None, not_after=None)


def insert_key(
    agent: Agent,
    key: PublicKey,
    *,
    actor: str,
    now: datetime,
    fetched: bool = False,
    not_after: datetime | None = None,
) -> AgentKey:
    """In the caller's transaction. Raises IntegrityError: ``in_use`` says which rule it met."""
    row = AgentKey.objects.create(
        agent=agent,
        kid=key.kid,
        thumbprint=key.thumbprint,
        jwk=dict(key.jwk),
        alg=key.alg,
        not_before=now,
        not_after=not_after,
        fetched=fetched,
        created_at=now,
    )
    append(
        "key.added",
        actor=actor,
        subject_ids=[row.pk, agent.client_id, agent.account_id],
        payload={"thumbprint": key.thumbprint, "alg": key.alg},
        at=now,
    )
    return row


def observe_key(account_id: str, environment: str, key: PublicKey, now: datetime) -> None:
    """In a transaction of its own: it stays when the registration is refused."""
    observe(account_id, environment, SIGNAL, key.thumbprint, seen_at=now)


def in_use(key: PublicKey, taken: IntegrityError) -> Exception:
    """Which of the two unique rules was hit: the key itself, or a kid that the agent has given twice."""
    if AgentKey.objects.filter(thumbprint=key.thumbprint).exists():
        return KeyInUse("this key is registered already: make a new one")
    return KeyInUse("the agent has another key with this kid")


def set_redirect_uris(
    agent: Agent, uris: Sequence[str], *, application_type: str, actor: str, now: datetime
) -> None:
    """Let an agent ask people for consent: responses go to exactly these URIs. With none it may not ask.

    Raises BadRedirectUri, RegistrationRefused, Closed.
    """
    wanted = list(dict.fromkeys(uris))
    if len(wanted) > MAX_REDIRECT_URIS:
        raise RegistrationRefused(f"an agent has at most {MAX_REDIRECT_URIS} redirect URIs")
    for uri in wanted:
        check_redirect_uri(uri, application_type=application_type)
    with transaction.atomic():
        lock_open(agent)
        agent.redirect_uris, agent.application_type = " ".join(wanted), application_type
        agent.save(update_fields=["redirect_uris", "application_type"])
        append(
            "agent.redirects_changed",
            actor=actor,
            subject_ids=[agent.client_id, agent.account_id],
            payload={"redirect_uris": wanted, "application_type": application_type},
            at=now,
        )
