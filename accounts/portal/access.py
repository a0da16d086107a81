"""Who may enter: members by role, staff by group, and a second factor where it matters.

``for_members`` guards the views of ``/a/<account_id>/…``, ``staff`` those of the console. Both
send a stranger away with 404, so that nobody learns which accounts exist.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.internal.flows.reauthentication import suspend_request
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext

from accounts.owners.models import Account, Membership
from accounts.people import factors
from accounts.people.models import User
from accounts.people.roles import STAFF_ROLES
from foundation import clock

type View = Callable[..., HttpResponseBase]

ROLES = frozenset(Membership.Role.values)
CONSOLE_GROUPS = frozenset(STAFF_ROLES)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def for_members(*roles: str) -> Callable[[View], View]:
    """Let members of these roles in; all roles when none is named.

    The view is called with ``(request, account, membership, …)``. Nobody signed in: the sign-in
    page. No member: 404. Another role: the 403 page. A closed account can be read, not changed.
    """
    allowed = frozenset(roles) or ROLES
    if unknown := allowed - ROLES:
        raise ValueError(f"no such role: {', '.join(sorted(unknown))}")

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, account_id: str, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            membership = find_membership(request.user, account_id)
            if membership is None:
                raise Http404("no such account")
            request.account = membership.account  # type: ignore[attr-defined]
            request.membership = membership  # type: ignore[attr-defined]
            check_role(membership, allowed)
            check_open(membership.account, request.method or "")
            return keep_private(view(request, membership.account, membership, *args, **kwargs))

        return guarded

    return decorate


def fresh_factor(view: View) -> View:
    """Ask for a second factor that was shown within ten minutes; stands below ``for_members`` or ``staff``.

    Who has none is sent to set one up. A POST goes on by itself after the factor was shown.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, User):
            return redirect_to_login(request.get_full_path())
        if factors.is_fresh(request, user, clock.now().timestamp()):
            return view(request, *args, **kwargs)
        return ask_for_factor(request, user)

    return guarded


def staff(*groups: str) -> Callable[[View], View]:
    """Let staff of these groups in, with a second factor shown in this session; any group when none is named.

    Superusers count as every group. Not staff: 404. Another group: the 403 page.
    """
    allowed = frozenset(groups) or CONSOLE_GROUPS
    if unknown := allowed - CONSOLE_GROUPS:
        raise ValueError(f"no such group: {', '.join(sorted(unknown))}")

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user = request.user
            if not isinstance(user, User):
                return redirect_to_login(request.get_full_path())
            if not user.is_staff:
                raise Http404("no such page")
            if factors.shown_at(request, user) is None:
                return ask_for_factor(request, user)
            if not allowed & groups_of(user):
                raise PermissionDenied(gettext("Your groups do not include this page. Ask an operator."))
            return keep_private(view(request, *args, **kwargs))

        return guarded

    return decorate


def may_enter_console(request: HttpRequest) -> bool:
    """Staff with a second factor shown in this session, in at least one group."""
    user = request.user
    if not isinstance(user, User) or not user.is_active or not user.is_staff:
        return False
    return bool(groups_of(user)) and factors.shown_at(request, user) is not None


def groups_of(user: User | AnonymousUser) -> frozenset[str]:
    """The console's groups a person is in; all of them for a superuser, none without ``is_staff``."""
    if not isinstance(user, User) or not user.is_staff:
        return frozenset()
    if user.is_superuser:
        return CONSOLE_GROUPS
    return CONSOLE_GROUPS & frozenset(user.groups.values_list("name", flat=True))


def find_membership(user: User, account_id: str) -> Membership | None:
    found = Membership.objects.select_related("account").filter(user=user, account_id=account_id)
    return found.first()


def check_role(membership: Membership, allowed: frozenset[str]) -> None:
    if membership.role not in allowed:
        names = ", ".join(str(Membership.Role(role).label).lower() for role in sorted(allowed, reverse=True))
        raise PermissionDenied(
            gettext("You are a %(role)s of this account. This is open to: %(roles)s.")
            % {"role": membership.get_role_display().lower(), "roles": names}
        )


def check_open(account: Account, method: str) -> None:
    if account.state == Account.State.CLOSED and method not in SAFE_METHODS:
        raise PermissionDenied(gettext("This account is closed. It can be read, not changed."))


def ask_for_factor(request: HttpRequest, user: User) -> HttpResponse:
    types = factors.types_of(user)
    page = factors.page_that_asks(types)
    if types:
        return suspend_request(request, page)  # type: ignore[no-any-return]
    messages.info(request, gettext("This step needs a second factor. Set one up first."))
    return redirect(page)


def keep_private[R: HttpResponseBase](response: R) -> R:
    """Pages about an account stay out of caches, and out of the way back after signing out."""
    response.headers.setdefault("Cache-Control", "private, no-store")
    return response
