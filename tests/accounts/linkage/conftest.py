from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from accounts.linkage.models import AccountCluster
from accounts.linkage.observe import observe
from accounts.linkage.settle import settle_marked
from accounts.owners.models import Account

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
type See = Callable[..., None]


def see(account: str, kind: str, value: str, *, at: datetime = NOON, environment: str = "sandbox") -> None:
    """The account is seen with a value; it is opened when it is new."""
    Account.objects.get_or_create(pk=account, defaults={"name": account})
    observe(account, environment, kind, value, seen_at=at)


def settled(environment: str = "sandbox") -> None:
    while settle_marked(environment):
        pass


def partition(environment: str = "sandbox") -> set[frozenset[str]]:
    """Who is together now."""
    groups: dict[str, set[str]] = {}
    rows = AccountCluster.objects.filter(environment=environment, cluster__isnull=False)
    for cluster, account in rows.values_list("cluster_id", "account_id"):
        groups.setdefault(str(cluster), set()).add(account)
    return {frozenset(members) for members in groups.values()}


def see_hydra(*accounts: str, at: datetime = NOON) -> None:
    """Mallory's accounts share a card and a device."""
    for account in accounts:
        see(account, "payment_instrument", "card 4242", at=at)
        see(account, "device", "mallory's laptop", at=at)


@pytest.fixture
def later() -> datetime:
    return NOON + timedelta(days=181)
