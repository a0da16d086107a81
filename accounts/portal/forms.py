"""What people fill in about themselves and their accounts."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.owners.accounts import MOST_NAME_CHARACTERS
from accounts.owners.models import Account, Membership

ROLE_WORDS = [
    (Membership.Role.VIEWER, _("Viewer: sees everything, changes nothing")),
    (Membership.Role.DEVELOPER, _("Developer: registers agents, handles keys")),
    (Membership.Role.OWNER, _("Owner: also members, verification, closing")),
]


class OpenAccount(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=MOST_NAME_CHARACTERS,
        help_text=_("The organisation or person who answers for the agents. Services never see it."),
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    kind = forms.ChoiceField(
        label=_("Who is it?"),
        choices=Account.Kind.choices,
        initial=Account.Kind.ORGANISATION,
        widget=forms.RadioSelect,
    )


class RenameAccount(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=MOST_NAME_CHARACTERS)


class CloseAccount(forms.Form):
    """Closing cannot be taken back, so the name is typed."""

    typed_name = forms.CharField(
        label=_("Type the account's name to close it"), widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    def __init__(self, *args: Any, account_name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account_name = account_name

    def clean_typed_name(self) -> str:
        typed = str(self.cleaned_data["typed_name"]).strip()
        if typed != self.account_name:
            raise forms.ValidationError(_("This is not the account's name."))
        return typed


class Invite(forms.Form):
    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    role = forms.ChoiceField(label=_("Role"), choices=ROLE_WORDS, initial=Membership.Role.DEVELOPER)


class ChangeRole(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=ROLE_WORDS)


class Profile(forms.Form):
    name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        required=False,
        help_text=_("Shown to members of your accounts."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
