"""The page /device: a person types the code of a device, reads who asks and from where, and decides.

Nothing is decided by opening a link: the code in it is only filled in (RFC 8628 section 5.4).
"""

import hashlib
import json
from datetime import datetime
from typing import Any

import structlog
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.people.models import User
from accounts.portal.access import ask_for_factor
from foundation import clock
from foundation.web.addresses import client_address
from passport.agents.clients import OAuthClient, find_client
from passport.consents.device_models import DeviceRequest
from passport.consents.devices import (
    approve,
    deny,
    find_waiting,
    get_waiting,
    may_try,
    normal_code,
    record_wrong,
)
from passport.consents.give import LIFE, Wanted
from passport.errors import InvalidClient, TemporarilyUnavailable
from passport.exchange.consenting import Ask, check_ask, check_person
from passport.exchange.person_grants import check_registered
from passport.oauth.authorize import APPROVE, DENY, page_of, shown_as_page
from passport.oauth.choosing_account import choices, is_chosen, needs_factor
from passport.oauth.consent_page import describe_owner, describe_services
from passport.oauth.door_limits import limit_decided
from passport.oauth.stranger_limits import place_of
from passport.protocol import DEVICE_CODE

log = structlog.get_logger()

CHOSEN = "device_request"
"""In the session: the request that the person found by its code."""
WAIT_SECONDS = 900


@require_http_methods(["GET", "HEAD", "POST"])
@shown_as_page
def device(request: HttpRequest) -> HttpResponse:
    """Type the code, then confirm, then it is done: each step by POST."""
    if not isinstance(request.user, User):
        return redirect_to_login(request.get_full_path())
    if request.method == "POST" and "decision" in request.POST:
        return _decide(request, request.user)
    if request.method == "POST":
        return _find(request, request.user)
    if "confirm" in request.GET:
        return _confirm(request, request.user)
    return _form(request, typed=request.GET.get("user_code", ""))


def _form(request: HttpRequest, *, typed: str, error: str = "", status: int = 200) -> HttpResponse:
    """The field, with the code of the link in it; whoever follows a link still has to send it."""
    code = normal_code(typed)[:8]
    page = {"typed": f"{code[:4]}-{code[4:]}" if len(code) == 8 else code, "error": error}
    return page_of(request, "oauth/device.html", page, status=status)


def _find(request: HttpRequest, user: User) -> HttpResponse:
    """Raises TemporarilyUnavailable after five wrong codes by this person or from this address (DEV-06)."""
    now, typed = clock.now(), request.POST.get("user_code", "")
    holders = [f"person {user.pk}"]
    if place := place_of(client_address(request)):
        holders.append(f"address {place}")
    if not may_try(holders, now):
        log.info("user_code_tries_used_up", user=user.pk)
        raise TemporarilyUnavailable(
            "too many wrong codes: wait, then let the device show a new one",
            uri_reason="rate_limited",
            status=429,
            retry_after=WAIT_SECONDS,
        )
    row = find_waiting(typed, now)
    if row is None:
        record_wrong(holders, now)
        wrong = _("No device waits under that code. Compare it with the device; codes last 15 minutes.")
        return _form(request, typed=typed, error=wrong, status=400)
    request.session[CHOSEN] = row.pk
    return redirect(f"{request.path}?confirm=1")


def _confirm(request: HttpRequest, user: User) -> HttpResponse:
    now = clock.now()
    row = _chosen(request, now)
    if row is None:
        return redirect(request.path)
    client, ask = read_request(row, user, now)
    return page_of(
        request, "oauth/device_confirm.html", describe_device(request, user, row, client, ask, now)
    )


def _decide(request: HttpRequest, user: User) -> HttpResponse:
    """What the person agrees to is what the page showed, or it is shown again."""
    now = clock.now()
    row = _chosen(request, now)
    if row is None:
        return redirect(request.path)
    limit_decided(user.pk)
    decision = request.POST.get("decision")
    if decision == DENY:
        request.session.pop(CHOSEN, None)
        deny(row, user.pk, now)
        return page_of(request, "oauth/device_done.html", {"approved": False})
    client, ask = read_request(row, user, now)
    if decision != APPROVE or request.POST.get("shown") != digest_of(row, client, ask):
        return redirect(f"{request.path}?confirm=1")
    chosen = request.POST.get("account", "")
    if not is_chosen(ask, user, chosen):
        return redirect(f"{request.path}?confirm=1")
    if needs_factor(request, user, ask):
        return ask_for_factor(request, user)
    request.session.pop(CHOSEN, None)
    account_id = chosen if ask.manages else None
    if not approve(row, user.pk, Wanted(client, ask.resources, ask.scopes, account_id=account_id), now):
        return redirect(request.path)
    log.info("consent_given", client=client.client_id, kind=client.kind, by="device")
    return page_of(request, "oauth/device_done.html", {"approved": True, "client": client})


def read_request(row: DeviceRequest, user: User, now: datetime) -> tuple[OAuthClient, Ask]:
    """Who asks and for what, judged anew. Raises an OAuthError, shown as a page."""
    client = find_client(row.client_id)
    if client is None:
        raise InvalidClient("the client of that device is no longer registered")
    check_registered(client, DEVICE_CODE)
    scope = row.scope if row.scope_was_named else None
    ask = check_ask(client, resources=row.resources, scope=scope, details=None)
    return client, check_person(client, ask, user_id=user.pk, now=now)


def describe_device(
    request: HttpRequest, user: User, row: DeviceRequest, client: OAuthClient, ask: Ask, now: datetime
) -> dict[str, Any]:
    """Agent, assurance and place of the request (DEV-07)."""
    here = client_address(request)
    return {
        "client": client,
        "person": user,
        "services": describe_services(ask),
        "memberships": choices(ask, user),
        "asked_at": row.asked_at,
        "address": row.address,
        "same_address": bool(row.address) and place_of(row.address) == place_of(here),
        "software": row.software,
        "expires_at": now + LIFE,
        "shown": digest_of(row, client, ask),
        **describe_owner(client, now),
    }


def digest_of(row: DeviceRequest, client: OAuthClient, ask: Ask) -> str:
    said = [row.pk, client.client_id, client.name, ask.resources, sorted(ask.scopes)]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _chosen(request: HttpRequest, now: datetime) -> DeviceRequest | None:
    pk = request.session.get(CHOSEN)
    return get_waiting(pk, now) if isinstance(pk, int) else None
