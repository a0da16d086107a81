"""What a person lets clients do for them: the list, and the way to end it. About oneself, not an account."""

from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.people.models import User
from accounts.portal.access import keep_private
from foundation import clock
from foundation.web.paging import keyset
from passport.consents.end import WITHDRAWN, end_consent
from passport.consents.models import Consent
from passport.exchange.details import read_details


@require_GET
@login_required
def people_grants(request: HttpRequest) -> HttpResponse:
    """The newest first; ended ones too, so that a person sees what was. One query for the list."""
    found = Consent.objects.filter(user_id=str(request.user.pk)).exclude(begun_at=None)
    page = keyset(found, request, key="-given_at")
    now = clock.now()
    rows = [{"consent": consent, "word": word_of(consent, now)} for consent in page.rows]
    context = {"rows": rows, "page": page}
    return keep_private(render(request, "passport_portal/people_grants.html", context))


@require_http_methods(["GET", "POST"])
@login_required
def withdraw_grant(request: HttpRequest, consent_id: str) -> HttpResponse:
    """Refresh tokens end at once, access tokens within the bounds of revocation."""
    consent = Consent.objects.filter(pk=consent_id, user_id=str(request.user.pk)).first()
    if consent is None or not isinstance(request.user, User):
        raise Http404("no such grant")
    if request.method == "POST":
        end_consent(consent.pk, reason=WITHDRAWN, actor=f"user:{request.user.pk}", now=clock.now())
        messages.success(request, _("It can no longer act for you."))
        return redirect("people_grants")
    context = {
        "consent": consent,
        "word": word_of(consent, clock.now()),
        "details": [detail.words() for detail in read_details(consent.details)] if consent.details else [],
    }
    return keep_private(render(request, "passport_portal/withdraw_grant.html", context))


def word_of(consent: Consent, now: datetime) -> str:
    if consent.ended_at is not None:
        return "revoked"
    return "expired" if consent.expires_at <= now else "active"
