"""GET and POST /oauth/authorize: a person is asked, and the answer goes back to the client.

The request stays in the URL, so GET changes nothing and the way through sign-in loses nothing.
Every step reads and checks it anew; what the person agrees to is what the page showed, or it is
shown again.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any

import structlog
from django.contrib.auth.views import redirect_to_login
from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.people.models import User
from accounts.portal.access import ask_for_factor
from foundation import clock
from foundation.logs import route_of
from foundation.web.policies import allow_form_target
from passport.consents.give import Wanted, give_code
from passport.consents.models import PushedRequest
from passport.errors import AccessDenied, InvalidClient, InvalidRequest, OAuthError, TemporarilyUnavailable
from passport.exchange.consenting import Ask, check_person
from passport.exchange.details import details_claim
from passport.oauth.answers import NO_STORE, RETRY_SECONDS, describe
from passport.oauth.authorization_request import Asker, AuthorizationRequest, check_request, find_asker
from passport.oauth.choosing_account import is_chosen, needs_factor
from passport.oauth.consent_page import describe_request, digest_of_page
from passport.oauth.door_limits import limit_decided, limit_fetched, limit_shown
from passport.oauth.forms import Form, parse_form
from passport.oauth.pushed import find_pushed, use_pushed
from passport.oauth.redirects import redirect_with_code, redirect_with_error

log = structlog.get_logger()

APPROVE, DENY = "approve", "deny"


def shown_as_page(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A refusal that must not be redirected becomes a page (AC-01); so does a database that is away."""

    @wraps(view)
    def door(request: HttpRequest) -> HttpResponse:
        try:
            return view(request)
        except OAuthError as refusal:
            return refusal_page(request, refusal)
        except (OperationalError, InterfaceError) as away:
            log.error("database_unavailable", path=route_of(request), error=type(away).__name__)
            return refusal_page(request, TemporarilyUnavailable("the server cannot decide now; try again"))

    return door


@require_http_methods(["GET", "HEAD", "POST"])
@shown_as_page
def authorize(request: HttpRequest) -> HttpResponse:
    """Who asks comes first: until that is known nothing is redirected (AC-01). Then the rest is judged."""
    now = clock.now()
    form, pushed = read_parameters(request, now)
    limit_fetched(request, form.get("client_id"))
    asker = find_asker(form)
    limit_shown(request, asker.client.client_id)
    try:
        if pushed is None and asker.client.require_par:
            raise InvalidRequest("this client must push its authorization requests")
        asked = check_request(form, asker)
        if not isinstance(request.user, User):
            return redirect_to_login(request.get_full_path())
        ask = check_person(asker.client, asked.ask, user_id=request.user.pk, now=now)
        return ask_person(request, request.user, asked, ask, pushed, now)
    except TemporarilyUnavailable:
        raise
    except OAuthError as refusal:
        return give_back(asker, refusal, pushed, now)


def ask_person(
    request: HttpRequest,
    user: User,
    asked: AuthorizationRequest,
    ask: Ask,
    pushed: PushedRequest | None,
    now: datetime,
) -> HttpResponse:
    """The page; or, by POST with its token, what the person decided (AC-09, AC-10)."""
    shown = digest_of_page(asked.asker, ask)
    if request.method == "POST" and request.POST.get("shown") == shown:
        limit_decided(user.pk)
        decision = request.POST.get("decision")
        if decision == DENY:
            return give_back(asked.asker, AccessDenied("the person said no"), pushed, now)
        chosen = request.POST.get("account", "")
        if decision == APPROVE and is_chosen(ask, user, chosen):
            if needs_factor(request, user, ask):
                return ask_for_factor(request, user)
            return approve(user, asked, ask, pushed, chosen if ask.manages else None, now)
    page = describe_request(user, asked.asker, ask, now) | {"shown": shown}
    response = page_of(request, "oauth/consent.html", page)
    # Browsers hold the redirect after the form to the same rule as the form itself.
    return allow_form_target(response, asked.asker.redirect_uri)


def approve(
    user: User,
    asked: AuthorizationRequest,
    ask: Ask,
    pushed: PushedRequest | None,
    account_id: str | None,
    now: datetime,
) -> HttpResponse:
    asker = asked.asker
    with transaction.atomic():
        if pushed is not None and not use_pushed(pushed, now):
            raise InvalidRequest("this request was answered already")
        code = give_code(
            user.pk,
            Wanted(
                asker.client,
                ask.resources,
                ask.scopes,
                asker.redirect_uri,
                details_claim(ask.details) or (),
                account_id,
            ),
            code_challenge=asked.code_challenge,
            thumbprint=asked.thumbprint,
            redirect_was_sent=asker.redirect_was_sent,
            now=now,
        )
    log.info("consent_given", client=asker.client.client_id, kind=asker.client.kind)
    return redirect_with_code(asker, code)


def give_back(asker: Asker, refusal: OAuthError, pushed: PushedRequest | None, now: datetime) -> HttpResponse:
    if pushed is not None:
        use_pushed(pushed, now)
    log.info("authorization_refused", client=asker.client.client_id, error=refusal.code)
    return redirect_with_error(asker, refusal)


def read_parameters(request: HttpRequest, now: datetime) -> tuple[Form, PushedRequest | None]:
    """From the query; or as pushed, and then nothing that stands beside counts (PAR-05)."""
    query = request.META.get("QUERY_STRING", "")
    if not query.isascii():
        raise InvalidRequest("the query is not percent-encoded")
    form = parse_form(query.encode("ascii"))
    request_uri = form.get("request_uri")
    if request_uri is None:
        return form, None
    pushed = find_pushed(request, request_uri, form.require("client_id"), now)
    return Form(pushed.parameters), pushed


def refusal_page(request: HttpRequest, refusal: OAuthError) -> HttpResponse:
    """For the person in front of it: what is wrong with the request, and that nothing was given."""
    log.info("authorization_refused", path=route_of(request), error=refusal.code)
    status = 400 if isinstance(refusal, InvalidClient) else refusal.status
    page = {
        "error": refusal.code,
        "description": describe(refusal.description),
        "wait": isinstance(refusal, TemporarilyUnavailable),
        "request_id": getattr(request, "request_id", ""),
    }
    response = page_of(request, "oauth/refused.html", page, status=status)
    for name, value in refusal.headers.items():
        response.headers[name] = value
    if isinstance(refusal, TemporarilyUnavailable):
        response.headers.setdefault("Retry-After", str(refusal.retry_after or RETRY_SECONDS))
    return response


def page_of(
    request: HttpRequest, template: str, content: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    response = render(request, template, dict(content), status=status)
    for name, value in NO_STORE.items():
        response.headers[name] = value
    return response
