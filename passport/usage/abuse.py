"""A service's word that an account abuses it: read, and made a flag. It decides nothing by itself."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, transaction

from accounts.flags.models import Flag
from accounts.flags.raising import raise_flag
from passport.services.models import Service
from passport.usage.models import AbuseReport
from passport.usage.pairwise_names import find_account
from passport.usage.wire import BadReport, Fault, is_report_id, read_object

MAX_BYTES: Final = 16 * 1024
MOST_CONFIDENCE: Final = 0.5
"""What the word of one service counts at most (DESIGN section 7)."""
MAX_NOTE: Final = 500
REASONS: Final = ("spam", "abuse", "payment_fraud", "ban_evasion", "stolen_key", "other")
ACCOUNT = re.compile("acct_[A-Za-z0-9_-]{22}")
MEMBERS = frozenset({"id", "account", "reason", "confidence", "note"})


class UnknownAccount(Exception):
    """No account of that name ever reached the service."""


class ReportIdInUse(Exception):
    """The service sent another report under this id."""


@dataclass(frozen=True, slots=True)
class Accusation:
    id: str
    account: str
    """Pairwise: the claim ``account`` of its tokens."""
    reason: str
    confidence: float
    note: str


def read_accusation(body: bytes) -> Accusation:
    """Raises BadReport with the place of each fault."""
    content = read_object(body)
    if faults := tuple(Fault(f"#/{name}", detail) for name, detail in _faults(content)):
        raise BadReport("the report is malformed", faults)
    return Accusation(
        id=content["id"],
        account=content["account"],
        reason=content["reason"],
        confidence=min(float(content.get("confidence", MOST_CONFIDENCE)), MOST_CONFIDENCE),
        note=content.get("note", "").strip(),
    )


def report_abuse(service: Service, accusation: Accusation, body: bytes, now: datetime) -> AbuseReport:
    """Raise a flag, or add to the open one. The same report again changes nothing.

    Raises UnknownAccount, and ReportIdInUse for another body under a used id.
    """
    digest = hashlib.sha256(body).hexdigest()
    if held := _find(service, accusation.id, digest):
        return held
    account_id = find_account(service, accusation.account)
    if account_id is None:
        raise UnknownAccount(accusation.account)
    row = AbuseReport(
        service_id=service.pk, report_id=accusation.id, sha256=digest, account_id=account_id,
        reason=accusation.reason, confidence=accusation.confidence, received_at=now,
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            row.flag_id = _raise(service, accusation, account_id, now).pk
            row.save(update_fields=["flag_id"])
    except IntegrityError:
        held = _find(service, accusation.id, digest)
        if held is None:
            raise
        return held
    return row


def _raise(service: Service, accusation: Accusation, account_id: str, now: datetime) -> Flag:
    return raise_flag(
        account_id=account_id,
        environment=service.environment,
        reason=accusation.reason,
        source=Flag.Source.SERVICE,
        confidence=accusation.confidence,
        evidence={"service": service.pk, "report": accusation.id},
        raised_by=f"service:{service.pk}",
        note=accusation.note,
        now=now,
    )


def _find(service: Service, report_id: str, digest: str) -> AbuseReport | None:
    row = AbuseReport.objects.filter(service_id=service.pk, report_id=report_id).first()
    if row is not None and row.sha256 != digest:
        raise ReportIdInUse(report_id)
    return row


def _faults(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    faults = [(name[:40].replace("~", "~0").replace("/", "~1"), "unknown member")
              for name in sorted(content.keys() - MEMBERS)[:20]]  # fmt: skip
    if not is_report_id(content.get("id")):
        faults.append(("id", "8 to 64 letters, digits, or . _ ~ -"))
    account, note = content.get("account"), content.get("note", "")
    if not isinstance(account, str) or ACCOUNT.fullmatch(account) is None:
        faults.append(("account", "the claim account of a token of yours: acct_ and 22 characters"))
    if content.get("reason") not in list(REASONS):
        faults.append(("reason", f"one of: {' '.join(REASONS)}"))
    if not _is_confidence(content.get("confidence", MOST_CONFIDENCE)):
        faults.append(("confidence", "a number above 0, at most 1"))
    if not _is_note(note):
        faults.append(("note", f"text of at most {MAX_NOTE} characters"))
    return faults


def _is_note(value: object) -> bool:
    """What a database can hold: no NUL, no half of a surrogate pair."""
    if not isinstance(value, str) or len(value) > MAX_NOTE or "\x00" in value:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _is_confidence(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1
