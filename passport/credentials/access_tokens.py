"""Access tokens: five minutes, one audience, bound to a key where one was proven."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from foundation.ids import new_id
from passport.credentials.claims import Place, access_token_claims
from passport.protocol import TYP_ACCESS_TOKEN
from passport.signing.keys import Signer


def new_token_id() -> str:
    return new_id("at")


def sign_access_token(
    signer: Signer,
    *,
    issuer: str,
    subject: str,
    client_id: str,
    audience: str,
    jti: str,
    scopes: Iterable[str],
    issued_at: datetime,
    expires_at: datetime,
    thumbprint: str | None = None,
    act: Mapping[str, Any] | None = None,
    place: Place | None = None,
    account: str | None = None,
    assurance: Mapping[str, Any] | None = None,
    limits: Sequence[Mapping[str, Any]] | None = None,
    details: Sequence[Mapping[str, Any]] | None = None,
    trace: str | None = None,
) -> str:
    """One signature, no query. Whoever calls it has decided, charged and recorded."""
    claims = access_token_claims(
        issuer=issuer,
        subject=subject,
        client_id=client_id,
        audience=audience,
        jti=jti,
        scopes=scopes,
        thumbprint=thumbprint,
        act=act,
        place=place,
        account=account,
        assurance=assurance,
        limits=limits,
        details=details,
        trace=trace,
        issued_at=issued_at,
        expires_at=expires_at,
    )
    return signer.sign(claims, typ=TYP_ACCESS_TOKEN)
