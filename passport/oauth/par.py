"""POST /oauth/par: a client pushes its authorization request (RFC 9126) and gets a name for it."""

from django.http import HttpRequest, HttpResponse

from foundation import clock
from passport.errors import InvalidGrant, InvalidRequest
from passport.oauth.answers import answer
from passport.oauth.asking import read_asking
from passport.oauth.authorization_request import PARAMETERS, check_request, find_asker
from passport.oauth.door_limits import PUSHED, address_bucket
from passport.oauth.doors import oauth_door
from passport.oauth.forms import Form, read_form
from passport.oauth.pushed import LIFE, push
from passport.proofs.dpop import Proof
from passport.protocol import AUTHORIZATION_CODE


@oauth_door("POST")
def pushed_authorization_request(request: HttpRequest) -> HttpResponse:
    """Raises the refusals PAR-01, PAR-04, DPOP-14, and every one of the authorization request itself."""
    now = clock.now()
    form = read_form(request)
    asking = read_asking(form, request, door="/oauth/par", grant_type=AUTHORIZATION_CODE, now=now)
    client = asking.client
    parameters = _parameters(form, client.client_id)
    asked = check_request(Form(parameters), find_asker(Form(parameters)))
    if thumbprint := _bound_to(asked.thumbprint, asking.proof):
        parameters["dpop_jkt"] = [thumbprint]
    asking.spend(address_bucket(request, "par", client.client_id, PUSHED))
    content = {
        "request_uri": push(client.client_id, parameters, now=now),
        "expires_in": int(LIFE.total_seconds()),
    }
    return answer(content, status=201, headers=asking.headers())


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
