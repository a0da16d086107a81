"""The switches for the worst day."""

from datetime import timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from accounts.portal.access import fresh_factor, groups_of, staff
from foundation import clock
from passport.restrictions.switches import Name, set_switch, settings
from passport.safety.forms import SwitchForm
from passport.safety.happenings import people_of
from passport.safety.views.people import actor_of

TURNERS = frozenset({"approver", "operator"})


@require_safe
@staff()
def switches(request: HttpRequest) -> HttpResponse:
    rows = settings(clock.now())
    return render(
        request,
        "safety/switches.html",
        {
            "section": "switches",
            "switches": rows,
            "form": SwitchForm(),
            "who": people_of(row.changed_by for row in rows if row.changed_by),
            "may_turn": bool(TURNERS & groups_of(request.user)),
        },
    )


@require_POST
@staff("approver", "operator")
@fresh_factor
def turn(request: HttpRequest, name: str) -> HttpResponse:
    if name not in Name.values:
        raise Http404("no such switch")
    form = SwitchForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("Say why: whoever turns it back must know."))
        return redirect("admin:switches")
    given, now = form.cleaned_data, clock.now()
    until = now + timedelta(hours=given["hours"]) if given["hours"] and given["on"] else None
    set_switch(name, on=given["on"], reason=given["reason"], actor=actor_of(request), now=now, until=until)
    messages.success(request, gettext("%s: done.") % Name(name).label)
    return redirect("admin:switches")
