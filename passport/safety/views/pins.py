"""A person's word on two accounts of a cluster: together or apart, with a reason and an end."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts.linkage.clusters import members_of
from accounts.linkage.models import Cluster
from accounts.linkage.pins import pin, pins_about, unpin
from accounts.owners.models import Account
from accounts.portal.access import staff
from foundation import clock
from passport.safety.forms import PinForm
from passport.safety.views.people import actor_of


@require_http_methods(["GET", "HEAD", "POST"])
@staff("analyst", "approver")
def place(request: HttpRequest, cluster_id: str) -> HttpResponse:
    found = get_object_or_404(Cluster, pk=cluster_id)
    form = PinForm(request.POST or None, initial={"account": request.GET.get("account", "")[:64]})
    if request.method == "POST" and form.is_valid() and _place(request, found, form):
        messages.success(request, gettext("Pinned. The cluster follows within seconds."))
        return redirect("admin:cluster", found.pk)
    return render(request, "safety/pin.html", {"section": "queue", "cluster": found, "form": form})


def _place(request: HttpRequest, cluster: Cluster, form: PinForm) -> bool:
    """Whether it was placed; else the form says what is wrong."""
    given, now = form.cleaned_data, clock.now()
    account, other = given["account"], given["other"]
    if other not in members_of(cluster.pk):
        form.add_error("other", gettext("This account is not in the cluster."))
    if not Account.objects.filter(pk=account).exists():
        form.add_error("account", gettext("There is no account with this id."))
    if account == other:
        form.add_error("account", gettext("Two different accounts, please."))
    if form.errors:
        return False
    pin(
        account,
        other,
        cluster.environment,
        together=given["together"],
        reason=given["reason"],
        ends_at=now + timedelta(days=given["days"]),
        actor=actor_of(request),
        now=now,
    )
    return True


@require_POST
@staff("analyst", "approver")
def lift(request: HttpRequest, cluster_id: str) -> HttpResponse:
    found = get_object_or_404(Cluster, pk=cluster_id)
    held = {str(one.pk): one for one in pins_about(found.environment, members_of(found.pk))}
    chosen = held.get(request.POST.get("pin", ""))
    if chosen is None or not unpin(chosen.pk, actor=actor_of(request), now=clock.now()):
        messages.error(request, gettext("That pin has ended."))
    else:
        messages.success(request, gettext("Taken back. The cluster follows within seconds."))
    return redirect("admin:cluster", found.pk)
