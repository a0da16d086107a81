"""Our answers to what allauth asks: who may sign up, how mail goes out, how factors are kept."""

import base64
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.people import devices, factors, gates
from accounts.people.models import User
from accounts.people.post import post
from foundation import clock
from foundation.sealing.boxes import open_box, seal
from foundation.web.addresses import client_address
from foundation.web.failures import unavailable

MFA_CONTEXT = "people.factor"
PAUSE_RETRY_SECONDS = 3600


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up, sign-in and mail."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("The e-mail address or the password is not right."),
        "too_many_login_attempts": _("Too many wrong passwords. Wait five minutes, or reset the password."),
        "incorrect_code": _("This code is not right, or was used already. Wait for the next one."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        now = clock.now()
        pause = gates.find_pause(now)
        if pause is None:
            return True
        wait = (pause.until - now).total_seconds() if pause.until else PAUSE_RETRY_SECONDS
        raise ImmediateHttpResponse(
            unavailable(
                request,
                gettext("Sign-ups are paused"),
                gettext("Nobody can sign up for the moment. Who has signed up before can sign in as usual."),
                retry_after_seconds=max(1, int(wait)),
            )
        )

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request) or "unknown"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        post(self.render_mail(template_prefix, email, {"email": email, **context}))

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, Any]]:
        """Who has a second factor shows it; the password is then no way around it."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        strong = [method for method in methods if method["id"].startswith("mfa_")]
        return strong or methods

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        login = str(credentials.get("email", "")).lower()
        place = devices.read_device(request) if devices.has_served(request, login) else "elsewhere"
        return f"{login}:{place}"


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of second factors lie sealed; staff never lose their last one."""

    def encrypt(self, text: str) -> str:
        return base64.b64encode(seal(text.encode(), context=MFA_CONTEXT)).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        return open_box(base64.b64decode(encrypted_text), context=MFA_CONTEXT).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        return may_remove(authenticator)


def may_remove(authenticator: Authenticator) -> bool:
    """Staff keep at least one second factor: nobody works in the console without."""
    user = authenticator.user
    if not isinstance(user, User) or not user.is_staff:
        return True
    others = Authenticator.objects.filter(user=user, type__in=factors.REAL_TYPES).exclude(pk=authenticator.pk)
    return bool(others.exists())
