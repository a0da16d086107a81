"""What a person types into the sandbox provider's pages."""

import re
from datetime import date, timedelta
from typing import Any

from django import forms

from attestation.simulators.sandbox import magic
from attestation.simulators.sandbox.magic import DELIVERIES, Course, Delivery
from foundation import clock


class DeliveryForm(forms.Form):
    delivery = forms.ChoiceField(
        label="How the webhooks arrive",
        required=False,
        choices=[(mode.value, words) for mode, words in DELIVERIES.items()],
    )

    def clean_delivery(self) -> Delivery:
        return Delivery(self.cleaned_data["delivery"])


class IdentityForm(DeliveryForm):
    document = forms.CharField(
        label="Test document",
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )
    field_order = ["document", "delivery"]

    def clean_document(self) -> Course:
        course = magic.parse_magic(self.cleaned_data["document"])
        if course is None:
            raise forms.ValidationError("Type one of the values of the table, such as OK-1.")
        return course


class CardForm(DeliveryForm):
    number = forms.CharField(
        label="Test card number",
        max_length=30,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )
    expiry = forms.CharField(
        label="Expires (MM/YY)",
        max_length=7,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric", "placeholder": "12/34"}),
    )
    code = forms.CharField(
        label="Security code",
        max_length=4,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric", "placeholder": "123"}),
    )
    challenge = forms.ChoiceField(
        label="If the bank asks the card holder",
        required=False,
        choices=[("pass", "the card holder agrees"), ("fail", "the card holder refuses")],
    )
    field_order = ["number", "expiry", "code", "challenge", "delivery"]

    def clean_number(self) -> str:
        number = magic.parse_card(self.cleaned_data["number"])
        if number is None:
            raise forms.ValidationError("This is not a card number: check the digits.")
        return number

    def clean_expiry(self) -> date:
        return parse_expiry(self.cleaned_data["expiry"], clock.now().date())

    def clean_code(self) -> str:
        if not re.fullmatch(r"[0-9]{3,4}", self.cleaned_data["code"], re.ASCII):
            raise forms.ValidationError("The code has three or four digits.")
        return ""  # checked and forgotten

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if cleaned is not None:
            cleaned["passed"] = cleaned.get("challenge") != "fail"
        return cleaned


def parse_expiry(text: str, today: date) -> date:
    """The last day of the month of ``MM/YY``. Raises ValidationError when it is past or unreadable."""
    found = re.fullmatch(r"\s*(0?[1-9]|1[0-2])\s*/\s*(?:20)?([0-9]{2})\s*", text, re.ASCII)
    if found is None:
        raise forms.ValidationError("Write the month and the year, such as 12/34.")
    month, year = int(found[1]), 2000 + int(found[2])
    last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    if last < today:
        raise forms.ValidationError("This card has expired.")
    return last
