"""The keys of a service that belongs to this account: added, changed without a gap, removed, or published."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.owners.models import Account, Membership
from accounts.portal.access import for_members, fresh_factor
from foundation import clock
from passport.agents.client_metadata import MOST_URL
from passport.portal.agents import MAKERS, actor_of
from passport.portal.forms import Key
from passport.services.key_registration import add_key, end_secret, publish_at, remove_key
from passport.services.keys import read_keys
from passport.services.models import Service
from passport.services.registration import ServiceRefused


class Place(forms.Form):
    jwks_uri = forms.CharField(
        label=gettext_lazy("URL of its key set"),
        max_length=MOST_URL,
        required=False,
        help_text=gettext_lazy(
            "https, a JWK set of at most 10 public keys, which then are its only ones. "
            "Empty: its keys are registered here."
        ),
    )


@require_safe
@for_members(*MAKERS)
def service_keys(
    request: HttpRequest, account: Account, membership: Membership, service_id: str
) -> HttpResponse:
    service = get_service(account, service_id)
    page = {"section": "services", "service": service, "keys": list(read_keys(service.jwks))}
    return render(request, "passport_portal/service_keys.html", page)


@require_http_methods(["GET", "POST"])
@for_members(*MAKERS)
@fresh_factor
def new_service_key(
    request: HttpRequest, account: Account, membership: Membership, service_id: str
) -> HttpResponse:
    service = get_service(account, service_id)
    form = Key(request.POST or None)

    def act() -> None:
        add_key(service, form.public, actor=actor_of(request), now=clock.now())

    said = _("The key is added. Remove the old one when the service uses it.")
    return _answer(request, account, service, form, act, said, template="service_key_new.html", field="jwk")


@require_http_methods(["GET", "POST"])
@for_members(*MAKERS)
@fresh_factor
def publish_service_keys(
    request: HttpRequest, account: Account, membership: Membership, service_id: str
) -> HttpResponse:
    service = get_service(account, service_id)
    form = Place(request.POST or None, initial={"jwks_uri": service.jwks_uri})

    def act() -> None:
        publish_at(service, form.cleaned_data["jwks_uri"], actor=actor_of(request), now=clock.now())

    said = _("The address is kept, and its keys are read.")
    return _answer(
        request, account, service, form, act, said, template="service_keys_url.html", field="jwks_uri"
    )


@require_POST
@for_members(*MAKERS)
@fresh_factor
def remove_service_key(
    request: HttpRequest, account: Account, membership: Membership, service_id: str, thumbprint: str
) -> HttpResponse:
    service = get_service(account, service_id)

    def act() -> None:
        if not remove_key(service, thumbprint, actor=actor_of(request), now=clock.now()):
            raise Http404("no such key")

    return _act(request, account, service, act, _("The key no longer works."))


@require_POST
@for_members(*MAKERS)
@fresh_factor
def end_service_secret(
    request: HttpRequest, account: Account, membership: Membership, service_id: str
) -> HttpResponse:
    service = get_service(account, service_id)

    def act() -> None:
        end_secret(service, actor=actor_of(request), now=clock.now())

    return _act(request, account, service, act, _("The secret no longer works."))


def get_service(account: Account, service_id: str) -> Service:
    """One of the account's own. Raises Http404."""
    service = Service.objects.filter(pk=service_id, account=account).first()
    if service is None:
        raise Http404("no such service")
    return service


def _answer(
    request: HttpRequest,
    account: Account,
    service: Service,
    form: forms.Form,
    act: Callable[[], None],
    said: str,
    *,
    template: str,
    field: str,
) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        try:
            act()
        except ServiceRefused as refused:
            form.add_error(field, str(refused))
        else:
            messages.success(request, said)
            return redirect("service_keys", account_id=account.pk, service_id=service.pk)
    page: dict[str, Any] = {"section": "services", "service": service, "form": form}
    return render(request, f"passport_portal/{template}", page)


def _act(
    request: HttpRequest, account: Account, service: Service, act: Callable[[], None], said: str
) -> HttpResponse:
    try:
        act()
    except ServiceRefused as refused:
        messages.warning(request, str(refused))
    else:
        messages.success(request, said)
    return redirect("service_keys", account_id=account.pk, service_id=service.pk)
