"""Takes in what was seen: hashes it, keeps one row for each account and value, asks for a recompute.

The value itself is never kept. What was written under an older key of the ring is moved to
the newest key as soon as its value is seen again, for all accounts at once: rotating the key
loses no link.
"""

import ipaddress
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest, Least

from accounts.linkage.models import BanMemory, ClusterLink, Environment, Signal, UnsettledAccount
from accounts.linkage.weigh import CAPS
from foundation import clock
from foundation.jobs.outbox import enqueue
from foundation.sealing.hashes import KeyedHash, keyed_hashes

RECOMPUTE = "accounts.linkage.recompute"
MAX_VALUE_CHARACTERS = 512
VISIT_AGAIN = timedelta(hours=1)
"""A device or address seen again sooner is not written again: pages would write on every click."""


def observe(account_id: str, environment: str, kind: str, value: str, *, seen_at: datetime) -> None:
    """Record, in the caller's transaction, that an account was seen with a value.

    Seeing it again moves only the times; ``count`` grows when ``seen_at`` is later than all
    before. Raises ValueError for a value that is empty or longer than 512 characters.
    """
    with transaction.atomic():
        found = current_hash(environment, kind, value)
        row, is_new = Signal.objects.get_or_create(
            environment=environment,
            kind=kind,
            value_hash=found.digest,
            account_id=account_id,
            defaults={"key_id": found.key_id, "first_seen_at": seen_at, "last_seen_at": seen_at},
        )
        if not is_new:
            _move_times(row.pk, seen_at)
        elif kind in CAPS:
            mark_unsettled(environment, [account_id])


def observe_visit(account_ids: Sequence[str], *, device: str, address: str, seen_at: datetime) -> None:
    """Record a session's device and address range for accounts, in both environments.

    ``address`` is an IP address; only its range is used (/24, /48). An empty ``device`` or an
    unreadable address is left out.
    """
    seen = [("device", device)] if device else []
    if prefix := address_range(address):
        seen.append(("ip_prefix", prefix))
    # One order for everybody: two visits never wait for each other in a circle.
    for account_id in sorted(set(account_ids)):
        for environment in Environment.values:
            for kind, value in seen:
                if not _seen_lately(account_id, environment, kind, value, seen_at):
                    observe(account_id, environment, kind, value, seen_at=seen_at)


def address_range(address: str) -> str:
    """``203.0.113.0/24`` for an IPv4 address, the /48 for IPv6, empty for anything else."""
    try:
        parsed = ipaddress.ip_address(address.strip())
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    prefix = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network((parsed, prefix), strict=False))


def current_hash(environment: str, kind: str, value: str) -> KeyedHash:
    """The hash to write. Rows of the same value under older keys are moved to it first."""
    newest, *older = hashes_of(kind, value)
    if older:
        move_keys(environment, kind, newest, [old.digest for old in older])
    return newest


def move_keys(environment: str, kind: str, newest: KeyedHash, older: list[bytes]) -> None:
    """Move whatever is kept of one value from its hashes under older keys to the newest."""
    stale = Signal.objects.filter(environment=environment, kind=kind, value_hash__in=older)
    for row in stale.order_by("pk").select_for_update():
        _move_signal(row, newest)
    ClusterLink.objects.filter(cluster__environment=environment, kind=kind, value_hash__in=older).update(
        value_hash=newest.digest
    )
    BanMemory.objects.filter(environment=environment, kind=kind, value_hash__in=older).update(
        value_hash=newest.digest, key_id=newest.key_id
    )


def hashes_of(kind: str, value: str) -> list[KeyedHash]:
    """The hash of a value under every key of the ring, newest first."""
    if not 1 <= len(value) <= MAX_VALUE_CHARACTERS:
        raise ValueError(f"a value has 1 to {MAX_VALUE_CHARACTERS} characters")
    return keyed_hashes(f"linkage/{kind}", value.encode())


def mark_unsettled(environment: str, account_ids: Collection[str]) -> None:
    """Say that the neighbourhood of these accounts has changed, and ask for its recompute.

    The mark is what counts, not the job: whoever recomputes waits for this transaction
    where the mark existed already, and a sweep finds marks that no job was left for.
    """
    mark(environment, account_ids)
    for one in sorted(set(account_ids)):
        enqueue(
            RECOMPUTE,
            {"environment": environment, "account_id": one},
            key=f"linkage:{environment}:{one}",
        )


def mark(environment: str, account_ids: Collection[str]) -> None:
    """Leave marks without asking for work: the caller settles them, or the sweep does."""
    now = clock.now()
    UnsettledAccount.objects.bulk_create(
        [
            UnsettledAccount(account_id=one, environment=environment, marked_at=now)
            for one in sorted(set(account_ids))
        ],
        batch_size=500,
        update_conflicts=True,
        unique_fields=["account", "environment"],
        update_fields=["marked_at"],
    )


def _move_times(row_id: int, seen_at: datetime) -> None:
    rows = Signal.objects.filter(Q(last_seen_at__lt=seen_at) | Q(first_seen_at__gt=seen_at), pk=row_id)
    rows.filter(last_seen_at__lt=seen_at).update(count=F("count") + 1)
    rows.update(
        last_seen_at=Greatest(F("last_seen_at"), seen_at), first_seen_at=Least(F("first_seen_at"), seen_at)
    )


def _seen_lately(account_id: str, environment: str, kind: str, value: str, seen_at: datetime) -> bool:
    return Signal.objects.filter(
        account_id=account_id,
        environment=environment,
        kind=kind,
        value_hash=hashes_of(kind, value)[0].digest,
        last_seen_at__gt=seen_at - VISIT_AGAIN,
    ).exists()


def _move_signal(row: Signal, newest: KeyedHash) -> None:
    """Rewrite a row under the newest key; where the account has one already, the two become one."""
    twin = Signal.objects.filter(
        environment=row.environment, kind=row.kind, value_hash=newest.digest, account_id=row.account_id
    )
    merged = twin.update(
        first_seen_at=Least(F("first_seen_at"), row.first_seen_at),
        last_seen_at=Greatest(F("last_seen_at"), row.last_seen_at),
        count=F("count") + row.count,
    )
    if merged:
        row.delete()
    else:
        Signal.objects.filter(pk=row.pk).update(value_hash=newest.digest, key_id=newest.key_id)
