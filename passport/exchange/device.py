"""A device code for tokens (RFC 8628 section 3.4), once the person has said yes."""

from passport.consents.device_models import DeviceRequest
from passport.consents.devices import DENIED, PENDING, find_device, record_poll, take_device
from passport.errors import AccessDenied, AuthorizationPending, ExpiredToken, InvalidGrant, SlowDown
from passport.exchange.person_grants import (
    Presenter,
    Taken,
    check_bound,
    client_of,
    issue_for_person,
    presenter_of,
)
from passport.exchange.request import Answer, TokenRequest
from passport.protocol import DEVICE_CODE

UNKNOWN = "the device code is unknown, used or another client's"


def grant_device_code(request: TokenRequest) -> Answer:
    """Raises the refusals DEV-01 to DEV-05, and of the last step."""
    secret = request.require("device_code")
    client = client_of(request, grant_type=DEVICE_CODE)
    row = find_device(secret)
    presenter = presenter_of(request, client, row.consent if row else None)
    if row is None or row.client_id != client.client_id or row.used_at is not None:
        raise InvalidGrant(UNKNOWN)
    check_bound(presenter, row.thumbprint, "device code")
    check_decided(row, request)
    return _issue(request, presenter, row)


def check_decided(row: DeviceRequest, request: TokenRequest) -> None:
    """Raises ExpiredToken, AccessDenied, SlowDown, AuthorizationPending (section 3.5)."""
    if row.expires <= request.now:
        raise ExpiredToken("the device code has expired: ask for a new one")
    if row.status == DENIED:
        raise AccessDenied("the person said no", status=400)
    if row.status == PENDING:
        if not record_poll(row, request.now):
            raise SlowDown("too soon: wait 5 seconds longer between polls from now on")
        raise AuthorizationPending("the person has not decided yet")


def _issue(request: TokenRequest, presenter: Presenter, row: DeviceRequest) -> Answer:
    consent = row.consent
    if consent is None:
        raise InvalidGrant(UNKNOWN)
    try:
        return issue_for_person(request, presenter, consent, take=lambda: take_device(row, request.now))
    except Taken:
        raise InvalidGrant(UNKNOWN) from None
