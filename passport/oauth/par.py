"""POST /oauth/par: a client pushes its authorization request (RFC 9126) and gets a name for it."""

from django.http import HttpRequest, HttpResponse

from foundation import clock
from passport.conf import issuer
from passport.errors import InvalidGrant, InvalidRequest
from passport.exchange.exchange import check_fresh_since
from passport.exchange.person_backing import check_backing, find_backing
from passport.exchange.person_grants import client_of
from passport.exchange.request import TokenRequest
from passport.oauth.answers import answer
from passport.oauth.authorization_request import PARAMETERS, check_request, find_asker
from passport.oauth.clients import authenticate
from passport.oauth.door_limits import PUSHED, address_bucket
from passport.oauth.doors import oauth_door
from passport.oauth.forms import Form, read_form
from passport.oauth.pushed import LIFE, push
from passport.oauth.spending import spend_push
from passport.oauth.token import caller_of, proofs_of
from passport.proofs import nonces
from passport.proofs.dpop import Proof, check_proof
from passport.protocol import AUTHORIZATION_CODE


@oauth_door("POST")
def pushed_authorization_request(request: HttpRequest) -> HttpResponse:
    """Raises the refusals PAR-01, PAR-04, DPOP-14, and every one of the authorization request itself."""
    now = clock.now()
    form = read_form(request)
    caller = authenticate(form, request, now)
    asking = TokenRequest(form, proofs_of(request), caller_of(caller), issuer(), now)
    client = client_of(asking, grant_type=AUTHORIZATION_CODE)
    backing = find_backing(client, user_id=None, audience="", now=now)
    check_backing(backing, now)
    proof = _read_proof(asking)
    check_fresh_since(asking, proof, backing.changes)
    parameters = _parameters(form, client.client_id)
    asked = check_request(Form(parameters), find_asker(Form(parameters)))
    if thumbprint := _bound_to(asked.thumbprint, proof):
        parameters["dpop_jkt"] = [thumbprint]
    spend_push(caller, proof, address_bucket(request, "par", client.client_id, PUSHED), client.client_id, now)
    content = {
        "request_uri": push(client.client_id, parameters, now=now),
        "expires_in": int(LIFE.total_seconds()),
    }
    return answer(content, status=201, headers={"DPoP-Nonce": nonces.issue(now)} if proof else {})


def _read_proof(asking: TokenRequest) -> Proof | None:
    if not asking.proofs:
        return None
    url = f"{asking.issuer}/oauth/par"
    return check_proof(asking.proofs, method="POST", url=url, now=asking.now, nonces=nonces)


def _parameters(form: Form, client_id: str) -> dict[str, list[str]]:
    """The authorization request, without what authenticated the push. Raises InvalidRequest (PAR-01)."""
    if "request_uri" in form:
        raise InvalidRequest("a pushed request has no request_uri")
    parameters = {name: form.get_all(name) for name in PARAMETERS if name in form}
    return parameters | {"client_id": [client_id]}


def _bound_to(asked: str, proof: Proof | None) -> str:
    """The key that must redeem the code (RFC 9449 section 10.1). Raises InvalidGrant (DPOP-14)."""
    if proof is None:
        return asked
    if asked and asked != proof.thumbprint:
        raise InvalidGrant("dpop_jkt is not the key of the proof", uri_reason="other_key")
    return proof.thumbprint
