"""A device asks, a person finds the request by its user code and decides, the device polls (RFC 8628)."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, models, transaction
from django.db.models import F

from foundation import clock
from foundation.jobs.periodic import every
from foundation.sealing.hashes import keyed_hash, keyed_hashes
from passport.consents.device_models import DeviceRequest, WrongUserCode
from passport.consents.give import Wanted, give
from passport.consents.secrets import MAX_CHARACTERS, digest_of, new_secret

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""RFC 8628 section 6.1: no vowels, so no words; 20^8 codes, 34 bits."""
LETTERS = 8
LIFE = timedelta(seconds=900)
INTERVAL_SECONDS, SLOWER_SECONDS = 5, 5
MOST_WRONG = 5
KEPT = timedelta(days=1)
"""After its end, so that a device that comes late learns that it is late."""
DEVICE = "apd_"
CODE_PURPOSE, HOLDER_PURPOSE = "passport.consents.user_code", "passport.consents.wrong_user_code"
TRIES = 3
PENDING, DENIED = DeviceRequest.AUTHORIZATION_PENDING, DeviceRequest.DENIED


@dataclass(frozen=True, slots=True)
class Asked:
    client_id: str
    resources: Sequence[str]
    scope: str
    """As the client named it; empty where it did not."""
    thumbprint: str
    address: str
    software: str


def begin(asked: Asked, now: datetime) -> tuple[str, str]:
    """The device code and the user code (``XXXX-XXXX``), each seen this once."""
    for _ in range(TRIES):
        device_code, user_code = new_secret(DEVICE), new_user_code()
        try:
            with transaction.atomic():
                _insert(asked, device_code, user_code, now)
        except IntegrityError:
            continue
        return device_code, user_code
    raise RuntimeError("no user code is free")


def new_user_code() -> str:
    letters = "".join(secrets.choice(ALPHABET) for _ in range(LETTERS))
    return f"{letters[:4]}-{letters[4:]}"


def normal_code(typed: str) -> str:
    """As people type it: any case, with or without the hyphen, with blanks."""
    return "".join(character for character in typed.upper() if character.isalnum())[: LETTERS + 1]


def find_device(device_code: str) -> DeviceRequest | None:
    """By its device code, whatever became of it; with its consent and the person."""
    if len(device_code) > MAX_CHARACTERS:
        return None
    rows = DeviceRequest.objects.select_related("consent", "consent__user")
    return rows.filter(device_code=digest_of(device_code)).first()


def find_waiting(typed: str, now: datetime) -> DeviceRequest | None:
    """The request that waits under that user code."""
    digests = [found.digest.hex() for found in keyed_hashes(CODE_PURPOSE, normal_code(typed).encode())]
    return _waiting(now).filter(user_code__in=digests).first()


def get_waiting(pk: int, now: datetime) -> DeviceRequest | None:
    return _waiting(now).filter(pk=pk).first()


def approve(row: DeviceRequest, user_id: str, wanted: Wanted, now: datetime) -> bool:
    """Record the consent. False: somebody decided first, or it is too late."""
    with transaction.atomic():
        if not _waiting(now).select_for_update().filter(pk=row.pk).exists():
            return False
        consent = give(user_id, wanted, now=now)
        changed = DeviceRequest.objects.filter(pk=row.pk, status=PENDING)
        return bool(changed.update(status=DeviceRequest.AUTHORIZED, user_id=user_id, consent=consent))


def deny(row: DeviceRequest, user_id: str, now: datetime) -> bool:
    return bool(_waiting(now).filter(pk=row.pk).update(status=DENIED, user_id=user_id))


def record_poll(row: DeviceRequest, now: datetime) -> bool:
    """Whether the device kept its interval. Where not, the interval grows for good (section 3.5)."""
    rows = DeviceRequest.objects.filter(pk=row.pk)
    in_time = row.polled_at is None or row.polled_at + timedelta(seconds=row.interval) <= now
    if in_time and rows.filter(polled_at=row.polled_at).update(polled_at=now):
        return True
    rows.update(polled_at=now, interval=F("interval") + SLOWER_SECONDS)
    return False


def take_device(row: DeviceRequest, now: datetime) -> bool:
    """Redeem it. False: somebody was first."""
    return bool(DeviceRequest.objects.filter(pk=row.pk, used_at=None).update(used_at=now))


def may_try(holders: Iterable[str], now: datetime) -> bool:
    """Whether none of them typed five wrong codes within the life of one (DEV-06)."""
    typed = WrongUserCode.objects.filter(typed_at__gt=now - LIFE)
    return all(typed.filter(holder__in=_hashes(holder)).count() < MOST_WRONG for holder in holders)


def record_wrong(holders: Iterable[str], now: datetime) -> None:
    WrongUserCode.objects.bulk_create(
        WrongUserCode(holder=keyed_hash(HOLDER_PURPOSE, holder.encode()).digest.hex(), typed_at=now)
        for holder in holders
    )


@every(3600, "passport.consents.sweep_devices")
def sweep() -> None:
    now = clock.now()
    DeviceRequest.objects.filter(expires__lt=now - KEPT).delete()
    WrongUserCode.objects.filter(typed_at__lt=now - LIFE).delete()


def _hashes(holder: str) -> list[str]:
    return [found.digest.hex() for found in keyed_hashes(HOLDER_PURPOSE, holder.encode())]


def _waiting(now: datetime) -> "models.QuerySet[DeviceRequest]":
    return DeviceRequest.objects.filter(status=PENDING, expires__gt=now)


def _insert(asked: Asked, device_code: str, user_code: str, now: datetime) -> None:
    DeviceRequest.objects.create(
        client_id=asked.client_id,
        device_code=digest_of(device_code),
        user_code=keyed_hash(CODE_PURPOSE, normal_code(user_code).encode()).digest.hex(),
        scope=asked.scope,
        scope_was_named=bool(asked.scope),
        resources=list(asked.resources),
        thumbprint=asked.thumbprint,
        address=asked.address,
        software=asked.software,
        interval=INTERVAL_SECONDS,
        asked_at=now,
        expires=now + LIFE,
    )
