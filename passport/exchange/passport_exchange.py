"""A passport for an access token, by proof of possession (RFC 8693 section 2)."""

from passport.credentials.claims import Place
from passport.errors import InvalidRequest
from passport.exchange.exchange import (
    Bestowed,
    bestow,
    check_client,
    choose_details,
    granted_details,
    held_by,
    require_proof,
    target_of,
)
from passport.exchange.policy import narrow, parse_scopes, parse_target
from passport.exchange.presented import read_limits, read_passport
from passport.exchange.request import Answer, TokenRequest
from passport.protocol import ACCESS_TOKEN_TYPE
from passport.standing.facts import PassportFacts, Standing
from passport.standing.good import check_good
from passport.standing.read import find_by_passport


def exchange_passport(request: TokenRequest, token: str) -> Answer:
    """Raises the refusals EX-03 to EX-09, EX-12, EX-13, EX-23, TOK-10 to TOK-13, and of the last step.

    Cost: two signature checks (one when the passport was seen before), one signature, one
    query, one admission.
    """
    presented = read_passport(token, issuer=request.issuer, now=request.now)
    check_client(request, presented.agent_id, "passport")
    standing, passport = find_standing(presented.jti, audience=request.likely_target)
    check_good(standing, request.now, refusal=InvalidRequest)
    proof = require_proof(request, standing, thumbprint=passport.key_thumbprint, of="passport")
    parse_target(request.resources, request.audiences)
    granted = narrow(
        held_by(standing, passport.scopes, passport.expires_at, request.now),
        parse_scopes(request.get("scope")),
        target_of(standing.service),
        now=request.now,
    )
    bestowed = Bestowed(
        subject=standing.agent_id,
        chain=(),
        granted=granted,
        thumbprint=proof.thumbprint,
        place=Place(passport.status_list, passport.status_index),
        root=passport.jti,
        limits=read_limits(passport.limits),
        details=choose_details(request, granted_details(standing.service)),
    )
    return bestow(request, standing, bestowed, proof, issued_type=ACCESS_TOKEN_TYPE)


def find_standing(jti: str, *, audience: str) -> tuple[Standing, PassportFacts]:
    """One query. Raises InvalidRequest for a passport that this database does not know."""
    standing = find_by_passport(jti, audience=audience)
    if standing is None or standing.passport is None:
        raise InvalidRequest("the passport is not known here", uri_reason="passport_unknown")
    return standing, standing.passport
