"""What a token says, read once (pure): the rules about claims that do not depend on the hour.

RFC 9068 section 4, RFC 8725 section 3, RFC 7800. The result is kept and judged again at each use.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent_passport import _jws
from agent_passport._protocol import ACCESS_TOKEN_TYP
from agent_passport._refusals import Refused

SKEW_SECONDS = 30
_ACTORS = 16


@dataclass(frozen=True, slots=True)
class Kind:
    """Which tokens are read: access tokens for one audience, or (for the command line) passports."""

    issuer: str
    audience: str
    typ: str = ACCESS_TOKEN_TYP


@dataclass(frozen=True, slots=True)
class Credential:
    claims: Mapping[str, Any]
    kid: str
    agent: str
    account: str | None
    scopes: frozenset[str]
    jti: str
    not_before: int
    expires_at: int
    thumbprint: str | None
    """``cnf.jkt``: the key it is bound to."""
    parties: frozenset[str]
    """Everybody in whose name it acts: subject, client, and each nested actor."""
    list_uri: str
    index: int

    def check_time(self, now: float) -> None:
        """Raises Refused."""
        if now >= self.expires_at + SKEW_SECONDS:
            raise bad_token("the token has expired")
        if now < self.not_before - SKEW_SECONDS:
            raise bad_token("the token is not valid yet")


def read_credential(jws: _jws.Jws, kind: Kind) -> Credential:
    """The signature is already verified. Raises Refused."""
    claims = jws.claims
    if claims.get("iss") != kind.issuer:
        raise bad_token("the token is of another issuer")
    if claims.get("aud") not in (kind.audience, [kind.audience]):
        raise bad_token("the token is for another audience")
    texts = {name: _text(claims, name) for name in ("sub", "jti")}
    agent = _text(claims, "client_id") if kind.typ == ACCESS_TOKEN_TYP else texts["sub"]
    issued_at, expires_at = _time(claims, "iat"), _time(claims, "exp")
    not_before = _time(claims, "nbf") if "nbf" in claims else issued_at
    uri, index = _status(claims)
    return Credential(
        claims=claims,
        kid=jws.kid or "",
        agent=agent,
        account=_text(claims, "account") if "account" in claims else None,
        scopes=frozenset(_text(claims, "scope", 4096).split()) if claims.get("scope") else frozenset(),
        jti=texts["jti"],
        not_before=max(issued_at, not_before),
        expires_at=expires_at,
        thumbprint=_thumbprint(claims),
        parties=frozenset({texts["sub"], agent, *_actors(claims)}),
        list_uri=uri,
        index=index,
    )


def bad_token(description: str, reason: str = "") -> Refused:
    return Refused("invalid_token", description, reason=reason)


def _text(claims: Mapping[str, Any], name: str, longest: int = 256) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise bad_token(f"{name} is missing or malformed")
    return value


def _time(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if not _jws.is_time(value):
        raise bad_token(f"{name} is missing or no integer")
    return int(str(value))


def _thumbprint(claims: Mapping[str, Any]) -> str | None:
    if "cnf" not in claims:
        return None
    cnf = claims["cnf"]
    # Another kind of confirmation would have to be checked too, and we cannot: refuse.
    if not isinstance(cnf, dict) or cnf.keys() != {"jkt"}:
        raise bad_token("cnf is not a key thumbprint")
    return _text(cnf, "jkt")


def _actors(claims: Mapping[str, Any]) -> list[str]:
    """``sub`` of each nested ``act``, newest first (RFC 8693 section 4.1)."""
    actors: list[str] = []
    level: Any = claims
    while isinstance(level, dict) and "act" in level:
        level = level["act"]
        if not isinstance(level, dict) or len(actors) >= _ACTORS:
            raise bad_token("act is malformed")
        actors.append(_text(level, "sub"))
    return actors


def _status(claims: Mapping[str, Any]) -> tuple[str, int]:
    """Token Status List section 6.1. A token without it could not be recalled: refused."""
    status = claims.get("status")
    entry = status.get("status_list") if isinstance(status, dict) else None
    if not isinstance(entry, dict):
        raise bad_token("status is missing or malformed")
    index = entry.get("idx")
    if not _jws.is_time(index):
        raise bad_token("status is missing or malformed")
    return _text(entry, "uri", 512), int(str(index))
