"""One cluster: who is in, why, how the ties look, who stands beside and why not in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.linkage.models import Cluster
from accounts.linkage.pins import pins_about
from accounts.portal.access import groups_of, staff
from foundation import clock
from passport.safety.link_graph import Held, Tie, draw
from passport.safety.sheets import read_cluster
from passport.safety.views.accounts import DECIDERS

SHOWN_MEMBERS = 25
"""The most doubtful come first; the rest on demand."""
MOST_MEMBERS = 1_000


@require_safe
@staff("analyst", "approver", "auditor")
def cluster(request: HttpRequest, cluster_id: str) -> HttpResponse:
    found = get_object_or_404(Cluster.objects.select_related("merged_into", "split_from"), pk=cluster_id)
    sheet = read_cluster(found, clock.now())
    shown = sheet.members[: MOST_MEMBERS if request.GET.get("all") else SHOWN_MEMBERS]
    drawing = draw(
        {
            member.account.pk: [Held(Tie(one.kind, one.tag), one.bits) for one in member.reasons]
            for member in sheet.members
        },
        {member.account.pk: member.account.name for member in sheet.members},
    )
    return render(
        request,
        "safety/cluster.html",
        {
            "section": "queue",
            "sheet": sheet,
            "shown": shown,
            "more_members": len(sheet.members) - len(shown),
            "drawing": drawing,
            "pins": pins_about(found.environment, [member.account.pk for member in sheet.members]),
            "may_decide": bool(DECIDERS & groups_of(request.user)),
        },
    )
