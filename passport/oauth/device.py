"""POST /oauth/device_authorization: a device without a browser asks for a person (RFC 8628 section 3.1)."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from foundation import clock
from foundation.web.addresses import client_address
from passport.conf import issuer
from passport.consents.devices import INTERVAL_SECONDS, LIFE, Asked, begin
from passport.exchange.consenting import check_ask
from passport.oauth.answers import answer
from passport.oauth.asking import read_asking
from passport.oauth.door_limits import address_bucket
from passport.oauth.doors import oauth_door
from passport.oauth.forms import read_form
from passport.protocol import DEVICE_CODE

ASKED = 30
"""Requests of one client from one address, in a minute."""
MOST_SOFTWARE = 120


@oauth_door("POST", cors=False)
def device_authorization(request: HttpRequest) -> HttpResponse:
    """With a proof, only its key may poll. Raises the refusals of the client and of what it asks."""
    now = clock.now()
    form = read_form(request)
    asking = read_asking(form, request, door="/oauth/device_authorization", grant_type=DEVICE_CODE, now=now)
    client, proof = asking.client, asking.proof
    scope = form.get("scope")
    ask = check_ask(
        client,
        resources=form.get_all("resource"),
        scope=scope,
        details=form.get("authorization_details"),
    )
    asking.spend(address_bucket(request, "device", client.client_id, ASKED))
    asked = Asked(
        client.client_id,
        ask.resources,
        scope or "",
        proof.thumbprint if proof else "",
        client_address(request),
        software_of(request),
    )
    device_code, user_code = begin(asked, now)
    page = issuer() + reverse("device")
    content = {
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={user_code}",
        "expires_in": int(LIFE.total_seconds()),
        "interval": INTERVAL_SECONDS,
    }
    return answer(content, headers=asking.headers())


def software_of(request: HttpRequest) -> str:
    """What the device says it runs, for the person to read: its own word, in printable ASCII."""
    said = request.headers.get("User-Agent", "")[:MOST_SOFTWARE]
    return "".join(character for character in said if " " <= character <= "~").strip()
