"""The queue of open flags, and the word that decides one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from accounts.flags.models import Flag
from accounts.flags.queue import open_flags, waiting
from accounts.flags.raising import decide_flag
from accounts.linkage.models import Environment
from accounts.portal.access import staff
from foundation import clock
from foundation.web.paging import keyset
from passport.safety.views.people import actor_of


@require_safe
@staff("analyst", "approver", "auditor")
def queue(request: HttpRequest) -> HttpResponse:
    environment = request.GET.get("environment", "")
    if environment not in Environment.values:
        environment = ""
    page = keyset(open_flags(environment), request, key="raised_at")
    return render(
        request,
        "safety/queue.html",
        {
            "section": "queue",
            "page": page,
            "lines": waiting(page.rows, now=clock.now()),
            "environment": environment,
            "environments": Environment.choices,
        },
    )


@require_POST
@staff("analyst", "approver")
def decide(request: HttpRequest, flag_id: str, decision: str) -> HttpResponse:
    flag = get_object_or_404(Flag, pk=flag_id)
    state = Flag.State.DISMISSED if decision == "dismiss" else Flag.State.CONFIRMED
    if decide_flag(flag.pk, state, actor_of(request)):
        messages.success(request, gettext("The flag is decided: %s.") % state.label.lower())
    else:
        messages.warning(request, gettext("Somebody decided this flag before you. Their word stands."))
    return redirect("admin:queue")
