"""What the frame of a page shows about where one is: the account, its pages, one's other accounts."""

from typing import NamedTuple

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from accounts.owners.models import Account, Membership
from accounts.people.models import User
from accounts.portal.access import groups_of
from accounts.portal.menus import ACCOUNT_PAGES, CONSOLE_PAGES, Menu


class Place(NamedTuple):
    section: str
    name: str
    icon: str
    url: str


def places(request: HttpRequest) -> dict[str, object]:
    """Nothing is queried until a template asks. ``for_members`` put account and membership there."""
    account: Account | None = getattr(request, "account", None)
    membership: Membership | None = getattr(request, "membership", None)
    user = getattr(request, "user", AnonymousUser())
    found: dict[str, object] = {"console_menu": SimpleLazyObject(lambda: console_menu(user))}
    if account is not None and membership is not None:
        roles = frozenset({membership.role})
        found |= {
            "account": account,
            "membership": membership,
            "account_menu": SimpleLazyObject(
                lambda: visible(ACCOUNT_PAGES, roles, {"account_id": account.pk})
            ),
            "own_accounts": SimpleLazyObject(lambda: own_accounts(user)),
        }
    return found


def own_accounts(user: User | AnonymousUser) -> list[Account]:
    if not isinstance(user, User):
        return []
    return list(Account.objects.filter(memberships__user=user).order_by("name", "pk")[:50])


def console_menu(user: User | AnonymousUser) -> list[Place]:
    return visible(CONSOLE_PAGES, groups_of(user), {})


def visible(menu: Menu, roles: frozenset[str], arguments: dict[str, str]) -> list[Place]:
    return [
        Place(item.section, item.name, item.icon, reverse(item.url_name, kwargs=arguments))
        for item in menu.visible_to(roles)
    ]
