"""Finds the account behind a pairwise name: of the service that asks, and of accounts that reached it.

A name cannot be turned back, so those that a service may have seen are written down: with each
report of usage, and for the grants whose accounts were not met before.
"""

from collections.abc import Iterable
from itertools import batched

from django.db.models import Exists, OuterRef

from foundation.sealing import keys
from passport.credentials.pairwise import pairwise_id
from passport.services.models import AgentGrant, Service
from passport.usage.models import PairwiseAccount

AT_ONCE = 1_000


def find_account(service: Service, name: str) -> str | None:
    """The account's id, or None where no account of that name ever reached the service.

    One query; for a name that was not met before two more and one for each thousand new accounts.
    """
    found = _find(service, name)
    if found is None and _learn(service):
        found = _find(service, name)
    return found


def remember(service: Service, account_ids: Iterable[str]) -> None:
    """Write down what these are called there; those that are known stay."""
    for some in batched(sorted(account_ids), AT_ONCE):
        PairwiseAccount.objects.bulk_create(
            [
                PairwiseAccount(
                    service_id=service.pk,
                    name=pairwise_id(account_id, service.audience),
                    account_id=account_id,
                    key_id=_key_id(),
                )
                for account_id in some
            ],
            ignore_conflicts=True,
        )


def _find(service: Service, name: str) -> str | None:
    rows = PairwiseAccount.objects.filter(service_id=service.pk, name=name)
    return rows.values_list("account_id", flat=True).first()


def _learn(service: Service) -> bool:
    """Whether there was anything to learn: accounts with a grant that are not written down."""
    met = PairwiseAccount.objects.filter(
        service_id=service.pk, account_id=OuterRef("agent__account_id"), key_id=_key_id()
    )
    grants = AgentGrant.objects.filter(~Exists(met), service=service)
    new = set(grants.values_list("agent__account_id", flat=True).distinct())
    remember(service, new)
    return bool(new)


def _key_id() -> str:
    """The key that names are made under: when it leaves the ring, all get new ones."""
    return keys.key_ids()[-1]
