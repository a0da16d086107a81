"""A service's own token for this server's API: resource ``ISS/v1``, by its secret or assertion."""

from passport.admission.contract import partition_of
from passport.admission.mode import current, mode_of
from passport.admission.models import AdmissionMode
from passport.credentials.access_tokens import new_token_id, sign_access_token
from passport.credentials.claims import scope_claim, seconds
from passport.errors import (
    InvalidScope,
    InvalidTarget,
    TemporarilyUnavailable,
    UnauthorizedClient,
)
from passport.exchange.charges import charge
from passport.exchange.exchange import check_fresh_since, read_proof
from passport.exchange.policy import ACCESS_TOKEN_LIFE, parse_scopes, parse_target
from passport.exchange.request import Answer, TokenRequest, refuse_authorization_details
from passport.proofs.dpop import Proof
from passport.services.models import Service
from passport.signing.keys import NoKey, active


def grant_service_token(request: TokenRequest) -> Answer:
    """A Bearer token: the holder is a confidential client, and we are its only audience. With a proof
    one that is bound to its key.

    Raises InvalidTarget for any other resource, InvalidScope beyond what the operator allowed,
    InvalidDpopProof, UseDpopNonce.
    """
    service = Service.objects.filter(pk=request.caller.client_id, enabled=True).first()
    if service is None:
        raise UnauthorizedClient("the service is disabled", uri_reason="service_disabled")
    refuse_authorization_details(request)
    audience = f"{request.issuer}/v1"
    if parse_target(request.resources, request.audiences) != audience:
        raise InvalidTarget(f"a service's own token is for {audience}")
    scopes = choose_scopes(service, parse_scopes(request.get("scope")))
    proof = read_proof(request)
    _spend(request, service, proof)
    ends_at = (request.now + ACCESS_TOKEN_LIFE).replace(microsecond=0)
    try:
        signer = active()
    except NoKey:
        raise TemporarilyUnavailable("no key signs yet", uri_reason="no_signing_key") from None
    token = sign_access_token(
        signer,
        issuer=request.issuer,
        subject=service.id,
        client_id=service.id,
        audience=audience,
        jti=new_token_id(),
        scopes=scopes,
        thumbprint=proof.thumbprint if proof else None,
        issued_at=request.now,
        expires_at=ends_at,
    )
    return Answer(
        {
            "access_token": token,
            "token_type": "DPoP" if proof else "Bearer",
            "expires_in": seconds(ends_at) - seconds(request.now),
            "scope": scope_claim(scopes),
        }
    )


def choose_scopes(service: Service, asked: frozenset[str] | None) -> frozenset[str]:
    """TOK-10 holds here too: never narrowed silently."""
    allowed = frozenset(service.issuer_scopes.split())
    scopes = allowed if asked is None else asked
    if excess := scopes - allowed:
        raise InvalidScope(f"not allowed to this service: {' '.join(sorted(excess))}")
    if not scopes:
        raise InvalidScope("this service was allowed no scope of this server")
    return scopes


def _spend(request: TokenRequest, service: Service, proof: Proof | None) -> None:
    """A secret leaves nothing to replay; an assertion and a proof count once."""
    if not request.caller.spent and proof is None:
        return
    row = AdmissionMode.objects.filter(pk=1).first()
    check_fresh_since(request, proof, (row.since,) if row else ())
    charge(
        mode_of(row.mode, row.since) if row else current(),
        partition=partition_of(service.id),
        assertion=request.caller.spent,
        proof=proof,
        buckets=(),
        record=None,
        now=request.now,
        account_id=service.account_id,
    )
