"""Pages of one account: members, invitations, activity, settings."""

from django.conf import settings
from django.contrib import messages
from django.core.mail import EmailMessage
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.owners import accounts, members
from accounts.owners.models import Account, Membership
from accounts.people import factors
from accounts.people.models import User
from accounts.people.post import post
from accounts.portal import activity
from accounts.portal.access import for_members, fresh_factor
from accounts.portal.forms import ChangeRole, CloseAccount, Invite, RenameAccount
from foundation import clock

NO_STORE = {"Cache-Control": "private, no-store"}


@require_GET
@for_members("owner")
def members_page(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    return show_members(request, account, Invite())


def show_members(request: HttpRequest, account: Account, form: Invite) -> HttpResponse:
    rows = members.members_of(account.pk)
    page = {
        "section": "members",
        "members": rows,
        "with_factor": factors.users_with_factor(row.user_id for row in rows),
        "invitations": members.open_invitations(account.pk, clock.now()),
        "form": form,
    }
    return render(request, "portal/members.html", page, status=422 if form.errors else 200)


@require_POST
@for_members("owner")
@fresh_factor
def invite(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    form = Invite(request.POST)
    if not form.is_valid():
        return show_members(request, account, form)
    email, role = form.cleaned_data["email"], form.cleaned_data["role"]
    try:
        _, token = members.invite(account.pk, email, role, actor=membership.user, now=clock.now())
    except members.CannotInvite as refusal:
        form.add_error("email", str(refusal))
        return show_members(request, account, form)
    send_invitation(account, membership.user, email, role, token)
    messages.success(request, gettext("An invitation is on its way to %(email)s.") % {"email": email.lower()})
    return redirect("members", account_id=account.pk)


def send_invitation(account: Account, inviter: User, email: str, role: str, token: str) -> None:
    url = settings.ISSUER + reverse("invitation", kwargs={"token": token})
    words = {"account": account, "inviter": inviter, "role": Membership.Role(role).label, "url": url}
    subject = gettext("Join %(account)s on Agent Passport") % {"account": account.name}
    body = render_to_string("portal/email/invitation.txt", words)
    post(EmailMessage(subject=subject, body=body, to=[email]))


@require_POST
@for_members("owner")
@fresh_factor
def withdraw(
    request: HttpRequest, account: Account, membership: Membership, invitation_id: int
) -> HttpResponse:
    if not members.withdraw(account.pk, invitation_id, actor=membership.user, now=clock.now()):
        raise Http404("no such invitation")
    messages.success(request, gettext("The invitation is withdrawn; its link no longer works."))
    return redirect("members", account_id=account.pk)


@require_http_methods(["GET", "POST"])
@for_members("owner")
@fresh_factor
def member(request: HttpRequest, account: Account, membership: Membership, member_id: int) -> HttpResponse:
    """Change a member's role."""
    person = get_member(account, member_id)
    form = ChangeRole(request.POST or None, initial={"role": person.role})
    if request.method == "POST" and form.is_valid():
        try:
            role = form.cleaned_data["role"]
            members.change_role(account.pk, member_id, role, actor=membership.user, now=clock.now())
        except members.LastOwner as refusal:
            form.add_error("role", str(refusal))
        else:
            messages.success(request, gettext("The role is changed."))
            return redirect("account_home" if person.user_id == membership.user_id else "members", account.pk)
    page = {"section": "members", "person": person, "form": form}
    return render(request, "portal/member.html", page, status=422 if form.errors else 200)


@require_POST
@for_members("owner")
@fresh_factor
def remove_member(
    request: HttpRequest, account: Account, membership: Membership, member_id: int
) -> HttpResponse:
    person = get_member(account, member_id)
    try:
        members.remove(account.pk, member_id, actor=membership.user, now=clock.now())
    except members.LastOwner as refusal:
        messages.error(request, str(refusal))
        return redirect("members", account_id=account.pk)
    messages.success(
        request, gettext("%(name)s is no longer a member.") % {"name": person.user.get_full_name()}
    )
    return redirect("start") if person.user_id == membership.user_id else redirect("members", account.pk)


def get_member(account: Account, member_id: int) -> Membership:
    found = Membership.objects.filter(pk=member_id, account=account).select_related("user").first()
    if found is None:
        raise Http404("no such member")
    return found


@require_http_methods(["GET", "POST"])
@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The link of an invitation: shown to anybody who holds it, taken by the person it names."""
    now = clock.now()
    offer = members.find_invitation(token, now)
    user = request.user
    if request.method == "POST" and isinstance(user, User):
        try:
            joined = members.accept(token, user, now=now)
        except members.CannotAccept as refusal:
            messages.error(request, str(refusal))
            return redirect("invitation", token=token)
        messages.success(request, gettext("You are a member now."))
        return redirect("account_home", account_id=joined.account_id)
    page = {
        "offer": offer,
        "token": token,
        "fits": isinstance(user, User) and offer and offer.email == user.email,
    }
    return render(request, "portal/invitation.html", page, status=200 if offer else 404)


@require_GET
@for_members()
def activity_page(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    lines = activity.read_lines(account.pk, before=parse_number(request.GET.get("before", "")))
    page = {"section": "activity", "lines": lines, "is_first": "before" not in request.GET}
    return render(request, "portal/activity.html", page)


@require_GET
@for_members()
def activity_csv(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    lines = activity.read_lines(account.pk, before=None, size=activity.MOST_EXPORTED)
    return HttpResponse(
        activity.write_csv(lines.rows),
        content_type="text/csv; charset=utf-8",
        headers={**NO_STORE, "Content-Disposition": 'attachment; filename="activity.csv"'},
    )


def parse_number(raw: str) -> int | None:
    """A positive number of at most 18 digits, or None."""
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= 18 else None


@require_http_methods(["GET", "POST"])
@for_members("owner")
def settings_page(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    form = RenameAccount(request.POST or None, initial={"name": account.name})
    if request.method == "POST" and form.is_valid():
        accounts.rename_account(account.pk, form.cleaned_data["name"], actor=membership.user, now=clock.now())
        messages.success(request, gettext("The name is saved."))
        return redirect("account_settings", account_id=account.pk)
    page = {"section": "settings", "form": form}
    return render(request, "portal/settings.html", page, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@for_members("owner")
@fresh_factor
def close(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    form = CloseAccount(request.POST or None, account_name=account.name)
    if request.method == "POST" and form.is_valid():
        try:
            accounts.close_account(account.pk, actor=membership.user, now=clock.now())
        except accounts.CannotClose as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, gettext("The account is closed."))
            return redirect("start")
    page = {"section": "settings", "form": form}
    return render(request, "portal/close.html", page, status=422 if form.errors else 200)
