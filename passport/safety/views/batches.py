"""Batches: made, previewed, approved, run, watched, undone. Every rule of theirs lies in the engine."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.portal.access import fresh_factor, groups_of, staff
from foundation import clock
from foundation.web.paging import keyset
from passport.revocation.approve import propose
from passport.revocation.batch import BatchError, State
from passport.revocation.models import BatchMember, RevocationBatch
from passport.revocation.preview import exclude, include, make_preview, record_view
from passport.revocation.run import pause, resume
from passport.revocation.steps import cancel
from passport.revocation.undo import undo
from passport.safety import batches as flow
from passport.safety.forms import BatchForm, ReasonForm, RunForm, UndoForm
from passport.safety.happenings import people_of
from passport.safety.views.accounts import DECIDERS
from passport.safety.views.people import actor_of

CONFLICT, BAD_INPUT = 409, 400
PREFILLED = ("cluster", "account", "agent", "passport", "thumbprint", "signing_key", "since")


@require_safe
@staff("analyst", "approver", "auditor")
def batches(request: HttpRequest) -> HttpResponse:
    page = keyset(RevocationBatch.objects.all(), request, key="-created_at")
    who = people_of(row.requested_by for row in page.rows)
    return render(
        request,
        "safety/batches.html",
        {"section": "batches", "page": page, "who": who, "may_decide": _may_decide(request)},
    )


@require_safe
@staff("approver", "analyst", "auditor")
def approvals(request: HttpRequest) -> HttpResponse:
    waiting = RevocationBatch.objects.filter(state=State.AWAITING)
    page = keyset(waiting, request, key="created_at")
    who = people_of(row.requested_by for row in page.rows)
    return render(request, "safety/approvals.html", {"section": "approvals", "page": page, "who": who})


@require_http_methods(["GET", "HEAD", "POST"])
@staff("analyst", "approver")
def new(request: HttpRequest) -> HttpResponse:
    form = BatchForm(request.POST or None, request.FILES or None, initial=_prefilled(request))
    if request.method == "POST" and form.is_valid():
        try:
            batch = flow.begin(form.asked(), actor=actor_of(request), now=clock.now())
        except BatchError as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("admin:preview", batch.pk)
    return render(request, "safety/batch_new.html", {"section": "batches", "form": form})


def _prefilled(request: HttpRequest) -> dict[str, str]:
    found = {
        "environment": request.GET.get("environment", ""),
        "flag": request.GET.get("flag", "")[:64],
        "reason": request.GET.get("reason", "")[:64],
    }
    for way in PREFILLED:
        if request.GET.get(way):
            found |= {"chosen_by": way, "chosen_from": request.GET[way][:128]}
    return {name: value for name, value in found.items() if value}


@require_safe
@staff("analyst", "approver", "auditor")
def preview(request: HttpRequest, batch_id: str) -> HttpResponse:
    """What would happen. Opening it is noted for the person, for an approval counts from there."""
    batch = get_object_or_404(RevocationBatch, pk=batch_id)
    if batch.state not in flow.OPEN:
        return redirect("admin:batch", batch.pk)
    if _may_decide(request):
        record_view(batch.pk, actor_of(request), now=clock.now())
    return _show_preview(request, batch)


def _show_preview(
    request: HttpRequest,
    batch: RevocationBatch,
    *,
    form: RunForm | None = None,
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    page = keyset(BatchMember.objects.filter(batch=batch), request, key="pk")
    batch.preview = {**flow.NOTHING_COUNTED, **batch.preview}
    number = batch.preview["agents"]
    return render(
        request,
        "safety/preview.html",
        {
            "section": "batches",
            "batch": batch,
            "page": page,
            "lines": flow.lines_of(batch, page.rows),
            "form": form or RunForm(number=number, initial={"digest": batch.set_digest}),
            "two_people": flow.needs_approval(batch, now=clock.now()),
            "who": people_of([batch.requested_by]),
            "refused": refused,
            "may_decide": _may_decide(request),
            "may_approve": "approver" in groups_of(request.user),
            "mine": batch.requested_by == actor_of(request),
        },
        status=status,
    )


@require_POST
@staff("analyst", "approver")
@fresh_factor
def run(request: HttpRequest, batch_id: str) -> HttpResponse:
    batch = get_object_or_404(RevocationBatch, pk=batch_id)
    form = RunForm(request.POST, number=batch.preview.get("agents", 0))
    if not form.is_valid():
        return _show_preview(request, batch, form=form, status=BAD_INPUT)
    try:
        flow.run(batch, form.cleaned_data["digest"], actor=actor_of(request), now=clock.now())
    except BatchError as refused:
        batch.refresh_from_db()
        status = CONFLICT if refused.conflict else BAD_INPUT
        return _show_preview(request, batch, refused=_say(refused), status=status)
    return redirect("admin:batch", batch.pk)


@require_POST
@staff("analyst", "approver")
def ask(request: HttpRequest, batch_id: str) -> HttpResponse:
    """Ask a second person."""
    return _step(
        request, batch_id, lambda actor, now: propose(batch_id, actor, now=now), to="admin:approvals"
    )


@require_POST
@staff("analyst", "approver")
def refresh(request: HttpRequest, batch_id: str) -> HttpResponse:
    """Choose and count anew."""
    return _step(
        request, batch_id, lambda actor, now: make_preview(batch_id, actor=actor, now=now), to="admin:preview"
    )


@require_POST
@staff("analyst", "approver")
def leave_out(request: HttpRequest, batch_id: str) -> HttpResponse:
    account_id, reason = request.POST.get("account", ""), request.POST.get("reason", "")
    return _step(
        request,
        batch_id,
        lambda actor, now: exclude(batch_id, account_id, reason, actor=actor, now=now),
        to="admin:preview",
    )


@require_POST
@staff("analyst", "approver")
def take_in(request: HttpRequest, batch_id: str) -> HttpResponse:
    account_id = request.POST.get("account", "")
    return _step(
        request,
        batch_id,
        lambda actor, now: include(batch_id, account_id, actor=actor, now=now),
        to="admin:preview",
    )


@require_POST
@staff("analyst", "approver")
def give_up(request: HttpRequest, batch_id: str) -> HttpResponse:
    """Cancel, or refuse what another asked for."""
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    return _step(
        request, batch_id, lambda actor, now: cancel(batch_id, actor, reason, now=now), to="admin:batches"
    )


@require_POST
@staff("analyst", "approver")
def hold(request: HttpRequest, batch_id: str) -> HttpResponse:
    return _step(request, batch_id, lambda actor, now: pause(batch_id, actor, now=now), to="admin:batch")


@require_POST
@staff("analyst", "approver")
def go_on(request: HttpRequest, batch_id: str) -> HttpResponse:
    return _step(request, batch_id, lambda actor, now: resume(batch_id, actor, now=now), to="admin:batch")


@require_safe
@staff("analyst", "approver", "auditor")
def batch(request: HttpRequest, batch_id: str) -> HttpResponse:
    found = get_object_or_404(RevocationBatch, pk=batch_id)
    context = {"section": "batches", "batch": found, "progress": flow.progress_of(found)}
    if request.headers.get("HX-Request") and request.GET.get("part") == "progress":
        return render(request, "safety/parts/progress.html", context)
    page = keyset(BatchMember.objects.filter(batch=found), request, key="pk")
    people = [found.requested_by, found.approved_by, found.started_by, found.undone_by]
    context |= {
        "page": page,
        "lines": flow.lines_of(found, page.rows),
        "who": people_of(actor for actor in people if actor),
        "may_decide": _may_decide(request),
        "may_undo": found.state == State.DONE
        and (found.undo_until is None or found.undo_until > clock.now()),
    }
    return render(request, "safety/batch.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@staff("analyst", "approver")
@fresh_factor
def undo_batch(request: HttpRequest, batch_id: str) -> HttpResponse:
    """The way back, with a preview of its own."""
    found = get_object_or_404(RevocationBatch, pk=batch_id)
    if request.method != "POST" and found.state != State.DONE:
        return redirect("admin:batch", found.pk)
    back = flow.way_back(found, clock.now())
    form = UndoForm(request.POST or None, number=back.accounts)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            undo(found.pk, actor_of(request), form.cleaned_data["reason"], now=clock.now())
        except BatchError as refused:
            form.add_error(None, _say(refused))
            status = CONFLICT if refused.conflict else BAD_INPUT
        else:
            return redirect("admin:batch", found.pk)
    return render(
        request,
        "safety/undo.html",
        {"section": "batches", "batch": found, "back": back, "form": form},
        status=BAD_INPUT if form.errors and status == 200 else status,
    )


def _step(request: HttpRequest, batch_id: str, take: "flow.Step", *, to: str) -> HttpResponseRedirect:
    """Take one step and go on; a refusal is said on the page that is shown next."""
    get_object_or_404(RevocationBatch, pk=batch_id)
    try:
        take(actor_of(request), clock.now())
    except BatchError as refused:
        messages.error(request, _say(refused))
        return redirect("admin:preview", batch_id)
    return redirect(to) if to in {"admin:batches", "admin:approvals"} else redirect(to, batch_id)


def _say(refused: BatchError) -> str:
    """What the engine refused, as a sentence."""
    words = str(refused)
    said = f"{words[:1].upper()}{words[1:]}."
    if refused.accounts:
        said += gettext(" It is about: %s.") % ", ".join(refused.accounts[:20])
    return said


def _may_decide(request: HttpRequest) -> bool:
    return bool(DECIDERS & groups_of(request.user))
