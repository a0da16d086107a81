"""The pages a person sees at the sandbox provider. Their look is its own: nothing here is real."""

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from attestation import conf
from attestation.simulators.models import SandboxSession
from attestation.simulators.sandbox import sessions
from attestation.simulators.sandbox.forms import CardForm, IdentityForm
from attestation.simulators.sandbox.sessions import CannotSubmit
from foundation import clock

IDENTITY_VALUES = (
    ("OK-1, OK-2, …", "verified; the same number is the same person"),
    ("EXPIRED", "refused: the document has expired"),
    ("SELFIE", "refused: the selfie does not match"),
    ("UNDERAGE", "refused: too young"),
    ("COUNTRY", "refused: the country is not supported"),
    ("CONSENT", "refused: no consent given"),
    ("REVIEW", "in review, verified a few seconds later"),
    ("REVERSED", "verified, taken back a few seconds later"),
    ("ABANDON", "nothing happens, as if the tab were closed"),
)
CARD_VALUES = (
    ("4242 4242 4242 4242", "works; so does any other number with a right check digit"),
    ("4000 0000 0000 0002", "declined"),
    ("4000 0000 0000 0341", "can be attached, cannot be charged"),
    ("4000 0000 0000 0259", "works, disputed as fraud a few seconds later"),
    ("4000 0000 0000 5423", "works, the bank warns of fraud a few seconds later"),
    ("5105 1051 0510 5100", "prepaid: refused"),
    ("4000 0027 6000 3184", "the bank asks the card holder"),
    ("4000 0000 0000 9235", "elevated risk: not charged"),
    ("4100 0000 0000 0019", "blocked: highest risk"),
)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def hosted(request: HttpRequest, session_id: str) -> HttpResponse:
    """Show the form, or take what was typed and lead back with nothing but the reference."""
    if not conf.is_sandbox_offered():
        raise Http404
    session = get_object_or_404(SandboxSession, pk=session_id)
    form_class = IdentityForm if session.kind == "identity" else CardForm
    form = form_class(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            submit(session, form)
        except CannotSubmit:
            return show(request, session, form, status=409)
        return HttpResponseRedirect(way_back(session))
    return show(request, session, form, status=422 if form.is_bound else 200)


def submit(session: SandboxSession, form: IdentityForm | CardForm) -> None:
    given = form.cleaned_data
    if isinstance(form, IdentityForm):
        sessions.submit_identity(session.pk, given["document"], given["delivery"], clock.now())
    else:
        sessions.submit_card(
            session.pk,
            given["number"],
            given["expiry"],
            given["delivery"],
            clock.now(),
            passed=given["passed"],
        )


def way_back(session: SandboxSession) -> str:
    return f"{session.return_url}?{urlencode({'ref': session.reference})}"


def show(
    request: HttpRequest, session: SandboxSession, form: IdentityForm | CardForm, *, status: int
) -> HttpResponse:
    identity = session.kind == "identity"
    context = {
        "session": session,
        "form": form,
        "identity": identity,
        "open": sessions.takes_submission(session, clock.now()),
        "tries_left": sessions.MOST_TRIES - session.tries,
        "values": IDENTITY_VALUES if identity else CARD_VALUES,
        "way_back": way_back(session),
    }
    return render(request, "sandbox_provider/session.html", context, status=status)
