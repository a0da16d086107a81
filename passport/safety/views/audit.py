"""The record of what happened, and the proof that it is whole."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from accounts.portal.access import staff
from foundation.ledger.models import EntrySubject, Position
from foundation.ledger.read import head, last_checkpoint
from foundation.ledger.verify import verify_ledger
from foundation.web.paging import keyset
from passport.safety.forms import AuditFilter
from passport.safety.happenings import people_of

MOST_AT_ONCE = 100_000
"""A longer record is verified by ``manage.py verify_ledger``: nobody waits a minute for a page."""


@require_safe
@staff("analyst", "approver", "auditor")
def audit(request: HttpRequest) -> HttpResponse:
    form = AuditFilter(request.GET)
    wanted = form.wanted()
    page = keyset(find_positions(wanted), request, key="-number")
    return render(
        request,
        "safety/audit.html",
        {
            "section": "audit",
            "form": form,
            "filtered": bool(wanted),
            "page": page,
            "who": people_of(row.entry.actor for row in page.rows),
            "head": head(),
            "checkpoint": last_checkpoint(),
        },
    )


def find_positions(wanted: dict[str, str]) -> "QuerySet[Position]":
    """Numbered entries, with their text where it was not erased; by subject, by the beginning of the type."""
    rows = Position.objects.select_related("entry", "entry__text")
    if subject := wanted.get("subject"):
        rows = rows.filter(entry__in=EntrySubject.objects.filter(subject_id=subject).values("entry"))
    if type_ := wanted.get("type"):
        rows = rows.filter(entry__type__startswith=type_)
    return rows


@require_POST
@staff("analyst", "approver", "auditor")
def verify(request: HttpRequest) -> HttpResponse:
    if head() > MOST_AT_ONCE:
        messages.warning(request, gettext("The record is long. Run: python manage.py verify_ledger"))
        return redirect("admin:audit")
    proof = verify_ledger()
    if proof.finding is None:
        messages.success(
            request,
            gettext("Chain verified to #%(entries)d. %(sealed)d entries lie under a signed checkpoint.")
            % {"entries": proof.entries, "sealed": proof.sealed},
        )
    else:
        messages.error(
            request,
            gettext("The record does not fit at #%(number)d: %(fault)s.")
            % {"number": proof.finding.number, "fault": proof.finding.fault},
        )
    return redirect("admin:audit")
