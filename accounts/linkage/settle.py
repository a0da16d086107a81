"""Brings clusters in step with the evidence of a neighbourhood, as soon as something changed there.

Whoever settles holds the lock of the environment, so two never write the same cluster at
once. Marks are taken *before* the evidence is read for good: an observer that is still at
work on a marked account is waited for, and one that marks later leaves a mark that stays.
"""

from datetime import timedelta
from itertools import batched

import structlog
from django.db import transaction

from accounts.linkage.evidence import CHUNK, read_area
from accounts.linkage.grades import find_grouped
from accounts.linkage.groups import as_groups
from accounts.linkage.models import LinkageLock, UnsettledAccount
from accounts.linkage.writing import write_groups
from foundation import clock

log = structlog.get_logger()

MOST_ACCOUNTS = 5_000
"""The largest neighbourhood that is recomputed at once; the rest is the rebuild's."""


def settle(environment: str, account_id: str, *, most: int = MOST_ACCOUNTS) -> None:
    """Recompute the neighbourhood of an account that is marked; nothing to do where it is not.

    Cost: a few queries for each step outwards, O(signals of the neighbourhood).
    """
    with transaction.atomic():
        lock(environment)
        marks = UnsettledAccount.objects.filter(environment=environment)
        if not marks.filter(account_id=account_id).exists():
            return
        first_look = read_area(environment, [account_id], most=most)
        for ids in batched(sorted(first_look.accounts), CHUNK):
            marks.filter(account_id__in=ids).delete()
        area = read_area(environment, [account_id], most=most)
        if area.cut:
            log.warning("linkage_neighbourhood_cut", environment=environment, accounts=len(area.accounts))
        groups = as_groups(area.evidence, find_grouped(area.evidence).blocks)
        write_groups(environment, area.accounts, groups, cut=area.cut, now=clock.now())


def settle_marked(environment: str, *, older_than: timedelta = timedelta(0), limit: int = 1_000) -> int:
    """Settle what is marked, oldest first, each in a transaction of its own. Gives how many marks."""
    rows = UnsettledAccount.objects.filter(
        environment=environment, marked_at__lte=clock.now() - older_than
    ).order_by("marked_at", "pk")
    marked = list(rows.values_list("account_id", flat=True)[:limit])
    for account_id in marked:
        settle(environment, account_id)
    return len(marked)


def lock(environment: str) -> LinkageLock:
    """Until the transaction ends nobody else changes clusters of this environment."""
    LinkageLock.objects.get_or_create(environment=environment)
    return LinkageLock.objects.select_for_update().get(environment=environment)
