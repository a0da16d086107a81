"""Authorization requests that clients left here (RFC 9126): for one minute, one client, one answer.

Whoever opened one in time may take ten minutes to sign in and to decide, in that browser.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.http import HttpRequest

from passport.consents.models import PushedRequest
from passport.consents.secrets import MAX_CHARACTERS, PUSHED, digest_of, new_secret
from passport.errors import InvalidRequest

URN = "urn:ietf:params:oauth:request_uri:"
LIFE = timedelta(seconds=60)
TO_DECIDE = timedelta(minutes=10)
OPENED = "opened_requests"
MOST_OPENED = 10


def push(client_id: str, parameters: Mapping[str, list[str]], *, now: datetime) -> str:
    """Keep a checked request. Gives its ``request_uri``, which only the client learns."""
    secret = new_secret(PUSHED)
    PushedRequest.objects.create(
        digest=digest_of(secret), client_id=client_id, parameters=dict(parameters), expires_at=now + LIFE
    )
    return URN + secret


def find_pushed(request: HttpRequest, request_uri: str, client_id: str, now: datetime) -> PushedRequest:
    """Raises InvalidRequest for one that is used, expired or another client's (PAR-02)."""
    secret = request_uri.removeprefix(URN)
    row = None
    if secret != request_uri and len(secret) <= MAX_CHARACTERS:
        row = PushedRequest.objects.filter(pk=digest_of(secret), client_id=client_id, used_at=None).first()
    if row is None or not _is_open(request, row, now):
        raise InvalidRequest("the request_uri is unknown, used, expired or another client's")
    return row


def use_pushed(pushed: PushedRequest, now: datetime) -> bool:
    """It was answered. False: it was before."""
    return bool(PushedRequest.objects.filter(pk=pushed.pk, used_at=None).update(used_at=now))


def _is_open(request: HttpRequest, row: PushedRequest, now: datetime) -> bool:
    opened = list(request.session.get(OPENED, ()))
    if row.pk in opened:
        return now < row.expires_at + TO_DECIDE
    if now >= row.expires_at:
        return False
    request.session[OPENED] = [*opened, row.pk][-MOST_OPENED:]
    return True
