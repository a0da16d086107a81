"""Gives each browser its cookie, and records the visits of owners for their accounts.

Only owners' visits count: a freelancer who works in two accounts does not make them one actor.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from accounts.linkage.models import Environment
from accounts.linkage.observe import address_range, observe, observe_visit
from accounts.owners.models import Membership
from accounts.people import devices
from accounts.people.models import User
from foundation import clock
from foundation.web.addresses import client_address
from foundation.web.failures import wants_page

MARK = "visit"


class VisitMiddleware:
    """Costs nothing while person, e-mail, browser, address range and day stay what the session has marked."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        held = devices.read_device(request)
        device = held or devices.new_device()
        # One that the browser has not sent back yet may never be kept: then it tells nobody apart.
        request.device = held or ""  # type: ignore[attr-defined]
        response = self.get_response(request)
        if held is None and wants_page(request):
            devices.keep(response, devices.DEVICE_COOKIE, device)
        # Without a session cookie nobody is signed in: the endpoints of machines never load a session.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and isinstance(request.user, User):
            self.record(request, response, request.user, held or "")
        return response

    def record(self, request: HttpRequest, response: HttpResponse, user: User, device: str) -> None:
        now = clock.now()
        address = client_address(request)
        seen = "|".join([user.pk, user.email, device, address_range(address), now.date().isoformat()])
        mark = hashlib.sha256(seen.encode()).hexdigest()[:32]
        if request.session.get(MARK) == mark:
            return
        observe_owner(user, owned_by(user), device=device, address=address, now=now)
        request.session[MARK] = mark
        tags = [devices.tag(user.email), *devices.known_tags(request)]
        devices.keep(response, devices.KNOWN_COOKIE, devices.sign_tags(device, list(dict.fromkeys(tags))))


def observe_owner(user: User, account_ids: list[str], *, device: str, address: str, now: datetime) -> None:
    """Record what a visit shows of the person behind these accounts: address, e-mail, browser."""
    with transaction.atomic():
        for account_id in account_ids:
            for environment in Environment.values:
                observe(account_id, environment, "email", user.email.lower(), seen_at=now)
        observe_visit(account_ids, device=device, address=address, seen_at=now)


def owned_by(user: User) -> list[str]:
    found = Membership.objects.filter(user=user, role=Membership.Role.OWNER)
    return list(found.order_by("account_id").values_list("account_id", flat=True)[:50])
