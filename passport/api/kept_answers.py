"""A POST that is sent twice with one ``Idempotency-Key`` is carried out once: the answer is kept for a day.

The row is made before the work and filled in its transaction: of two that come at once one waits
outside, and whoever dies in between has done nothing.
The answer may hold a secret that is shown once, so it lies sealed.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, models, transaction
from django.http import HttpRequest

from foundation import clock
from foundation.jobs.periodic import every
from foundation.sealing.boxes import CannotOpen, open_box, seal
from passport.api.kept_models import KeptAnswer
from passport.api.refusals import ApiRefused

LIFE: Final = timedelta(hours=24)
UNFINISHED: Final = timedelta(minutes=1)
"""After this nobody is at work on it any more: the process that was has died."""
KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
CONTEXT: Final = "passport.api.kept_answer"


@dataclass(frozen=True, slots=True)
class Kept:
    status: int
    body: Any
    headers: Mapping[str, str]


def begin(
    request: HttpRequest, holder: str, body: bytes, now: datetime
) -> tuple[KeptAnswer | None, Kept | None]:
    """The row to fill, or the answer that is kept already; neither where no key was sent.

    ``holder`` is the grant: one login cannot meet another's keys. Raises ApiRefused (400, 409, 422).
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None, None
    if not KEY.fullmatch(key):
        raise ApiRefused(400, "invalid-request", "Idempotency-Key is 1 to 255 visible ASCII characters")
    name = _digest(holder.encode(), key.encode())
    asked = _digest((request.method or "").encode(), request.path.encode(), body)
    KeptAnswer.objects.filter(_over(now), name=name).delete()
    try:
        with transaction.atomic():
            return KeptAnswer.objects.create(name=name, asked=asked, begun_at=now), None
    except IntegrityError:
        return None, _earlier(name, asked)


def finish(row: KeptAnswer, status: int, body: Any, headers: Mapping[str, str]) -> None:
    """In the transaction of the work: what was done has its answer kept, or was not done."""
    box = seal(json.dumps([body, dict(headers)]).encode(), context=CONTEXT)
    KeptAnswer.objects.filter(pk=row.pk).update(status=status, box=box)


def forget(row: KeptAnswer) -> None:
    """It was refused: nothing was done, so the same key may try again."""
    KeptAnswer.objects.filter(pk=row.pk).delete()


@every(3600, "passport.api.sweep_kept_answers")
def sweep() -> None:
    KeptAnswer.objects.filter(_over(clock.now())).delete()


def _earlier(name: str, asked: str) -> Kept | None:
    row = KeptAnswer.objects.filter(name=name).first()
    if row is None or row.status is None:
        words = "the first request with this Idempotency-Key is still at work"
        raise ApiRefused(409, "idempotency_in_progress", words, headers={"Retry-After": "1"})
    if row.asked != asked:
        words = "this Idempotency-Key came with another request: use a new one"
        raise ApiRefused(422, "idempotency_key_reused", words)
    try:
        body, headers = json.loads(open_box(row.box, context=CONTEXT))
        return Kept(row.status, body, headers)
    except CannotOpen:
        words = "the kept answer can no longer be read: look whether it was done"
        raise ApiRefused(409, "idempotency_in_progress", words) from None


def _over(now: datetime) -> models.Q:
    return models.Q(begun_at__lt=now - LIFE) | models.Q(status=None, begun_at__lt=now - UNFINISHED)


def _digest(*parts: bytes) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part)
    return whole.hexdigest()
