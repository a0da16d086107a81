"""Whether an access token is good at a service right now: one rule for introspection and for gateways."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from passport.acceptance.tokens import Place, place_of
from passport.proofs.jwt import Jws, Malformed, time_claim
from passport.protocol import TYP_ACCESS_TOKEN
from passport.standing.consents import PersonToken, find_consent, find_consent_fault
from passport.standing.facts import Standing
from passport.standing.good import find_fault, holds_key
from passport.standing.read import MAX_ACTORS, find_by_token


@dataclass(frozen=True, slots=True)
class Accepted:
    """A token that is good."""

    holder: str
    """Who presents it: its agent, or the one that acts last in its chain."""
    standing: Standing | None
    """Of its root; None where that is a person's consent."""


def find_accepted(jws: Jws, audience: str, now: datetime) -> Accepted | None:
    """From the facts of this moment: its root, its key, its signer, everyone who acts. One query.

    ``jws`` is signed by us (``tokens.read_ours``). None for one that is not good, or not for ``audience``.
    """
    place = place_of(jws)
    actors = _actors(jws.claims)
    if not _is_current(jws, audience, now) or place is None or len(actors) > MAX_ACTORS:
        return None
    thumbprint = jws.claims.get("cnf", {}).get("jkt")
    standing = find_by_token(
        place.number,
        place.index,
        jti=str(jws.claims.get("jti")),
        kid=str(jws.kid),
        thumbprint=thumbprint,
        actors=actors,
        audience=audience,
    )
    if standing is None:
        good = _is_good_for_person(jws, place, audience, now)
        return Accepted(str(jws.claims.get("client_id")), None) if good else None
    holder = actors[0] if actors else standing.agent_id
    keyless = thumbprint is not None and not holds_key(standing, holder, thumbprint)
    if len(standing.actors) != len(actors) or keyless or find_fault(standing, now) is not None:
        return None
    return Accepted(holder, standing)


def _is_current(jws: Jws, audience: str, now: datetime) -> bool:
    if jws.typ != TYP_ACCESS_TOKEN or jws.claims.get("aud") != audience:
        return False
    try:
        expires_at = time_claim(jws.claims, "exp")
    except Malformed:
        return False
    return expires_at is not None and now < expires_at


def _is_good_for_person(jws: Jws, place: Place, audience: str, now: datetime) -> bool:
    """The root is a person's consent."""
    consent = find_consent(place.number, place.index)
    if consent is None:
        return False
    token = PersonToken(
        jti=str(jws.claims.get("jti")),
        kid=str(jws.kid),
        client_id=str(jws.claims.get("client_id")),
        actors=_actors(jws.claims),
        thumbprint=jws.claims.get("cnf", {}).get("jkt"),
        audience=audience,
    )
    return find_consent_fault(consent, token, now) is None


def _actors(claims: Mapping[str, Any]) -> list[str]:
    """Every ``sub`` of the nested ``act``, outermost first, each once."""
    found: list[str] = []
    act = claims.get("act")
    while isinstance(act, dict) and len(found) <= MAX_ACTORS:
        found.append(str(act.get("sub")))
        act = act.get("act")
    return list(dict.fromkeys(found))
