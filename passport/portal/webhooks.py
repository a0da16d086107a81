"""Webhooks of an account, and the event streams of its services: what goes out, and how it went."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.owners.models import Account, Membership
from accounts.portal.access import for_members, fresh_factor
from foundation import clock
from foundation.web.paging import keyset
from passport.events.ssf.models import EventStream, StreamEvent
from passport.events.ssf.redeliver import redeliver as redeliver_event
from passport.events.webhooks import endpoints
from passport.events.webhooks.endpoints import EndpointRefused
from passport.events.webhooks.messages import EVENTS
from passport.events.webhooks.models import WebhookDelivery, WebhookEndpoint
from passport.events.webhooks.send import redeliver
from passport.portal.agents import MAKERS, actor_of


class Endpoint(forms.Form):
    url = forms.URLField(
        label=gettext_lazy("Address"),
        max_length=1000,
        assume_scheme="https",
        help_text=gettext_lazy(
            "https, on the public internet. It answers a POST with 2xx within 10 seconds."
        ),
    )
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Events"),
        choices=[(name, f"{name}: {words}") for name, words in EVENTS.items()],
        widget=forms.CheckboxSelectMultiple,
        initial=list(EVENTS),
    )


class Change(Endpoint):
    enabled = forms.BooleanField(label=gettext_lazy("Send"), required=False)


@require_GET
@for_members(*MAKERS)
def streams(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    """Two queries, however many there are."""
    hooks = WebhookEndpoint.objects.filter(account=account).order_by("created_at", "pk")
    found = EventStream.objects.filter(service__account=account).select_related("service")
    page = {"section": "streams", "hooks": hooks, "streams": found.order_by("created_at", "pk")}
    return render(request, "passport_portal/streams.html", page)


@require_http_methods(["GET", "POST"])
@for_members(*MAKERS)
@fresh_factor
def new_webhook(request: HttpRequest, account: Account, membership: Membership) -> HttpResponse:
    """The secret is in the answer to the POST that made it, and nowhere else."""
    form = Endpoint(request.POST or None)
    page: dict[str, Any] = {"section": "streams", "form": form}
    if request.method == "POST" and form.is_valid():
        try:
            page["hook"], page["secret"] = endpoints.add_endpoint(
                account.pk,
                form.cleaned_data["url"],
                form.cleaned_data["events"],
                actor=actor_of(request),
                now=clock.now(),
            )
        except EndpointRefused as refused:
            form.add_error("url", str(refused))
    return _once(render(request, "passport_portal/webhook_new.html", page))


@require_http_methods(["GET", "POST"])
@for_members(*MAKERS)
@fresh_factor
def webhook(request: HttpRequest, account: Account, membership: Membership, hook_id: str) -> HttpResponse:
    hook = _hook(account, hook_id)
    initial = {"url": hook.url, "events": hook.events, "enabled": hook.enabled}
    form = Change(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            endpoints.change_endpoint(hook, **form.cleaned_data, actor=actor_of(request), now=clock.now())
        except EndpointRefused as refused:
            form.add_error("url", str(refused))
        else:
            messages.success(request, _("Saved."))
            return redirect("webhook", account_id=account.pk, hook_id=hook.pk)
    found = keyset(WebhookDelivery.objects.filter(endpoint=hook), request, key="-created_at")
    page = {"section": "streams", "hook": hook, "form": form, "page": found}
    return render(request, "passport_portal/webhook.html", page)


@require_POST
@for_members(*MAKERS)
@fresh_factor
def act_on_webhook(
    request: HttpRequest, account: Account, membership: Membership, hook_id: str, action: str
) -> HttpResponse:
    hook, by, now = _hook(account, hook_id), actor_of(request), clock.now()
    if action == "rotate":
        secret = endpoints.rotate_secret(hook, actor=by, now=now)
        page = {"section": "streams", "hook": hook, "secret": secret, "rotated": True}
        return _once(render(request, "passport_portal/webhook_new.html", page))
    if action == "remove":
        endpoints.remove_endpoint(hook, actor=by, now=now)
        messages.success(request, _("The webhook is removed."))
        return redirect("streams", account_id=account.pk)
    if action != "test":
        raise Http404("no such action")
    endpoints.send_test(hook, now=now)
    messages.success(request, _("A test event is on its way: reload this page to see how it went."))
    return redirect("webhook", account_id=account.pk, hook_id=hook.pk)


@require_POST
@for_members(*MAKERS)
@fresh_factor
def redeliver_message(
    request: HttpRequest, account: Account, membership: Membership, hook_id: str, message_id: str
) -> HttpResponse:
    hook = _hook(account, hook_id)
    delivery = WebhookDelivery.objects.filter(pk=message_id, endpoint=hook).first()
    if delivery is None:
        raise Http404("no such delivery")
    redeliver(delivery, now=clock.now())
    messages.success(request, _("It is sent again, with the same id."))
    return redirect("webhook", account_id=account.pk, hook_id=hook.pk)


@require_http_methods(["GET", "POST"])
@for_members(*MAKERS)
@fresh_factor
def stream(request: HttpRequest, account: Account, membership: Membership, stream_id: str) -> HttpResponse:
    """The newest events of a stream; a dead letter is sent again by its button."""
    found = EventStream.objects.filter(pk=stream_id, service__account=account).select_related("service")
    row = found.first()
    if row is None:
        raise Http404("no such stream")
    if request.method == "POST":
        if not redeliver_event(row, request.POST.get("jti", "")):
            raise Http404("no such event")
        messages.success(request, _("It waits to be sent again, with the same jti."))
        return redirect("stream", account_id=account.pk, stream_id=row.pk)
    events = StreamEvent.objects.filter(stream=row)
    if (state := request.GET.get("state", "")) in StreamEvent.State.values:
        events = events.filter(state=state)
    page = {"section": "streams", "stream": row, "page": keyset(events, request), "state": state}
    return render(request, "passport_portal/stream.html", page)


def _hook(account: Account, hook_id: str) -> WebhookEndpoint:
    hook = WebhookEndpoint.objects.filter(pk=hook_id, account=account).first()
    if hook is None:
        raise Http404("no such webhook")
    return hook


def _once(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "private, no-store"
    return response
