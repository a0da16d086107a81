"""The claims of both credentials, exactly (DESIGN section 4, STANDARDS section 4). Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """Where the state of a credential is published (Token Status List section 6.1)."""

    status_list: int
    index: int


@dataclass(frozen=True, slots=True)
class AgentWords:
    """What a passport says of its agent."""

    name: str
    purpose: str
    software: str
    environment: str


@dataclass(frozen=True, slots=True)
class Assurance:
    """The levels that count now, and when each was reached."""

    identity: str
    identity_method: str
    identity_at: datetime | None
    payment: str
    payment_at: datetime | None


def passport_claims(
    *,
    issuer: str,
    agent_id: str,
    jti: str,
    thumbprint: str,
    scopes: Iterable[str],
    agent: AgentWords,
    assurance: Mapping[str, Any],
    limits: Sequence[Mapping[str, Any]],
    place: Place,
    issued_at: datetime,
    expires_at: datetime,
) -> dict[str, Any]:
    """A passport is for our token endpoint alone: ``aud`` is the issuer (RFC 8725 section 3.9)."""
    return {
        "iss": issuer,
        "sub": agent_id,
        "aud": issuer,
        "jti": jti,
        "iat": seconds(issued_at),
        "exp": seconds(expires_at),
        "cnf": {"jkt": thumbprint},
        "scope": scope_claim(scopes),
        "agent": {
            "name": agent.name,
            "purpose": agent.purpose,
            "software": agent.software,
            "environment": agent.environment,
        },
        "assurance": assurance,
        "limits": limits,
        "status": status_claim(issuer, place),
    }


def access_token_claims(
    *,
    issuer: str,
    subject: str,
    client_id: str,
    audience: str,
    jti: str,
    scopes: Iterable[str],
    thumbprint: str | None,
    act: Mapping[str, Any] | None,
    place: Place | None,
    account: str | None,
    assurance: Mapping[str, Any] | None,
    limits: Sequence[Mapping[str, Any]] | None,
    details: Sequence[Mapping[str, Any]] | None,
    trace: str | None,
    issued_at: datetime,
    expires_at: datetime,
) -> dict[str, Any]:
    """RFC 9068 section 2.2, and what of ours the service is entitled to. Absent claims are left out."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": subject,
        "client_id": client_id,
        "aud": audience,
        "jti": jti,
        "iat": seconds(issued_at),
        "exp": seconds(expires_at),
        "scope": scope_claim(scopes),
    }
    optional = {
        "cnf": {"jkt": thumbprint} if thumbprint else None,
        "act": act,
        "status": status_claim(issuer, place) if place else None,
        "authorization_details": details,
        "account": account,
        "assurance": assurance,
        "limits": limits,
        "trace": trace,
    }
    claims.update({name: value for name, value in optional.items() if value is not None})
    return claims


def assurance_claim(held: Assurance) -> dict[str, dict[str, str]]:
    """Times are cut to the day: a moment would join records that nobody means to join."""
    identity = {"level": held.identity}
    if held.identity_method:
        identity["method"] = held.identity_method
    if held.identity_at is not None:
        identity["time"] = held.identity_at.date().isoformat()
    payment = {"level": held.payment}
    if held.payment_at is not None:
        payment["time"] = held.payment_at.date().isoformat()
    return {"identity": identity, "payment": payment}


def status_claim(issuer: str, place: Place) -> dict[str, dict[str, int | str]]:
    return {"status_list": {"idx": place.index, "uri": f"{issuer}/status/{place.status_list}"}}


def scope_claim(scopes: Iterable[str]) -> str:
    return " ".join(sorted(scopes))


def seconds(moment: datetime) -> int:
    """NumericDate in whole seconds."""
    return int(moment.timestamp())
