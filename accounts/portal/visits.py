"""Gives each browser its cookie, and records a person's visits for the accounts the person owns.

Only owners' visits count: a freelancer who works in two accounts does not make them one actor.
"""

import hashlib
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts.linkage.observe import address_range, observe_visit
from accounts.owners.models import Membership
from accounts.people import devices
from accounts.people.models import User
from foundation import clock
from foundation.web.addresses import client_address
from foundation.web.failures import wants_page

MARK = "visit"


class VisitMiddleware:
    """Costs nothing while person, browser, address range and day stay what the session has marked."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        held = devices.read_device(request)
        device = held or devices.new_device()
        request.device = device  # type: ignore[attr-defined]
        response = self.get_response(request)
        if held is None and wants_page(request):
            devices.keep(response, devices.DEVICE_COOKIE, device)
        # Without a session cookie nobody is signed in: the endpoints of machines never load a session.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and isinstance(request.user, User):
            self.record(request, response, request.user, device)
        return response

    def record(self, request: HttpRequest, response: HttpResponse, user: User, device: str) -> None:
        now = clock.now()
        address = client_address(request)
        seen = "|".join([user.pk, device, address_range(address), now.date().isoformat()])
        mark = hashlib.sha256(seen.encode()).hexdigest()[:32]
        if request.session.get(MARK) == mark:
            return
        observe_visit(owned_by(user), device=device, address=address, seen_at=now)
        request.session[MARK] = mark
        tags = [devices.tag(user.email), *devices.known_tags(request)]
        devices.keep(response, devices.KNOWN_COOKIE, devices.sign_tags(device, list(dict.fromkeys(tags))))


def owned_by(user: User) -> list[str]:
    found = Membership.objects.filter(user=user, role=Membership.Role.OWNER)
    return list(found.order_by("account_id").values_list("account_id", flat=True)[:50])
