"""Opening an account from a browser: the account, and what the first visit shows about its owner."""

from datetime import datetime

from django.db import transaction

from accounts.linkage.models import Environment
from accounts.linkage.observe import observe, observe_visit
from accounts.owners.accounts import open_account
from accounts.owners.models import Account
from accounts.people.models import User


def open_from_browser(
    user: User, name: str, kind: str, *, device: str, address: str, now: datetime
) -> Account:
    """``address`` is an IP address, ``device`` the browser's value. Raises ValueError as ``open_account``."""
    with transaction.atomic():
        account = open_account(user, name, kind, now=now)
        for environment in Environment.values:
            observe(account.pk, environment, "email", user.email.lower(), seen_at=now)
        observe_visit([account.pk], device=device, address=address, seen_at=now)
    return account
