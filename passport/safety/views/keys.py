"""Our own signing keys: what each does now, and what comes next."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from accounts.portal.access import fresh_factor, groups_of, staff
from foundation import clock
from foundation.web.parts import exact
from passport.safety.views.people import actor_of
from passport.signing import keys as signing
from passport.signing.life import KEPT_AFTER_USE, PUBLISHED_BEFORE_USE, TooEarly
from passport.signing.models import SigningKey

ROTATE_AFTER = timedelta(days=90)
"""How long one key signs before the page asks for the next."""


@dataclass(frozen=True, slots=True)
class Step:
    """A key, and what happens to it next."""

    key: SigningKey
    words: str
    at: datetime | None


@require_safe
@staff("auditor", "operator")
def keys(request: HttpRequest) -> HttpResponse:
    rows = SigningKey.objects.order_by("use", "-created_at")[:100]
    return render(
        request,
        "safety/keys.html",
        {
            "section": "keys",
            "steps": [next_step(key) for key in rows],
            "may_rotate": "operator" in groups_of(request.user),
        },
    )


def next_step(key: SigningKey) -> Step:
    match key.state:
        case SigningKey.State.NEXT:
            return Step(key, gettext("May sign from"), key.created_at + PUBLISHED_BEFORE_USE)
        case SigningKey.State.ACTIVE:
            return Step(key, gettext("Rotate by"), (key.activated_at or key.created_at) + ROTATE_AFTER)
        case SigningKey.State.RETIRING:
            return Step(key, gettext("Withdrawn after its last token"), _kept_until(key))
        case SigningKey.State.LEAKED:
            return Step(key, gettext("Withdrawn; nothing it signed is accepted"), None)
        case _:
            return Step(key, gettext("Withdrawn"), None)


def _kept_until(key: SigningKey) -> datetime:
    return (key.retiring_at or key.created_at) + KEPT_AFTER_USE


@require_POST
@staff("operator")
@fresh_factor
def rotate(request: HttpRequest) -> HttpResponse:
    try:
        kid = signing.rotate(actor=actor_of(request), now=clock.now())
    except TooEarly as early:
        messages.warning(
            request,
            gettext("The next key was not published for a day yet: services may not know it. From %s.")
            % exact(early.ready_at),
        )
    else:
        messages.success(request, gettext("Rotated. %s signs from now on.") % kid[:12])
    return redirect("admin:keys")
