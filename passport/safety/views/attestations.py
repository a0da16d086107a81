"""Results of identity and payment that wait for a person: looked at, released or refused with a reason."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from accounts.linkage.clusters import places_of
from accounts.owners.models import Account
from accounts.portal.access import fresh_factor, groups_of, staff
from attestation.evidence.held import held, shared_by, sharers_of
from attestation.evidence.models import Attestation
from attestation.evidence.record import refuse, release
from attestation.evidence.standing import levels_of
from foundation import clock
from foundation.web.paging import keyset
from passport.safety.forms import DecisionForm
from passport.safety.happenings import people_of
from passport.safety.views.accounts import DECIDERS
from passport.safety.views.people import actor_of

BAD_INPUT = 400


@require_safe
@staff("analyst", "approver", "auditor")
def attestations(request: HttpRequest) -> HttpResponse:
    page = keyset(held(), request, key="updated_at")
    return render(
        request,
        "safety/attestations.html",
        {"section": "attestations", "page": page, "sharers": sharers_of(page.rows)},
    )


@require_safe
@staff("analyst", "approver", "auditor")
def attestation(request: HttpRequest, attestation_id: str) -> HttpResponse:
    return _show(request, _held_once(attestation_id), DecisionForm())


def _held_once(attestation_id: str) -> Attestation:
    """Only what is or was held has a page here: nobody browses proofs."""
    rows = Attestation.objects.select_related("account").exclude(hold="")
    return get_object_or_404(rows, pk=attestation_id)


def _show(request: HttpRequest, row: Attestation, form: DecisionForm, status: int = 200) -> HttpResponse:
    sharing = shared_by(row)
    waits = held().filter(pk=row.pk).exists()
    return render(
        request,
        "safety/attestation.html",
        {
            "section": "attestations",
            "row": row,
            "waits": waits,
            "sharing": sharing,
            "accounts": Account.objects.in_bulk({one.account_id for one in sharing}),
            "levels": levels_of(row.account_id, row.environment, clock.now()),
            "place": places_of([(row.account_id, row.environment)]).get((row.account_id, row.environment)),
            "who": people_of([row.released_by] if row.released_by else []),
            "form": form,
            "may_decide": waits and bool(DECIDERS & groups_of(request.user)),
        },
        status=status,
    )


@require_POST
@staff("analyst", "approver")
@fresh_factor
def decide(request: HttpRequest, attestation_id: str, decision: str) -> HttpResponse:
    row = _held_once(attestation_id)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _show(request, row, form, BAD_INPUT)
    act = release if decision == "release" else refuse
    if act(row.pk, actor=actor_of(request), now=clock.now(), note=form.cleaned_data["reason"]):
        said = (
            gettext("Released: it counts.")
            if decision == "release"
            else gettext("Refused: it does not count.")
        )
        messages.success(request, said)
    else:
        messages.warning(request, gettext("Somebody decided this before you. Their word stands."))
    return redirect("admin:attestations")
