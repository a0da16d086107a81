"""Writes a passport: the row, its place on a status list, the ledger entry and the signed token, or nothing.

Whether it may be issued is decided above (passport.exchange.issuing), under the account's lock.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from foundation.ledger.append import append
from passport.credentials.claims import AgentWords, Place, passport_claims, scope_claim
from passport.credentials.models import Passport, new_jti
from passport.protocol import TYP_PASSPORT
from passport.signing.keys import Signer
from passport.status.allocate import allocate

LIFE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who gets it: the agent, and the key it is bound to."""

    account_id: str
    agent_pk: int
    agent_id: str
    words: AgentWords
    key_id: str
    thumbprint: str


@dataclass(frozen=True, slots=True)
class Issued:
    """The token itself is not kept: this is the only time it is seen."""

    token: str
    jti: str
    scopes: frozenset[str]
    expires_at: datetime


def issue_passport(
    signer: Signer,
    bearer: Bearer,
    *,
    issuer: str,
    scopes: frozenset[str],
    assurance: Mapping[str, Any],
    limits: Sequence[Mapping[str, Any]],
    actor: str,
    now: datetime,
    renewed_from: str = "",
) -> Issued:
    """Issue for 30 days, in the caller's transaction, which holds the account's issuing lock."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("issue_passport needs the transaction of issuing_lock")
    issued_at = now.replace(microsecond=0)
    expires_at = issued_at + LIFE
    jti = new_jti()
    place = Place(*allocate(jti, expires_at))
    token = signer.sign(
        passport_claims(
            issuer=issuer,
            agent_id=bearer.agent_id,
            jti=jti,
            thumbprint=bearer.thumbprint,
            scopes=scopes,
            agent=bearer.words,
            assurance=assurance,
            limits=limits,
            place=place,
            issued_at=issued_at,
            expires_at=expires_at,
        ),
        typ=TYP_PASSPORT,
    )
    Passport.objects.create(
        jti=jti,
        account_id=bearer.account_id,
        agent_id=bearer.agent_pk,
        key_id=bearer.key_id,
        signing_key_id=signer.kid,
        environment=bearer.words.environment,
        scopes=scope_claim(scopes),
        assurance=assurance,
        limits=list(limits),
        status_list_id=place.status_list,
        status_index=place.index,
        # The exact moment: a restriction that covers what was issued before it compares with this.
        issued_at=now,
        expires_at=expires_at,
        renewed_from=renewed_from,
        sha256=hashlib.sha256(token.encode()).hexdigest(),
    )
    append(
        "passport.renewed" if renewed_from else "passport.issued",
        actor=actor,
        subject_ids=[jti, bearer.agent_id, bearer.account_id, bearer.key_id],
        payload={
            "environment": bearer.words.environment,
            "scopes": sorted(scopes),
            "expires_at": expires_at.isoformat(),
            "kid": signer.kid,
            **({"renewed_from": renewed_from} if renewed_from else {}),
        },
        at=now,
    )
    return Issued(token, jti, scopes, expires_at)
