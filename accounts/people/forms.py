"""allauth's forms in our words: the label stands above, so nothing stands inside; one hint on passwords."""

from typing import Any

from allauth.account import forms as account
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django.utils.translation import gettext_lazy as _

LABELS = {
    "login": _("E-mail address"),
    "email": _("E-mail address"),
    "oldpassword": _("Password now"),
    "password2": _("The same password again"),
}
NEW_PASSWORD_HINT = _("12 characters or more; none that is common, or close to your address.")


class InOurWords:
    """Before a form class of allauth: renames its fields and empties them of placeholders."""

    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = LABELS.get(name, field.label)
        if "password" in self.fields:
            self.fields["password"].help_text = ""
        if "password1" in self.fields:
            self.fields["password1"].help_text = NEW_PASSWORD_HINT
        if "code" in self.fields:
            self.fields["code"].widget.attrs |= {"inputmode": "numeric", "autofocus": True}


class SignIn(InOurWords, account.LoginForm):  # type: ignore[misc]
    pass


class SignUp(InOurWords, account.SignupForm):  # type: ignore[misc]
    pass


class AddEmail(InOurWords, account.AddEmailForm):  # type: ignore[misc]
    pass


class ChangePassword(InOurWords, account.ChangePasswordForm):  # type: ignore[misc]
    pass


class SetPassword(InOurWords, account.SetPasswordForm):  # type: ignore[misc]
    pass


class AskForReset(InOurWords, account.ResetPasswordForm):  # type: ignore[misc]
    pass


class ChooseAfterReset(InOurWords, account.ResetPasswordKeyForm):  # type: ignore[misc]
    pass


class PasswordAgain(InOurWords, account.ReauthenticateForm):  # type: ignore[misc]
    pass


class TurnOnTotp(InOurWords, ActivateTOTPForm):  # type: ignore[misc]
    pass


class AddPasskey(InOurWords, AddWebAuthnForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["passwordless"].label = _("Sign in with it alone")
        self.fields["passwordless"].help_text = _(
            "Without the password; the device then asks for your fingerprint, face or PIN."
        )


class ShowFactor(InOurWords, mfa.AuthenticateForm):  # type: ignore[misc]
    pass


class ShowFactorAgain(InOurWords, mfa.ReauthenticateForm):  # type: ignore[misc]
    pass
