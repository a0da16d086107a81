"""What people fill in on the console's pages."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.linkage.models import Environment
from passport.safety.words import BY_PEOPLE, REASONS

CONFIDENCE = (("0.95", _("Certain: I have seen it")), ("0.7", _("Likely")), ("0.4", _("A suspicion")))


class ConsoleForm(forms.Form):
    """Labels stand above their fields: no colon."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})


class FlagForm(ConsoleForm):
    """A person suspects an account."""

    reason = forms.ChoiceField(label=_("Reason"), choices=[(code, REASONS[code]) for code in BY_PEOPLE])
    confidence = forms.TypedChoiceField(
        label=_("How sure are you?"),
        choices=CONFIDENCE,
        coerce=float,
        initial="0.7",
        widget=forms.RadioSelect,
    )
    environment = forms.ChoiceField(label=_("Environment"), choices=Environment.choices)
    note = forms.CharField(
        label=_("What did you see?"),
        help_text=_("Read by colleagues and in an appeal. No card numbers, no passwords."),
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=1000,
    )


class ReasonForm(ConsoleForm):
    """A sentence that says why; nothing is done without."""

    reason = forms.CharField(label=_("Reason"), max_length=200)


class AuditFilter(ConsoleForm):
    """Filters of the ledger's page, in the query string."""

    subject = forms.CharField(
        label=_("About"),
        required=False,
        max_length=80,
        widget=forms.TextInput(attrs={"placeholder": "acc_…"}),
    )
    type = forms.CharField(
        label=_("Type"),
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"placeholder": "batch."}),
    )

    def wanted(self) -> dict[str, Any]:
        """The filters that were given and can be read."""
        self.is_valid()
        return {name: value.strip() for name, value in self.cleaned_data.items() if value.strip()}


class SwitchForm(ConsoleForm):
    """Turns a switch on or off."""

    on = forms.TypedChoiceField(choices=(("1", "on"), ("0", "off")), coerce=lambda raw: raw == "1")
    reason = forms.CharField(label=_("Reason"), max_length=200)
    hours = forms.TypedChoiceField(
        label=_("Until"),
        required=False,
        empty_value=None,
        coerce=int,
        choices=(
            ("", _("Until it is turned back")),
            ("1", _("For 1 hour")),
            ("4", _("For 4 hours")),
            ("24", _("For 24 hours")),
        ),
    )
