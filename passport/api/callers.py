"""Who calls the management API: a person, by a token for ``ISS/v1`` that they granted for one account.

The token names nobody. Its place on a status list leads to the consent, and that to the person and
the account, as they stand now: a grant that was withdrawn, a membership that ended, an account that
was suspended refuse at once.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.http import HttpRequest

from accounts.owners.models import Account, Membership
from accounts.people.models import User
from accounts.portal.access import find_membership
from foundation.web.problems import QUOTA
from passport.acceptance.tokens import place_at
from passport.admission.presented import spend_at_api
from passport.api.refusals import ApiRefused
from passport.conf import issuer
from passport.consents.models import Consent
from passport.errors import AccessDenied
from passport.fields import Effect
from passport.limits.buckets import Bucket, Level
from passport.limits.gcra import rate_of
from passport.limits.headers import fields
from passport.proofs.challenges import challenges
from passport.proofs.service_tokens import (
    OwnToken,
    Presented,
    invalid_token,
    lacking_scope,
    read_own_token,
)
from passport.restrictions.models import AccountState
from passport.standing.consents import PersonToken, find_consent, find_consent_fault

OWNER, DEVELOPER = Membership.Role.OWNER, Membership.Role.DEVELOPER
MAKERS: Final = frozenset({OWNER, DEVELOPER})
OWNERS: Final = frozenset({OWNER})
ANYBODY: Final = frozenset(Membership.Role)
PER_GRANT, PER_ACCOUNT, WINDOW_SECONDS = 120, 600, 60
"""Calls in a minute: of one login, and of all that manage one account."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The person, and the one account that they may manage with this token."""

    user: User
    account: Account
    role: str
    consent: Consent
    now: datetime

    @property
    def account_id(self) -> str:
        return self.account.pk

    @property
    def actor(self) -> str:
        return f"user:{self.user.pk}"


def find_caller(request: HttpRequest, *, scope: str, now: datetime) -> tuple[Caller, dict[str, str]]:
    """The caller, and the header fields of the limits. Two signature checks, some eight queries.

    Raises InvalidToken, InvalidDpopProof, UseDpopNonce (401), AccessDenied, ApiRefused (403, 429).
    """
    presented = Presented.of(request.headers, method=request.method, url=issuer() + request.path)
    token = read_own_token(presented, scope=scope, issuer=issuer(), now=now)
    consent = _consent_of(token, scope, now)
    if scope not in token.scopes:
        raise lacking_scope(scope, issuer())
    headers = _spend(consent, token, scope, now)
    return _caller(consent, now), headers


def check_may(caller: Caller, roles: frozenset[str], *, changes: bool) -> None:
    """Whether the role reaches this, and the account may be changed. Raises ApiRefused (403)."""
    if caller.role not in roles:
        names = " or ".join(sorted(str(role) for role in roles))
        raise ApiRefused(403, "role", f"your role in this account is {caller.role}: this is for {names}")
    if changes and caller.account.state != Account.State.OPEN:
        raise ApiRefused(403, "account_closed", "the account is closed: it can be read, not changed")


def _consent_of(token: OwnToken, scope: str, now: datetime) -> Consent:
    place = place_at(token.claims)
    if place is None:
        said = challenges(issuer(), scope=scope, error="insufficient_scope")
        raise AccessDenied("the token is not that of a person who manages an account", headers=said)
    consent = find_consent(place.number, place.index)
    if consent is None or consent.account_id is None or "act" in token.claims:
        raise invalid_token("the token is not one that manages an account", issuer(), scope)
    if find_consent_fault(consent, _as_held(token), now) is not None:
        raise invalid_token("the grant was withdrawn or has ended: log in again", issuer(), scope)
    return consent


def _as_held(token: OwnToken) -> PersonToken:
    """By the client that the person let in: nobody acts on with a token for this API."""
    confirmation = token.claims.get("cnf") or {}
    return PersonToken(
        jti=str(token.claims.get("jti")),
        kid=token.kid,
        client_id=str(token.claims.get("client_id")),
        actors=(),
        thumbprint=confirmation.get("jkt"),
        audience=f"{issuer()}/v1",
    )


def _caller(consent: Consent, now: datetime) -> Caller:
    membership = find_membership(consent.user, str(consent.account_id))
    if membership is None:
        raise ApiRefused(403, "membership_ended", "you are no longer a member of this account")
    state = AccountState.objects.filter(account_id=membership.account_id).first()
    if state is not None and state.effect >= Effect.SUSPEND:
        word = "revoked" if state.effect >= Effect.REVOKE else "suspended"
        raise ApiRefused(
            403, f"account_{word}", f"the account is {word}: the portal says why, and takes appeals"
        )
    return Caller(consent.user, membership.account, membership.role, consent, now)


def _spend(consent: Consent, token: OwnToken, scope: str, now: datetime) -> dict[str, str]:
    buckets = (
        _bucket(f"api:{consent.pk}", Level.CREDENTIAL, "login", PER_GRANT),
        _bucket(f"api:{consent.account_id}", Level.ACCOUNT, "account", PER_ACCOUNT),
    )
    verdict = spend_at_api(
        str(consent.account_id), token.proof, buckets, issuer=issuer(), scope=scope, now=now
    )
    headers = fields(verdict.remaining, retry_after_us=verdict.retry_after_us)
    if verdict.refused is not None:
        raise ApiRefused(429, QUOTA, "too many requests", headers=headers, violated=[verdict.refused.name])
    return headers


def _bucket(key: str, level: Level, name: str, quota: int) -> Bucket:
    return Bucket(key, level, name, quota, WINDOW_SECONDS, rate_of(quota, WINDOW_SECONDS, quota), 1)
