"""What people fill in on the console's pages."""

from typing import Any

from django import forms
from django.forms.utils import ErrorList
from django.utils.html import escape
from django.utils.translation import gettext_lazy as _

from accounts.linkage.models import Environment
from passport.fields import Effect
from passport.revocation.batch import BatchError
from passport.revocation.chosen_lists import MOST_BYTES, read_list
from passport.revocation.queries import HELP
from passport.safety.words import BY_PEOPLE, REASONS

WAYS = (
    ("cluster", _("Cluster")),
    ("account", _("Account")),
    ("agent", _("Agent")),
    ("passport", _("Passport")),
    ("thumbprint", _("Key, by its thumbprint")),
    ("signing_key", _("Passports signed by a key, by its kid")),
    ("since", _("Passports issued since a moment")),
    ("query", _("Accounts by conditions")),
    ("list", _("List from a file")),
)
EFFECTS = (
    (Effect.THROTTLE.value, _("Throttle: works, with less")),
    (Effect.SUSPEND.value, _("Suspend: stops now, may return at any time")),
    (Effect.REVOKE.value, _("Revoke: stops now, final after 72 hours")),
)
FACTORS = (("0.5", _("half")), ("0.25", _("a quarter")), ("0.1", _("a tenth")), ("0.01", _("a hundredth")))
CONFIDENCE = (("0.95", _("Certain: I have seen it")), ("0.7", _("Likely")), ("0.4", _("A suspicion")))


class FieldErrors(ErrorList):
    template_name = "web/field_errors.html"


class ConsoleForm(forms.Form):
    """Labels stand above their fields: no colon. Errors stand below, with an icon."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", "error_class": FieldErrors, **kwargs})


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


class DecisionForm(ReasonForm):
    """A reason for one of two ways: in a box of lines, so that the return key decides nothing."""

    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Read by colleagues and in an appeal. No names, no card numbers."),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=500,
    )


class PinForm(ConsoleForm):
    """A person's word on two accounts."""

    account = forms.CharField(
        label=_("Account to move"),
        max_length=64,
        widget=forms.TextInput(attrs={"class": "mono-input", "spellcheck": "false", "placeholder": "acc_…"}),
    )
    other = forms.CharField(
        label=_("The other account"),
        help_text=_("One of this cluster."),
        max_length=64,
        widget=forms.TextInput(attrs={"class": "mono-input", "spellcheck": "false", "placeholder": "acc_…"}),
    )
    together = forms.TypedChoiceField(
        label=_("What is so?"),
        choices=(("0", _("They do not belong together")), ("1", _("They belong together"))),
        coerce=lambda raw: raw == "1",
        initial="0",
        widget=forms.RadioSelect,
    )
    days = forms.TypedChoiceField(
        label=_("For how long"),
        choices=(("30", _("30 days")), ("90", _("90 days")), ("365", _("A year"))),
        coerce=int,
        initial="90",
    )
    reason = forms.CharField(
        label=_("Reason"), help_text=_("Read by colleagues. No names, no card numbers."), max_length=200
    )


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


class BatchForm(ConsoleForm):
    """What a batch is to hit and what it is to do. Nothing happens before its preview."""

    chosen_by = forms.ChoiceField(label=_("Choose by"), choices=WAYS)
    chosen_from = forms.CharField(
        label=_("Id, moment or conditions"),
        help_text=_("A moment: 2026-11-24T12:00Z. Conditions: ") + escape(HELP),
        max_length=128,
        required=False,
        widget=forms.TextInput(attrs={"class": "mono-input", "spellcheck": "false"}),
    )
    file = forms.FileField(
        label=_("List"),
        help_text=_("For a list: CSV or text, an account, agent or thumbprint at the start of each line."),
        required=False,
        max_length=128,
    )
    environment = forms.ChoiceField(label=_("Environment"), choices=Environment.choices)
    effect = forms.TypedChoiceField(
        label=_("What it does"), choices=EFFECTS, coerce=int, initial=Effect.SUSPEND, widget=forms.RadioSelect
    )
    factor = forms.TypedChoiceField(
        label=_("Throttled to"),
        choices=FACTORS,
        coerce=float,
        initial="0.1",
        required=False,
        help_text=_("Only for a throttle: the share of its limits that an account keeps."),
    )
    reason = forms.ChoiceField(label=_("Reason"), choices=[(code, REASONS[code]) for code in BY_PEOPLE])
    note = forms.CharField(
        label=_("Note"),
        help_text=_("What a colleague should know who reads this in a year."),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=1000,
    )
    flag = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """A list comes as a file, all else as text."""
        given = super().clean() or {}
        if given.get("chosen_by") == "list":
            self._read_file(given)
        elif not given.get("chosen_from"):
            self.add_error("chosen_from", _("Say which."))
        return given

    def _read_file(self, given: dict[str, Any]) -> None:
        if not (file := given.get("file")):
            self.add_error("file", _("Choose a file."))
            return
        try:
            given["names"] = read_list(file.read(MOST_BYTES + 1))
        except BatchError as bad:
            self.add_error("file", str(bad))
        given["chosen_from"] = str(file.name)[:128]

    def asked(self) -> dict[str, Any]:
        """As ``steps.create_batch`` takes it: only a throttle has a factor."""
        given = dict(self.cleaned_data)
        given.pop("file", None)
        given["flag_id"] = given.pop("flag")
        given["effect"] = Effect(given["effect"])
        given["factor"] = float(given["factor"] or 0.1) if given["effect"] == Effect.THROTTLE else 1.0
        return given


class TypedNumberForm(ConsoleForm):
    """Above one agent the number that is hit is typed: the hand reads it before it clicks."""

    number_label = _("Type the number of agents that stop working")

    def __init__(self, *args: Any, number: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.number = number
        if number > 1:
            self.fields["typed"] = forms.CharField(
                label=self.number_label,
                max_length=12,
                widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
            )

    def clean_typed(self) -> str:
        typed = str(self.cleaned_data["typed"]).strip()
        if typed != str(self.number):
            raise forms.ValidationError(_("That is not the number above."))
        return typed


class RunForm(TypedNumberForm):
    """Carries out the set of this digest, and no other."""

    digest = forms.CharField(max_length=64, widget=forms.HiddenInput)


class UndoForm(TypedNumberForm):
    """The way back: a number to type, and why."""

    number_label = _("Type the number of accounts that come back")
    reason = forms.CharField(label=_("Why is it undone?"), max_length=64)
