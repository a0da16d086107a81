"""Keys of agents that publish them at a ``jwks_uri`` (RFC 7591 section 2), instead of registering each.

What is published becomes rows like any other key: passports hang on them, restrictions cover
them, and one that its owner retired or reported stolen stays out whatever is published.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from foundation import clock
from foundation.jobs.periodic import every
from foundation.ledger.append import append
from foundation.outbound import documents
from foundation.outbound.client import KEYS, OutboundError
from foundation.outbound.documents import Document, Kind
from passport.agents.key_sets import read_key_set
from passport.agents.keys import PublicKey
from passport.agents.models import Agent, AgentKey
from passport.agents.registration import insert_key, lock_open, observe_key
from passport.fields import Effect

log = structlog.get_logger()

KIND = Kind("agent_keys", KEYS, read_key_set)
UNREAD = timedelta(minutes=10)
A_ROUND = 20
"""How many agents a round reads again: each may cost five seconds."""


def usable_keys(agent: Agent, *, kid: str | None, now: datetime) -> list[AgentKey]:
    """The published keys that are good now; none when they cannot be had (ASRT-14).

    While the server of the keys is down, those that were read hold to their end. A ``kid`` that
    is not among them has them read again, at most once a minute.
    """
    document = _read(agent, kid, now) if agent.jwks_uri else None
    if document is None:
        return []
    keys = read_key_set(document.body)
    _settle(agent, keys, now)
    rows = AgentKey.objects.select_related("agent").filter(
        Q(not_after=None) | Q(not_after__gt=now),
        agent=agent,
        thumbprint__in=[key.thumbprint for key in keys],
        retired_at=None,
        effect__lt=Effect.SUSPEND,
    )
    return list(rows)


def publish_at(agent: Agent, url: str, *, actor: str, now: datetime) -> None:
    """From now its keys are those at ``url``; empty: no longer, and those that came from there end.

    Keys that were registered one by one stay until they are ended. Raises Closed.
    """
    with transaction.atomic():
        lock_open(agent)
        Agent.objects.filter(pk=agent.pk).update(jwks_uri=url, keys_read_at=None)
        if url != agent.jwks_uri:
            AgentKey.objects.filter(agent=agent, fetched=True, not_after=None).update(not_after=now)
        append(
            "agent.changed",
            actor=actor,
            subject_ids=[agent.client_id, agent.account_id],
            payload={"jwks_uri": url},
            at=now,
        )
    agent.jwks_uri = url


def _read(agent: Agent, kid: str | None, now: datetime) -> Document | None:
    try:
        document = documents.read(agent.jwks_uri, KIND, now=now)
    except OutboundError:
        return None
    if kid is not None and kid not in {key.kid for key in read_key_set(document.body)}:
        return documents.reread(agent.jwks_uri, KIND, now=now) or document
    return document


def _settle(agent: Agent, keys: Sequence[PublicKey], now: datetime) -> None:
    """Make the rows say what is published. One query where nothing changed."""
    held = {row.thumbprint: row for row in AgentKey.objects.filter(agent=agent)}
    published = {key.thumbprint: key for key in keys}
    for thumbprint, row in held.items():
        if row.fetched and row.not_after is None and thumbprint not in published:
            _withdraw(row, now)
    for thumbprint, key in published.items():
        if thumbprint not in held:
            _add(agent, key, now)
        elif (row := held[thumbprint]).fetched and (row.kid != key.kid or row.not_after is not None):
            _bring_back(row, key)


def _withdraw(row: AgentKey, now: datetime) -> None:
    """It is no longer published. Its kid becomes free: some use one name for whatever key is current."""
    AgentKey.objects.filter(pk=row.pk).update(not_after=now, kid=row.thumbprint)
    log.info("published_key_gone", agent=row.agent_id, key=row.pk)


def _bring_back(row: AgentKey, key: PublicKey) -> None:
    try:
        with transaction.atomic():
            AgentKey.objects.filter(pk=row.pk).update(not_after=None, kid=key.kid)
    except IntegrityError:
        log.warning("published_kid_taken", key=row.pk)


def _add(agent: Agent, key: PublicKey, now: datetime) -> None:
    """One that somebody else has registered stays out, and is a signal for both accounts (DCR-03)."""
    observe_key(agent.account_id, agent.environment, key, now)
    try:
        with transaction.atomic():
            insert_key(agent, key, actor=f"agent:{agent.client_id}", now=now, fetched=True)
    except IntegrityError:
        log.warning("published_key_taken", agent=agent.client_id, thumbprint=key.thumbprint)


@every(60, "passport.agents.read_published_keys")
def read_again() -> None:
    """So that a key that is no longer published ends although its agent never authenticates with it."""
    now = clock.now()
    due = Agent.objects.filter(
        Q(keys_read_at=None) | Q(keys_read_at__lt=now - UNREAD), state=Agent.State.ACTIVE
    ).exclude(jwks_uri="")
    for agent in due.order_by(F("keys_read_at").asc(nulls_first=True))[:A_ROUND]:
        Agent.objects.filter(pk=agent.pk).update(keys_read_at=now)
        usable_keys(agent, kid=None, now=now)
