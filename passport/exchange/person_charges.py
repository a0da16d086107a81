"""What a token for a person is charged to: an agent as ever, another client by consent and by person."""

from passport.admission.contract import Verdict, partition_of
from passport.consents.models import Consent
from passport.credentials.claims import scope_claim, seconds
from passport.exchange.charges import charge, charge_token
from passport.exchange.person_backing import Backing
from passport.exchange.policy import Granted
from passport.exchange.request import TokenRequest
from passport.limits.buckets import Bucket, Level
from passport.limits.gcra import rate_of
from passport.proofs.dpop import Proof

PER_CONSENT, PER_PERSON = 30, 120
"""Tokens in a minute. One lasts five minutes, so these are for retries and for many services at once."""
WINDOW_SECONDS = 60
AGENT_CHARACTERS = 100
"""What the issue records keep of a client's id: a metadata document's can be longer."""


def charge_for_person(
    request: TokenRequest,
    backing: Backing,
    proof: Proof | None,
    consent: Consent,
    granted: Granted,
    jti: str,
) -> Verdict:
    """The one atomic step. Raises what ``charge`` raises."""
    record = record_of(request, backing, consent, granted, jti)
    if backing.standing is not None:
        return charge_token(
            backing.standing,
            agent_id=backing.client.client_id,
            assertion=request.caller.spent,
            proof=proof,
            record=record,
            now=request.now,
        )
    return charge(
        backing.mode,
        partition=partition_of(backing.client.client_id),
        assertion=request.caller.spent,
        proof=proof,
        buckets=(
            bucket(f"consent:{consent.pk}", Level.CREDENTIAL, "client", PER_CONSENT),
            bucket(f"person:{consent.user_id}", Level.ACCOUNT, "person", PER_PERSON),
        ),
        record=record,
        now=request.now,
        account_id=backing.client.account_id,
    )


def bucket(key: str, level: Level, name: str, quota: int) -> Bucket:
    """``quota`` in a minute, all of it at once if need be."""
    return Bucket(key, level, name, quota, WINDOW_SECONDS, rate_of(quota, WINDOW_SECONDS, quota), 1)


def record_of(
    request: TokenRequest, backing: Backing, consent: Consent, granted: Granted, jti: str
) -> dict[str, str | int]:
    return {
        "jti": jti,
        "root": consent.pk,
        "account_id": backing.client.account_id or "",
        "agent": backing.client.client_id[:AGENT_CHARACTERS],
        "audience": granted.audience,
        "scopes": scope_claim(granted.scopes),
        "issued_at": seconds(request.now),
        "expires_at": seconds(granted.expires_at),
    }
