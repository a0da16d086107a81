"""Signs lists: at once after a change, and anew before they age."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from foundation import clock
from foundation.ledger.read import head
from foundation.ledger.sequence import sequence
from passport.protocol import TYP_STATUS_LIST
from passport.signing import keys
from passport.status.change import lock_list
from passport.status.encode import compress
from passport.status.metrics import SIGNED
from passport.status.models import StatusDelta, StatusList

TTL_SECONDS = 60
"""A verifier that only fetches lists refuses within this (STANDARDS section 14)."""
LIFE_SECONDS = 300
AGES_AFTER = timedelta(seconds=20)
"""Signed anew from then on, so that what is served has half its time to live before it."""
DELTAS_KEPT = timedelta(hours=1)


def list_uri(issuer: str, number: int) -> str:
    """Also the list's ``sub``, byte for byte."""
    return f"{issuer}/status/{number}"


def list_numbers() -> list[int]:
    return list(StatusList.objects.order_by("number").values_list("number", flat=True))


def sign_changed(issuer: str, now: datetime) -> int:
    """Sign the lists that hold an unsigned change or were never signed. Gives how many."""
    changed = set(StatusDelta.objects.filter(signed=False).values_list("list_id", flat=True))
    changed.update(StatusList.objects.filter(token="").values_list("number", flat=True))
    return _sign_all(sorted(changed), issuer, now)


def sign_aging(issuer: str, now: datetime) -> int:
    """Sign anew what was signed AGES_AFTER ago. Gives how many."""
    aging = StatusList.objects.filter(signed_at__lte=now - AGES_AFTER).order_by("number")
    return _sign_all(list(aging.values_list("number", flat=True)), issuer, now)


def sign_older(issuer: str, moment: datetime, now: datetime) -> int:
    """Sign anew what was signed up to ``moment``, whatever its age. Gives how many."""
    older = StatusList.objects.filter(signed_at__lte=moment).order_by("number")
    return _sign_all(list(older.values_list("number", flat=True)), issuer, now)


def prune_deltas(now: datetime) -> int:
    """Forget deltas that are older than any reader may resume from. Gives how many."""
    return StatusDelta.objects.filter(created_at__lt=now - DELTAS_KEPT, signed=True).delete()[0]


def _sign_all(numbers: Sequence[int], issuer: str, now: datetime) -> int:
    for number in numbers:
        _sign(number, issuer, now)
    return len(numbers)


def _sign(number: int, issuer: str, now: datetime) -> None:
    """Under the list's lock every change in it gets its number first; one that is not in it commits
    later and gets a number above ``head``."""
    with transaction.atomic():
        held = lock_list(number)
        sequence()
        position = head()
        held.token = keys.active("tokens").sign(
            claims(held, issuer, ledger=position, now=now), typ=TYP_STATUS_LIST
        )
        held.ledger, held.signed_at = position, now
        held.save(update_fields=["token", "ledger", "signed_at"])
        pending = StatusDelta.objects.filter(list=held, signed=False)
        marked = list(pending.values_list("marked_at", flat=True))
        if marked:
            pending.update(signed=True)
    for marked_at in marked:
        SIGNED.observe((clock.now() - marked_at).total_seconds())


def claims(held: StatusList, issuer: str, *, ledger: int, now: datetime) -> dict[str, object]:
    """Of the Status List Token (section 5.1), and ours: ``ledger`` orders lists and deltas."""
    issued_at = int(now.timestamp())
    return {
        "iss": issuer,
        "sub": list_uri(issuer, held.number),
        "iat": issued_at,
        "exp": issued_at + LIFE_SECONDS,
        "ttl": TTL_SECONDS,
        "status_list": {
            "bits": held.bits,
            "lst": compress(bytes(held.content)),
            "aggregation_uri": f"{issuer}/status",
        },
        "ledger": ledger,
    }
