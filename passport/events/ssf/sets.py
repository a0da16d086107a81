"""Security event tokens (RFC 8417, SSF 1.0 section 4): what one says, and its signature."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from passport.events.ssf.models import StreamEvent
from passport.protocol import TYP_SECURITY_EVENT
from passport.signing import keys


def event_claims(
    kind: str, subject: Mapping[str, Any], members: Mapping[str, Any], *, txn: str, now: datetime
) -> dict[str, Any]:
    """One event about one subject. ``txn`` is the same for all that follow from one cause."""
    return {
        "iat": int(now.timestamp()),
        **({"txn": txn} if txn else {}),
        "sub_id": dict(subject),
        "events": {kind: dict(members)},
    }


def set_claims(issuer: str, audience: str, jti: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Never ``sub`` nor ``exp``: it must not pass for a token that lets somebody in."""
    return {"iss": issuer, "jti": jti, "aud": audience, **content}


def sign_set(event: StreamEvent, issuer: str, audience: str) -> str:
    """The compact JWS, by the key for events: sent again it may bear a newer one, never another ``jti``."""
    claims = set_claims(issuer, audience, event.jti, event.claims)
    return keys.active("events").sign(claims, typ=TYP_SECURITY_EVENT)
