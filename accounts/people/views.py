"""Pages of signing in that differ from allauth's, and the mailbox of the embedded default."""

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.account.views import ReauthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.views import RemoveWebAuthnView
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.people import factors
from accounts.people.adapter import may_remove
from accounts.people.models import DevelopmentMail, User

MAILS_SHOWN = 30


class ActivateTotp(ActivateTOTPView):  # type: ignore[misc]
    """Whoever sets an authenticator app up has just shown a code of it: that counts as a fresh factor."""

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        record_authentication(
            self.request, self.request.user, "mfa", type=Authenticator.Type.TOTP.value, reauthenticated=True
        )
        return response


class RemovePasskey(RemoveWebAuthnView):  # type: ignore[misc]
    """Staff keep at least one second factor."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if isinstance(request.user, User):
            found = get_object_or_404(Authenticator, pk=kwargs["pk"], user=request.user)
            if not may_remove(found):
                messages.error(request, gettext("Staff keep one second factor: add another one first."))
                return redirect("mfa_index")
        return super().dispatch(request, *args, **kwargs)  # type: ignore[no-any-return]


def reauthenticate(request: HttpRequest) -> HttpResponseBase:
    """Ask for the password, but only of people without a second factor."""
    if isinstance(request.user, User) and (types := factors.types_of(request.user)):
        query = request.GET.urlencode()
        page = factors.page_that_asks(types)
        return redirect(f"{page}?{query}" if query else page)
    return ReauthenticateView.as_view()(request)  # type: ignore[no-any-return]


@require_GET
@never_cache
def development_mail(request: HttpRequest) -> HttpResponse:
    """What would have been sent. There is no such page where mail is really sent."""
    if not settings.DEVELOPMENT_MAIL:
        raise Http404("no such page")
    wanted = request.GET.get("to", "").strip().lower()
    mails = DevelopmentMail.objects.all()
    if wanted:
        mails = mails.filter(to__iexact=wanted)
    page = {"mails": list(mails[:MAILS_SHOWN]), "wanted": wanted}
    return render(request, "people/development_mail.html", page)
