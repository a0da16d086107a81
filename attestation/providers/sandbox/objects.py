"""The sandbox provider's session object in our words (pure)."""

import json
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Final

from attestation.contract import (
    EventRef,
    Fingerprint,
    FingerprintKind,
    Observation,
    ProviderRefused,
    Started,
    State,
)
from attestation.providers.sandbox import webhooks

STATES: Final[Mapping[str, State]] = {
    "created": State.PENDING,
    "processing": State.PROCESSING,
    "in_review": State.REVIEW,
    "approved": State.VERIFIED,
    "declined": State.FAILED,
    "canceled": State.CANCELED,
    "expired": State.EXPIRED,
    "reversed": State.REVERSED,
    "redacted": State.REDACTED,
}
METHODS: Final = {"identity": "sandbox", "payment": "sandbox_card"}
PAYMENT_LEVELS: Final = frozenset({"", "instrument", "charged"})
RISKS: Final = frozenset({"", "normal", "elevated", "highest"})


class Unreadable(ProviderRefused):
    """The provider's answer is not what its protocol promises."""


def read_started(raw: bytes) -> Started:
    told = _parse(raw)
    try:
        return Started(
            subject_ref=_text(told["id"], 128),
            redirect_url=_text(told["url"], 1024),
            expires_at=_moment(told["expires_at"]),
        )
    except (KeyError, TypeError, ValueError) as damaged:
        raise Unreadable("session") from damaged


def read_observation(raw: bytes) -> Observation:
    """Raises Unreadable."""
    told = _parse(raw)
    try:
        return _observe(told, raw)
    except (KeyError, TypeError, ValueError) as damaged:
        raise Unreadable("session") from damaged


def read_events(raw: bytes) -> list[EventRef]:
    """The list of undelivered events. Raises Unreadable."""
    told = _parse(raw)
    try:
        return [webhooks.read(_text(event["id"], 128), event) for event in told["events"]]
    except (KeyError, TypeError, ValueError, OverflowError) as damaged:
        raise Unreadable("events") from damaged


def _observe(told: dict[str, Any], raw: bytes) -> Observation:
    result = told["result"]
    if not isinstance(told["livemode"], bool) or not isinstance(result, dict):
        raise TypeError("livemode is true or false, result an object")
    identity, card = result.get("identity"), result.get("card")
    prints: list[Fingerprint] = []
    expires_at = None
    if identity is not None:
        prints, expires_at = _of_identity(identity), _end_of_day(identity["document"]["expires_on"])
    elif card is not None:
        prints, expires_at = _of_card(card), _end_of_day(card["expires_on"])
    return Observation(
        state=STATES[_text(told["standing"], 20)],
        reference=_text(told["reference"], 64),
        livemode=told["livemode"],
        version=_count(told["version"]),
        level=_level(told["kind"], result),
        method=METHODS[told["kind"]],
        reason=_text(told["reason"], 64, shortest=0),
        tries=_count(told["tries"]),
        evidence_expires_at=expires_at,
        fingerprints=tuple(prints),
        risk=_one_of(result.get("risk_level", ""), RISKS),
        evidence=raw,
    )


def _level(kind: str, result: dict[str, Any]) -> str:
    return "document" if kind == "identity" else _one_of(result.get("level", ""), PAYMENT_LEVELS)


def _of_identity(identity: dict[str, Any]) -> list[Fingerprint]:
    document = identity["document"]
    number = "|".join(_text(document[part], 64) for part in ("type", "country", "number"))
    person = "|".join(fold(_text(identity[part], 64)) for part in ("family_name", "given_name", "birth_date"))
    return [
        Fingerprint(FingerprintKind.DOCUMENT, number),
        Fingerprint(FingerprintKind.PERSON, person),
    ]


def _of_card(card: dict[str, Any]) -> list[Fingerprint]:
    return [Fingerprint(FingerprintKind.CARD, f"sandbox|{_text(card['fingerprint'], 64)}")]


def fold(name: str) -> str:
    """One spelling for what is one name: no accents, no case, single spaces."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return " ".join(plain.casefold().split())


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError) as damaged:
        raise Unreadable("not JSON") from damaged
    if not isinstance(told, dict):
        raise Unreadable("not an object")
    return told


def _text(value: Any, longest: int, *, shortest: int = 1) -> str:
    if not isinstance(value, str) or not shortest <= len(value) <= longest or "\0" in value:
        raise ValueError("a short text was expected")
    return value


def _one_of(value: Any, known: frozenset[str]) -> str:
    if value not in known:
        raise ValueError("an unknown word")
    return str(value)


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise ValueError("a count was expected")
    return value


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value, 40))
    if moment.tzinfo is None:
        raise ValueError("a moment names its zone")
    return moment


def _end_of_day(value: Any) -> datetime:
    return datetime.combine(date.fromisoformat(_text(value, 10)), time.max, UTC)
