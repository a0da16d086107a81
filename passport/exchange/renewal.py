"""A passport for a new one, by proof of possession of the same key.

So it is issued anew, too, when the key of ours that signed it had to be withdrawn.
"""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from hmac import compare_digest

from django.db.models import Q

from passport.credentials.models import Passport
from passport.errors import InvalidRequest
from passport.exchange.charges import charge_token
from passport.exchange.exchange import check_client, require_proof
from passport.exchange.issued import passport_answer
from passport.exchange.issuing import Wanted, check_issuable, choose_passport_scopes, write_passport
from passport.exchange.passport_exchange import find_standing
from passport.exchange.policy import parse_scopes
from passport.exchange.presented import PresentedPassport, read_passport
from passport.exchange.request import Answer, TokenRequest, refuse_authorization_details
from passport.fields import Effect
from passport.proofs.jwt import MAX_TOKEN_BYTES, Malformed, parse, text_claim
from passport.restrictions.models import Restriction
from passport.signing.models import SigningKey
from passport.standing.facts import PassportFacts, Standing
from passport.standing.good import check_good

LEAKED = SigningKey.State.LEAKED
GRACE = timedelta(days=30)
"""So long after a restriction was lifted may a passport be renewed that expired under it (DESIGN 3)."""


def renew_passport(request: TokenRequest, token: str) -> Answer:
    """Not wider than the old one, which lives to its end. Raises the refusals of exchange and issuing."""
    presented = _read(request, token)
    check_client(request, presented.agent_id, "passport")
    standing, passport = find_standing(presented.jti, audience="")
    if passport.signer_state == LEAKED and is_our_own(token, passport.jti):
        standing = _without_signer(standing, passport)
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


def _read(request: TokenRequest, token: str) -> PresentedPassport:
    """Also one whose signing key was withdrawn since: by what was kept of it, not by its signature."""
    try:
        return read_passport(token, issuer=request.issuer, now=request.now, expired_too=True)
    except InvalidRequest:
        if (found := find_our_own(token)) is None:
            raise
        return found


def find_our_own(token: str) -> PresentedPassport | None:
    """A passport that a leaked key of ours signed, if it is the very one that we issued. One query.

    Whoever has the key can sign any passport, but none with the digest that we kept.
    """
    try:
        jti = text_claim(parse(token, max_bytes=MAX_TOKEN_BYTES).claims, "jti")
    except Malformed:
        return None
    row = Passport.objects.filter(jti=jti, signing_key__state=LEAKED).select_related("agent", "key").first()
    if row is None or not compare_digest(row.sha256, digest_of(token)):
        return None
    return PresentedPassport(row.jti, row.agent.client_id, row.key.thumbprint, row.expires_at)


def is_our_own(token: str, jti: str) -> bool:
    return Passport.objects.filter(jti=jti, sha256=digest_of(token)).exists()


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _without_signer(standing: Standing, passport: PassportFacts) -> Standing:
    """All that must be good but the key that signed: its loss is ours, not the agent's."""
    return replace(standing, passport=replace(passport, signer_state="", signer_effect=Effect.NONE))


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
