"""Issues passports: decides again under the account's lock, so that none slips past a restriction.

The doors call ``check_issuable`` before they charge, for its words; what it says is only final
inside ``write_passport``. The portal and commands call ``issue_for``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from attestation import levels
from passport.agents.models import Agent, AgentKey
from passport.credentials.claims import AgentWords
from passport.credentials.passports import Bearer, Issued, issue_passport
from passport.errors import InvalidDpopProof, InvalidScope, TemporarilyUnavailable, UnauthorizedClient
from passport.exchange.exchange import assurance_of, limits_claim, limits_on, signer_of
from passport.exchange.policy import Limit
from passport.limits.models import LimitOverride, LimitPolicy
from passport.limits.policies import Policy
from passport.restrictions.lock import issuing_lock
from passport.services.models import AgentGrant
from passport.standing.facts import KeyFacts, Standing
from passport.standing.good import check_good, current_levels, is_paused
from passport.standing.read import find_by_agent

LEAST_IDENTITY, LEAST_PAYMENT = "document", "instrument"
"""The issuing policy (DESIGN section 4). For sandbox agents the same, where results of test modes count."""
PAUSE_SECONDS = 60
"""A pause is lifted by a person: asking more often than once a minute helps nobody."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """``bound``: what a renewal may not exceed; None for a first passport."""

    agent_id: str
    thumbprint: str
    asked: frozenset[str] | None = None
    bound: frozenset[str] | None = None
    renewed_from: str = ""


def issue_for(
    agent: Agent,
    key: AgentKey,
    *,
    issuer: str,
    actor: str,
    now: datetime,
    scopes: Iterable[str] | None = None,
) -> Issued:
    """A passport for ``agent``, bound to its ``key``. Raises an OAuthError that says what is missing."""
    asked = None if scopes is None else frozenset(scopes)
    return write_passport(Wanted(agent.client_id, key.thumbprint, asked), issuer=issuer, actor=actor, now=now)


def check_issuable(standing: Standing, now: datetime) -> None:
    """Raises UnauthorizedClient naming what is missing (CC-01), TemporarilyUnavailable during a pause."""
    if is_paused(standing, "issuance", now):
        raise TemporarilyUnavailable(
            "passports are not issued at the moment", uri_reason="issuance_paused", retry_after=PAUSE_SECONDS
        )
    check_attested(standing, now)


def check_attested(standing: Standing, now: datetime) -> None:
    """Raises UnauthorizedClient when the owner has no live attestation, and says which (CC-01)."""
    identity, payment = current_levels(standing, now)
    if lacking := levels.missing(identity, payment, LEAST_IDENTITY, LEAST_PAYMENT):
        raise UnauthorizedClient(
            f"the agent's owner is short of {' and '.join(lacking)}", uri_reason="attestation_missing"
        )


def check_key(standing: Standing) -> KeyFacts:
    """The registered key that was proven. Raises InvalidDpopProof for any other (CC-02)."""
    if standing.key is None:
        raise InvalidDpopProof("a passport is bound to a registered key of the agent", uri_reason="other_key")
    return standing.key


def choose_passport_scopes(standing: Standing, wanted: Wanted) -> frozenset[str]:
    """All that the agent was granted at enabled services, or what was asked of it. One query.

    Raises InvalidScope, naming what was not granted. A renewal drops what was taken away since,
    and never gains.
    """
    rows = AgentGrant.objects.filter(agent_id=standing.agent_pk, service__enabled=True)
    granted = frozenset(" ".join(rows.values_list("scopes", flat=True)).split())
    held = granted if wanted.bound is None else granted & wanted.bound
    scopes = held if wanted.asked is None else wanted.asked
    if excess := scopes - held:
        raise InvalidScope(f"not granted to the agent: {' '.join(sorted(excess))}")
    if not scopes:
        raise InvalidScope("the agent was granted no scope of any service yet", uri_reason="nothing_granted")
    return scopes


@transaction.atomic
def write_passport(wanted: Wanted, *, issuer: str, actor: str, now: datetime) -> Issued:
    """Decide under the lock and write. Raises what the checks raise; then nothing is written."""
    agent = Agent.objects.only("account_id").get(client_id=wanted.agent_id)
    issuing_lock(agent.account_id)
    standing = find_by_agent(wanted.agent_id, thumbprint=wanted.thumbprint, audience="")
    if standing is None:
        raise UnauthorizedClient("the agent is unknown")
    check_good(standing, now)
    check_issuable(standing, now)
    key = check_key(standing)
    scopes = choose_passport_scopes(standing, wanted)
    bearer = Bearer(
        account_id=standing.account_id,
        agent_pk=standing.agent_pk,
        agent_id=standing.agent_id,
        words=AgentWords(
            standing.agent_name, standing.agent_purpose, standing.agent_software, standing.environment
        ),
        key_id=key.id,
        thumbprint=key.thumbprint,
    )
    return issue_passport(
        signer_of(standing),
        bearer,
        issuer=issuer,
        scopes=scopes,
        assurance=assurance_of(standing, now),
        limits=limits_claim(limits_of(standing, scopes, now)),
        actor=actor,
        now=now,
        renewed_from=wanted.renewed_from,
    )


def limits_of(standing: Standing, scopes: frozenset[str], now: datetime) -> list[Limit]:
    """The limits on each agent at the services it may reach. Three queries.

    Two services may give one name to different scopes: then the claim has an item for each.
    """
    grants = AgentGrant.objects.filter(agent_id=standing.agent_pk, service__enabled=True).order_by("service")
    overrides = {
        override.policy_id: override
        for override in LimitOverride.objects.filter(account_id=standing.account_id)
    }
    services = {grant.service_id: scopes & set(grant.scopes.split()) for grant in grants}
    policies = LimitPolicy.objects.filter(service__in=services)
    rows = [policy_value(policy, overrides.get(policy.id)) for policy in policies]
    identity, _ = current_levels(standing, now)
    return [
        limit
        for service_id, names in services.items()
        for limit in limits_on(rows, service_id, names, identity=identity, now=now)
    ]


def policy_value(policy: LimitPolicy, override: LimitOverride | None) -> Policy:
    return Policy(
        id=policy.id,
        service_id=policy.service_id or "",
        scope=policy.scope,
        name=policy.name,
        applies_to=policy.applies_to,
        tier=policy.tier,
        quota=policy.quota,
        window_seconds=policy.window_seconds,
        burst=policy.burst,
        unit=policy.unit,
        override_quota=override.quota if override else None,
        override_burst=override.burst if override else None,
        override_until=override.ends_at if override else None,
    )
