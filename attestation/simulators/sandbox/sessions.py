"""Sessions of the sandbox provider: what a vendor would keep and do on its own servers.

Card numbers and codes are read and forgotten; what stays is a fingerprint under the
simulator's own key.
"""

import secrets
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.db import transaction

from attestation.simulators.models import SandboxSession
from attestation.simulators.sandbox import magic
from attestation.simulators.sandbox.deliveries import announce
from attestation.simulators.sandbox.magic import Delivery, Standing, Step
from foundation import clock
from foundation.jobs.outbox import enqueue, job
from foundation.sealing.hashes import keyed_hash

LIFE: Final = timedelta(hours=24)
MOST_TRIES: Final = 3
ADVANCE: Final = "attestation.sandbox.advance"
SUBMITTABLE: Final = frozenset({Standing.CREATED, Standing.DECLINED})


class CannotSubmit(Exception):
    """The session takes no further try: it is finished, used up or too old."""


def open_session(*, kind: str, wants: str, reference: str, return_url: str, now: datetime) -> SandboxSession:
    """A new session, or the one that has this reference already."""
    session, _ = SandboxSession.objects.get_or_create(
        reference=reference,
        defaults={
            "id": f"sbs_{secrets.token_urlsafe(24)}",
            "kind": kind,
            "wants": wants,
            "return_url": return_url,
            "state": Standing.CREATED.value,
            "created_at": now,
            "expires_at": now + LIFE,
        },
    )
    return session


def standing_of(session: SandboxSession, now: datetime) -> tuple[Standing, int]:
    """Where the session is, and the version of its object. Running out of time is a change too."""
    standing = Standing(session.state)
    if standing in SUBMITTABLE and now >= session.expires_at:
        return Standing.EXPIRED, session.version + 1
    return standing, session.version


def takes_submission(session: SandboxSession, now: datetime) -> bool:
    return standing_of(session, now)[0] in SUBMITTABLE and session.tries < MOST_TRIES


def submit_identity(session_id: str, course: magic.Course, delivery: Delivery, now: datetime) -> None:
    """Raises CannotSubmit."""
    person = course.person or f"of {session_id}"
    _submit(session_id, course.steps, {"identity": identity_of(person)}, delivery, now)


def submit_card(
    session_id: str, number: str, expires_on: date, delivery: Delivery, now: datetime, *, passed: bool
) -> None:
    """``number`` has passed the Luhn check. Raises CannotSubmit."""
    card = magic.CARDS.get(number, magic.ORDINARY)
    session = SandboxSession.objects.get(pk=session_id)
    paid = magic.course_of_card(card, session.wants, challenge_passed=passed)
    result = {
        "card": {
            "fingerprint": keyed_hash("sandbox-provider/card", number.encode()).digest[:12].hex(),
            "funding": card.funding,
            "country": "XS",
            "expires_on": expires_on.isoformat(),
            "three_d_secure": "authenticated" if card.challenge and passed else "not_asked",
        },
        "level": paid.level,
        "risk_level": card.risk,
    }
    _submit(session_id, paid.steps, result, delivery, now)


def identity_of(person: str) -> dict[str, Any]:
    """The test person of that number, the same each time."""
    return {
        "method": "document_and_selfie",
        "family_name": "Specimen",
        "given_name": f"Person {person}",
        "birth_date": "1990-01-01",
        "document": {
            "type": "passport",
            "country": "XS",
            "number": f"SPECIMEN-{person}",
            "expires_on": "2035-12-31",
        },
    }


def close(session_id: str, standing: Standing, now: datetime) -> SandboxSession:
    """Cancel what is unfinished or redact what is finished; anything else stays as it is."""
    with transaction.atomic():
        session = SandboxSession.objects.select_for_update().get(pk=session_id)
        unfinished = Standing(session.state) in SUBMITTABLE | {Standing.PROCESSING, Standing.IN_REVIEW}
        if session.state != standing and unfinished == (standing is Standing.CANCELED):
            if standing is Standing.REDACTED:
                session.result = {key: session.result[key] for key in ("level",) if key in session.result}
            _take([Step(standing)], session, now)
        return session


def _submit(
    session_id: str, steps: tuple[Step, ...], result: dict[str, Any], delivery: Delivery, now: datetime
) -> None:
    with transaction.atomic():
        session = SandboxSession.objects.select_for_update().get(pk=session_id)
        if not takes_submission(session, now):
            raise CannotSubmit
        if not steps:
            return
        session.delivery = delivery.value
        session.livemode = delivery is Delivery.WRONGMODE
        session.result = result
        _take([step for step in steps if not step.after_seconds], session, now)
        for step in steps:
            if step.after_seconds:
                enqueue(
                    ADVANCE,
                    {"session_id": session.pk, "standing": step.standing.value, "reason": step.reason,
                     "version": session.version},
                    due_at=now + timedelta(seconds=step.after_seconds),
                )  # fmt: skip


def _take(steps: list[Step], session: SandboxSession, now: datetime) -> None:
    for step in steps:
        session.state, session.reason = step.standing.value, step.reason
        session.version += 1
        session.tries += step.standing is Standing.DECLINED
    session.save()
    announce(session, [step.standing.value for step in steps], now)


@job(ADVANCE)
def advance(session_id: str, standing: str, reason: str, version: int) -> None:
    """The step that follows by itself, unless something else happened first."""
    with transaction.atomic():
        session = SandboxSession.objects.select_for_update().filter(pk=session_id, version=version).first()
        if session is not None:
            _take([Step(Standing(standing), reason)], session, clock.now())


def describe(session: SandboxSession, now: datetime) -> dict[str, Any]:
    """The object as the API gives it. What was shown is part of it only once it was accepted."""
    standing, version = standing_of(session, now)
    told = dict(session.result)
    if standing not in {Standing.APPROVED, Standing.REVERSED}:
        told.pop("identity", None)
    return {
        "id": session.pk,
        "kind": session.kind,
        "wants": session.wants,
        "reference": session.reference,
        "livemode": session.livemode,
        "standing": standing.value,
        "reason": session.reason,
        "tries": session.tries,
        "version": version,
        "expires_at": session.expires_at.astimezone(UTC).isoformat(),
        "result": told,
    }
