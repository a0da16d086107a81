"""Second factors: who has one, when it was last shown in this session, and where it is asked for."""

from collections.abc import Iterable

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from django.http import HttpRequest
from django.urls import reverse

from accounts.people.models import User

FRESH_SECONDS = 600
"""How long a second factor counts for what is hard to take back."""

REAL_TYPES = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
"""Recovery codes help when one of these is lost; alone they are no factor."""


def types_of(user: User) -> frozenset[str]:
    """The kinds of second factor the person has: ``totp``, ``webauthn``."""
    found = Authenticator.objects.filter(user=user, type__in=REAL_TYPES)
    return frozenset(found.values_list("type", flat=True))


def users_with_factor(user_ids: Iterable[str]) -> frozenset[str]:
    found = Authenticator.objects.filter(user_id__in=list(user_ids), type__in=REAL_TYPES)
    return frozenset(found.values_list("user_id", flat=True))


def shown_at(request: HttpRequest, user: User) -> float | None:
    """Unix time of the last second factor shown in this session, or None."""
    moments = [
        float(record.get("at", 0))
        for record in get_authentication_records(request, user)
        if record.get("method") == "mfa"
    ]
    return max(moments, default=None)


def is_fresh(request: HttpRequest, user: User, now: float) -> bool:
    """Whether a second factor was shown within the last ten minutes. ``now`` is Unix time."""
    at = shown_at(request, user)
    return at is not None and now - at < FRESH_SECONDS


def page_that_asks(types: frozenset[str]) -> str:
    """The page that asks for a factor of ``types``; the one that sets a first one up when there is none."""
    if Authenticator.Type.TOTP in types:
        return reverse("mfa_reauthenticate")
    if Authenticator.Type.WEBAUTHN in types:
        return reverse("mfa_reauthenticate_webauthn")
    return reverse("mfa_activate_totp")
