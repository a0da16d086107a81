"""One account: where it stands, why it is linked, what it owns, what happened."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.flags.models import Flag
from accounts.flags.raising import raise_flag
from accounts.linkage.models import Environment
from accounts.owners.models import Account
from accounts.portal.access import groups_of, staff
from foundation import clock
from foundation.web.paging import keyset
from passport.agents.models import Agent, AgentKey
from passport.credentials.models import Passport
from passport.safety.forms import FlagForm
from passport.safety.sheets import read_account
from passport.safety.views.people import actor_of, environment_of

DECIDERS = frozenset({"analyst", "approver"})


@require_safe
@staff("analyst", "approver", "auditor")
def accounts(request: HttpRequest) -> HttpResponse:
    asked = request.GET.get("q", "").strip()[:120]
    page = keyset(find_accounts(asked), request, key="-created_at")
    if asked and len(page.rows) == 1 and not (page.next_url or page.previous_url):
        return redirect("admin:account", page.rows[0].pk)
    return render(request, "safety/accounts.html", {"section": "accounts", "page": page, "q": asked})


def find_accounts(asked: str) -> "QuerySet[Account]":
    """By a whole id, a thumbprint, a member's address, or how a name begins."""
    if not asked:
        return Account.objects.all()
    for rows, column in (
        (Agent.objects.filter(client_id=asked), "account_id"),
        (Passport.objects.filter(jti=asked), "account_id"),
        (AgentKey.objects.filter(thumbprint=asked), "agent__account_id"),
    ):
        if owner := rows.values_list(column, flat=True).first():
            return Account.objects.filter(pk=owner)
    if "@" in asked:
        return Account.objects.filter(memberships__user__email=asked.lower())
    exact = Account.objects.filter(pk=asked)
    return exact if exact.exists() else Account.objects.filter(name__startswith=asked)


@require_safe
@staff("analyst", "approver", "auditor")
def account(request: HttpRequest, account_id: str) -> HttpResponse:
    found = get_object_or_404(Account, pk=account_id)
    sheet = read_account(found, environment_of(request), clock.now())
    return render(
        request,
        "safety/account.html",
        {
            "section": "accounts",
            "sheet": sheet,
            "environments": Environment.choices,
            "may_decide": bool(DECIDERS & groups_of(request.user)),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff("analyst", "approver")
def flag(request: HttpRequest, account_id: str) -> HttpResponse:
    found = get_object_or_404(Account, pk=account_id)
    form = FlagForm(request.POST or None, initial={"environment": environment_of(request)})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        raise_flag(
            account_id=found.pk,
            environment=given["environment"],
            reason=given["reason"],
            source=Flag.Source.PERSON,
            confidence=given["confidence"],
            evidence={},
            raised_by=actor_of(request),
            note=given["note"],
        )
        messages.success(request, gettext("Flagged. It is in the queue."))
        return redirect(f"{reverse('admin:account', args=[found.pk])}?environment={given['environment']}")
    return render(
        request, "safety/flag.html", {"section": "accounts", "account": None, "subject": found, "form": form}
    )
