"""Pages about oneself and about finding one's way: the start, one's accounts, next steps, the profile."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods

from accounts.owners.models import Account, Membership
from accounts.people import factors
from accounts.people.models import User
from accounts.portal import steps
from accounts.portal.access import for_members
from accounts.portal.context import visible
from accounts.portal.forms import OpenAccount, Profile
from accounts.portal.menus import ACCOUNT_PAGES
from accounts.portal.opening import open_from_browser
from foundation import clock
from foundation.web.addresses import client_address


@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """Strangers: what this is, and the way in. Members: their account, or the choice between several."""
    user = request.user
    if not isinstance(user, User):
        return render(request, "portal/welcome.html")
    memberships = list(
        Membership.objects.filter(user=user).select_related("account").order_by("account__name", "pk")[:50]
    )
    if not memberships:
        return redirect("admin:index" if user.is_staff else "account_new")
    if len(memberships) == 1:
        return redirect("account_home", account_id=memberships[0].account_id)
    return render(request, "portal/choose.html", {"memberships": memberships})


@require_http_methods(["GET", "POST"])
@login_required
def new_account(request: HttpRequest) -> HttpResponse:
    form = OpenAccount(request.POST or None)
    if request.method == "POST" and form.is_valid() and isinstance(request.user, User):
        account = open_from_browser(
            request.user,
            form.cleaned_data["name"],
            form.cleaned_data["kind"],
            device=getattr(request, "device", ""),
            address=client_address(request),
            now=clock.now(),
        )
        return redirect("account_start", account_id=account.pk)
    return render(request, "portal/new_account.html", {"form": form})


@require_GET
@for_members()
def home(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    """Owners of an account that is not set up: the next steps. Everybody else: the first page of the menu."""
    if membership.role == Membership.Role.OWNER and not steps.all_done(account, membership.user):
        return redirect("account_start", account_id=account.pk)
    pages = visible(ACCOUNT_PAGES, frozenset({membership.role}), {"account_id": account.pk})
    return redirect(next(page.url for page in pages if page.section != "start"))


@require_GET
@for_members("owner")
def next_steps(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    shown = steps.steps_of(account, membership.user)
    done = sum(step.progress == steps.Progress.DONE for step in shown)
    return render(
        request, "portal/start.html", {"section": "start", "steps": shown, "done": done, "total": len(shown)}
    )


@require_http_methods(["GET", "POST"])
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    user = request.user
    if not isinstance(user, User):
        return redirect("account_login")
    form = Profile(request.POST or None, initial={"name": user.name})
    if request.method == "POST" and form.is_valid():
        user.name = form.cleaned_data["name"]
        user.save(update_fields=["name"])
        messages.success(request, gettext("Your profile is saved."))
        return redirect("profile")
    memberships = Membership.objects.filter(user=user).select_related("account").order_by("account__name")
    page = {"form": form, "memberships": memberships[:50], "factor_types": factors.types_of(user)}
    return render(request, "portal/profile.html", page)
