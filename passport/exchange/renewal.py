"""A passport for a new one, by proof of possession of the same key."""

from datetime import datetime, timedelta

from django.db.models import Q

from passport.errors import InvalidRequest
from passport.exchange.charges import charge_token
from passport.exchange.exchange import check_client, require_proof
from passport.exchange.issued import passport_answer
from passport.exchange.issuing import Wanted, check_issuable, choose_passport_scopes, write_passport
from passport.exchange.passport_exchange import find_standing
from passport.exchange.policy import parse_scopes
from passport.exchange.presented import read_passport
from passport.exchange.request import Answer, TokenRequest, refuse_authorization_details
from passport.fields import Effect
from passport.restrictions.models import Restriction
from passport.standing.facts import PassportFacts, Standing
from passport.standing.good import check_good

GRACE = timedelta(days=30)
"""So long after a restriction was lifted may a passport be renewed that expired under it (DESIGN 3)."""


def renew_passport(request: TokenRequest, token: str) -> Answer:
    """Not wider than the old one, which lives to its end. Raises the refusals of exchange and issuing."""
    presented = read_passport(token, issuer=request.issuer, now=request.now, expired_too=True)
    check_client(request, presented.agent_id, "passport")
    standing, passport = find_standing(presented.jti, audience="")
    check_good(standing, request.now, refusal=InvalidRequest)
    check_renewable(standing, passport, request.now)
    proof = require_proof(request, standing, thumbprint=passport.key_thumbprint, of="passport")
    refuse_authorization_details(request)
    check_issuable(standing, request.now)
    wanted = Wanted(
        standing.agent_id,
        passport.key_thumbprint,
        asked=parse_scopes(request.get("scope")),
        bound=passport.scopes,
        renewed_from=passport.jti,
    )
    choose_passport_scopes(standing, wanted)
    verdict = charge_token(
        standing,
        agent_id=standing.agent_id,
        assertion=request.caller.spent,
        proof=proof,
        record=None,
        now=request.now,
    )
    issued = write_passport(
        wanted, issuer=request.issuer, actor=f"agent:{standing.agent_id}", now=request.now
    )
    return passport_answer(issued, verdict, request.now)


def check_renewable(standing: Standing, passport: PassportFacts, now: datetime) -> None:
    """Raises InvalidRequest for one that expired, unless a restriction kept it from being renewed in time."""
    if passport.expires_at > now:
        return
    covering = (
        Q(subject_type="account", subject_id=standing.account_id)
        | Q(subject_type="agent", subject_id=standing.agent_id)
        | Q(subject_type="key", subject_id=passport.key_id)
        | Q(subject_type="passport", subject_id=passport.jti)
        | Q(subject_type="signing_key", subject_id=passport.signer)
    )
    kept = Restriction.objects.filter(
        covering,
        effect__gte=Effect.SUSPEND,
        placed_at__lte=passport.expires_at,
        lifted_at__gte=max(passport.expires_at, now - GRACE),
    )
    if not kept.exists():
        raise InvalidRequest("the passport is expired: ask for a new one", uri_reason="passport_expired")
