"""Opening an account from a browser: the account, and what the first visit shows about its owner."""

from datetime import datetime

from django.db import transaction

from accounts.owners.accounts import open_account
from accounts.owners.models import Account
from accounts.people.models import User
from accounts.portal.visits import observe_owner


def open_from_browser(
    user: User, name: str, kind: str, *, device: str, address: str, now: datetime
) -> Account:
    """``address`` is an IP address, ``device`` the browser's value. Raises ValueError as ``open_account``."""
    with transaction.atomic():
        account = open_account(user, name, kind, now=now)
        observe_owner(user, [account.pk], device=device, address=address, now=now)
    return account
