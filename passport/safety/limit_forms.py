"""What people fill in to change a limit. Nothing happens before the page that shows what it does."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from attestation.levels import IDENTITY
from passport.limits.changes import LONGEST_OVERRIDE, OverrideTerms, PolicyTerms
from passport.limits.models import LimitPolicy
from passport.safety.forms import ReasonForm
from passport.services.models import Service

MOST_SERVICES = 500
WINDOWS = (
    (1, _("a second")),
    (60, _("a minute")),
    (3_600, _("an hour")),
    (86_400, _("a day")),
    (7 * 86_400, _("a week")),
    (30 * 86_400, _("30 days")),
)


class PolicyForm(ReasonForm):
    """A policy, new or with other numbers."""

    service_id = forms.ChoiceField(label=_("Where"), required=False)
    scope = forms.CharField(
        label=_("Scope"),
        required=False,
        max_length=64,
        help_text=_("Empty: every scope of the service. At the token endpoint: token."),
    )
    name = forms.CharField(
        label=_("Name"), max_length=32, help_text=_("Clients read it, such as minute or day.")
    )
    applies_to = forms.ChoiceField(label=_("For"), choices=LimitPolicy.Level.choices)
    tier = forms.ChoiceField(
        label=_("From identity level"),
        required=False,
        choices=[("", _("everybody")), *((level, level) for level in IDENTITY)],
    )
    quota = forms.IntegerField(label=_("Units"), min_value=1)
    window_seconds = forms.TypedChoiceField(label=_("In"), choices=WINDOWS, coerce=int, initial=60)
    burst = forms.IntegerField(label=_("At once, at most"), min_value=1)
    unit = forms.ChoiceField(label=_("Counted in"), choices=LimitPolicy.Unit.choices)

    field_order = (*PolicyTerms.__dataclass_fields__, "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        services = Service.objects.order_by("name").values_list("pk", "name", "environment")[:MOST_SERVICES]
        self.fields["service_id"].choices = [  # type: ignore[attr-defined]
            ("", _("Token endpoint")),
            *((pk, f"{name} ({environment})") for pk, name, environment in services),
        ]

    def terms(self) -> PolicyTerms:
        given = dict(self.cleaned_data)
        given.pop("reason")
        return PolicyTerms(**given)


class OverrideForm(ReasonForm):
    """An exception for one account. It always ends."""

    account_id = forms.CharField(
        label=_("Account"),
        max_length=64,
        widget=forms.TextInput(attrs={"class": "mono-input", "spellcheck": "false", "placeholder": "acc_…"}),
    )
    quota = forms.IntegerField(label=_("Units"), min_value=1)
    burst = forms.IntegerField(label=_("At once, at most"), min_value=1)
    days = forms.IntegerField(
        label=_("For how many days"), min_value=1, max_value=LONGEST_OVERRIDE.days, initial=7
    )

    field_order = ("account_id", "quota", "burst", "days")

    def terms(self, policy_id: int, now: datetime) -> OverrideTerms:
        given = self.cleaned_data
        ends_at = now + timedelta(days=given["days"])
        return OverrideTerms(given["account_id"].strip(), policy_id, given["quota"], given["burst"], ends_at)
