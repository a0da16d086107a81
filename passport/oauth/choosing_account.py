"""Whoever asks to manage an account manages one: the person says which, on the page that asks them."""

from django.http import HttpRequest

from accounts.owners.members import open_memberships_of
from accounts.owners.models import Membership
from accounts.people import factors
from accounts.people.models import User
from foundation import clock
from passport.errors import AccessDenied
from passport.exchange.consenting import Ask


def choices(ask: Ask, user: User) -> list[Membership]:
    """What the person can choose from; empty where no account is to be managed.

    Raises AccessDenied for a person without an account.
    """
    if not ask.manages:
        return []
    held = open_memberships_of(user.pk)
    if not held:
        raise AccessDenied("you are in no account that could be managed: open one first")
    return held


def is_chosen(ask: Ask, user: User, chosen: str) -> bool:
    """Whether ``chosen`` says which; where not, the page is shown again. Raises AccessDenied."""
    return not ask.manages or chosen in {membership.account_id for membership in choices(ask, user)}


def needs_factor(request: HttpRequest, user: User, ask: Ask) -> bool:
    """What changes an account in the portal asks for a second factor; so does leave to change it."""
    return ask.changes_account and not factors.is_fresh(request, user, clock.now().timestamp())
