"""A signing key of ours that others may hold: withdrawn with all that it signed, and how far that is.

Each step can be taken again: the key is leaked once, its revoke is placed once, lists are
carried over from marks that stay until they are done.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from passport.credentials.models import Passport
from passport.fields import Effect
from passport.restrictions.models import Restriction
from passport.restrictions.place import SubjectRef, place
from passport.restrictions.publish import publish
from passport.signing import keys
from passport.signing.models import SigningKey
from passport.status.models import StatusMark
from passport.status.sign import sign_older

REASON = "signing_key_leaked"


@dataclass(frozen=True, slots=True)
class Progress:
    """Of the passports that the key signed and that would live still."""

    ended: int
    issued_anew: int
    """Those whose agents have a passport by another key since."""
    published: bool
    """Whether every status list says so."""


def withdraw(kid: str, *, actor: str, now: datetime) -> bool:
    """Rotate and revoke, in one transaction; it cannot be lifted. False where it was done before.

    Raises SigningKey.DoesNotExist.
    """
    with transaction.atomic():
        keys.leak(kid, actor=actor, now=now)
        placed = Restriction.objects.filter(
            subject_type="signing_key", subject_id=kid, reason=REASON, lifted_at=None
        )
        if placed.exists():
            return False
        place(
            [SubjectRef("signing_key", kid, "")],
            effect=Effect.REVOKE,
            reason=REASON,
            actor=actor,
            now=now,
            final=True,
        )
    return True


def publish_withdrawal(kid: str, *, issuer: str, now: datetime) -> int:
    """Carry it to the status lists, and sign anew those that the key signed. Gives how many of these."""
    publish()
    return sign_older(issuer, _leaked_at(kid), now)


def progress(kid: str, now: datetime) -> Progress:
    """How far it is. Agents come for new passports when their old ones are refused."""
    ended = _alive(kid, now)
    newer = Passport.objects.filter(
        key=OuterRef("key"), issued_at__gte=_leaked_at(kid), expires_at__gt=now
    ).exclude(signing_key=kid)
    marks = StatusMark.objects.filter(subject_type="signing_key")
    return Progress(
        ended=ended.count(),
        issued_anew=ended.filter(Exists(newer)).count(),
        published=not any(kid in mark.subject_ids for mark in marks),
    )


def _alive(kid: str, now: datetime) -> QuerySet[Passport]:
    return Passport.objects.filter(signing_key=kid, expires_at__gt=now)


def _leaked_at(kid: str) -> datetime:
    """When it was withdrawn. Raises SigningKey.DoesNotExist for a key that was not."""
    found = SigningKey.objects.get(pk=kid, state=SigningKey.State.LEAKED).retired_at
    if found is None:
        raise SigningKey.DoesNotExist(kid)
    return found
