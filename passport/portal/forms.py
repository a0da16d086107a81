"""What the portal asks about agents."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from passport.agents.keys import BadKey, PublicKey, parse_public_jwk
from passport.agents.models import Agent
from passport.agents.names import BadName, clean_name
from passport.standing.offers import ServiceRow

SEPARATOR = " "
"""Between a service's id and a scope's name in the value of a choice: neither can hold it."""


class About(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("Services and people will read it."))
    purpose = forms.CharField(
        label=_("Purpose"), max_length=300, required=False, help_text=_("What it does, in a sentence.")
    )
    software = forms.CharField(
        label=_("Software"),
        max_length=120,
        required=False,
        help_text=_("Its program and version."),
    )
    environment = forms.ChoiceField(
        label=_("Environment"),
        choices=Agent.Environment.choices,
        widget=forms.RadioSelect,
        initial=Agent.Environment.SANDBOX,
        help_text=_("A sandbox agent reaches sandbox services only. It cannot be changed later."),
    )

    def clean_name(self) -> str:
        return self._clean_text("name", 80)

    def clean_purpose(self) -> str:
        return self._clean_text("purpose", 300, required=False)

    def clean_software(self) -> str:
        return self._clean_text("software", 120, required=False)

    def _clean_text(self, name: str, most: int, *, required: bool = True) -> str:
        try:
            return clean_name(self.cleaned_data[name], most=most, label=f"the {name}", required=required)
        except BadName as bad:
            raise forms.ValidationError(str(bad)) from bad


class Key(forms.Form):
    """A public key. A private one is refused, and what was pasted is not shown again."""

    jwk = forms.CharField(
        label=_("Public key (JWK)"),
        max_length=8192,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "class": "mono"}),
        help_text=_("JSON with kty, crv, x (and y). Never the private part: no d."),
    )

    public: PublicKey

    def clean_jwk(self) -> str:
        text: str = self.cleaned_data["jwk"]
        try:
            self.public = parse_public_jwk(text)
        except BadKey as bad:
            self.data = {**self.data, "jwk": ""}
            raise forms.ValidationError(str(bad)) from bad
        return text


class Scopes(forms.Form):
    """Which scopes of which services. Those that the account's levels do not reach cannot be ticked."""

    scopes = forms.MultipleChoiceField(label=_("Scopes"), required=False)

    def __init__(self, *args: Any, rows: list[ServiceRow], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["scopes"]
        assert isinstance(choice, forms.MultipleChoiceField)
        choice.choices = [
            (f"{row.service.pk}{SEPARATOR}{scope.scope.name}", scope.scope.name)
            for row in rows
            for scope in row.scopes
            if not scope.missing or scope.held
        ]

    def by_service(self) -> dict[str, list[str]]:
        chosen: dict[str, list[str]] = {}
        for value in self.cleaned_data["scopes"]:
            service_id, _, scope = value.partition(SEPARATOR)
            chosen.setdefault(service_id, []).append(scope)
        return chosen
