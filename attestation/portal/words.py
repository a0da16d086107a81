"""What a state or a reason means for the person who reads it: what happened, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Said:
    what: str | Promise
    cure: str | Promise


REASONS: Final[Mapping[str, Said]] = {
    "document_expired": Said(
        _("The document has expired."), _("Use one that is still valid, such as a passport or a licence.")
    ),
    "selfie_mismatch": Said(
        _("The photograph of the face did not match the document."),
        _("Try again in even light, without glasses or a cap."),
    ),
    "under_age": Said(
        _("The provider verifies adults only."), _("Somebody else who is an owner can verify instead.")
    ),
    "country_not_supported": Said(
        _("Documents of this country are not supported."), _("Use a document of another country.")
    ),
    "consent_declined": Said(
        _("Consent was not given, so nothing was checked."), _("Begin again and agree, or leave it for now.")
    ),
    "not_accepted": Said(
        _("A person looked at the result and did not accept it."), _("You can appeal on the notices page.")
    ),
    "card_declined": Said(_("The bank declined the card."), _("Ask the bank, or use another card.")),
    "prepaid_not_accepted": Said(_("Prepaid cards do not count."), _("Use a credit or debit card.")),
    "card_blocked": Said(_("The card was refused."), _("Use another card; this one will not pass.")),
    "authentication_failed": Said(
        _("The bank asked the card holder, who did not agree."), _("Try again and confirm with the bank.")
    ),
    "risk_elevated": Said(
        _("The card is saved; the charge was not made because its risk is raised."),
        _("Use another card where the level charged is needed."),
    ),
    "identity_reversed": Said(
        _("The provider took its result back."), _("Verify again, or appeal on the notices page.")
    ),
    "dispute_fraudulent": Said(
        _("The card holder disputes the charge as fraud."),
        _("Use a card of your own, or appeal on the notices page."),
    ),
    "fraud_warning": Said(_("The bank warns of fraud with this card."), _("Use another card.")),
    "lapsed": Said(_("The proof has reached its end."), _("Verify again.")),
}
UNEXPLAINED: Final = Said(_("It did not pass."), _("Begin again."))

STATES: Final[Mapping[str, Said]] = {
    "pending": Said(
        _("Begun, not finished."),
        _("Go on at the provider. If you are done there, the result comes by itself."),
    ),
    "processing": Said(_("The provider is checking."), _("This takes a minute at most; the page follows.")),
    "review": Said(
        _("A person is looking at it."),
        _("There is nothing to do; the page shows the result when it is there."),
    ),
    "canceled": Said(_("It was cancelled before it ended."), _("Begin again.")),
    "expired": Said(_("It ran out of time."), _("Begin again.")),
}


def explain(state: str, reason: str) -> Said | None:
    """Words for a state; None where there is nothing to explain."""
    if reason in REASONS and state in {"failed", "reversed", "expired", "verified"}:
        return REASONS[reason]
    if state in {"failed", "reversed"}:
        return UNEXPLAINED
    return STATES.get(state)


LEVELS: Final[Mapping[str, tuple[tuple[str, str | Promise], ...]]] = {
    "identity": (
        ("email", _("Sign in and register agents.")),
        ("document", _("Passports, and scopes that ask for a verified person.")),
    ),
    "payment": (
        ("instrument", _("Passports, and scopes that ask for a card on file.")),
        ("charged", _("Costly scopes, which ask for a card that was charged once.")),
    ),
}
"""What each level is good for, weakest first."""
