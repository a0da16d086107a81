"""The page that says whose a trace tag is."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from accounts.portal.access import staff
from passport.safety.forms import ReasonForm
from passport.safety.traces import resolve
from passport.safety.views.people import actor_of


class TraceForm(ReasonForm):
    tag = forms.CharField(
        label=_("Tag"),
        max_length=64,
        widget=forms.TextInput(attrs={"class": "mono-input", "spellcheck": "false", "autocomplete": "off"}),
    )

    field_order = ("tag", "reason")


@require_http_methods(["GET", "HEAD", "POST"])
@staff("analyst", "approver")
def traces(request: HttpRequest) -> HttpResponse:
    """A look changes nothing but the record, so it is a POST: tags stay out of URLs and logs."""
    form, origin, asked = TraceForm(request.POST or None), None, False
    if request.method == "POST" and form.is_valid():
        asked = True
        given = form.cleaned_data
        origin = resolve(given["tag"], actor=actor_of(request), reason=given["reason"])
    context = {"section": "traces", "form": form, "origin": origin, "asked": asked}
    response = render(request, "safety/traces.html", context)
    response["Cache-Control"] = "no-store"
    return response
