"""The ledger's entries about an account, in words."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext

from accounts.people.models import User
from foundation.ledger.models import Entry
from foundation.ledger.read import entries_about

SIZE = 50
MOST_EXPORTED = 5_000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

WORDS: dict[str, str] = {
    "account.opened": "Account opened",
    "account.renamed": "Account renamed",
    "account.closed": "Account closed",
    "member.invited": "Member invited",
    "member.uninvited": "Invitation withdrawn",
    "member.added": "Member joined",
    "member.changed": "Role changed",
    "member.removed": "Member removed",
    "agent.registered": "Agent registered",
    "agent.changed": "Agent changed its registration",
    "agent.closed": "Agent closed",
    "initial_token.made": "Token for self-registration made",
    "key.added": "Key added",
    "key.retired": "Key retired",
    "passport.issued": "Passport issued",
    "passport.renewed": "Passport renewed",
    "token.revoked": "Token revoked",
    "attestation.started": "Verification started",
    "attestation.changed": "Verification changed",
    "restriction.placed": "Restriction placed",
    "restriction.lifted": "Restriction lifted",
    "service.created": "Service created",
    "service.changed": "Service publishes its keys elsewhere",
    "service.key_added": "Service got a key",
    "service.key_removed": "Key of a service removed",
    "service.keys_changed": "Keys of a service changed",
    "service.secret_ended": "Secret of a service ended",
    "grant.changed": "Access to a service changed",
    "limits.changed": "Limits changed",
}
"""Apps above may add words for types of their own."""

INTERNAL = ("cluster.", "flag.", "batch.")
"""What concerns other accounts as well is no business of members; it reaches them as a notice."""


NOT_FOR_MEMBERS = frozenset({"text_sha256"})
"""The digest of a note that colleagues of ours wrote to each other."""


@dataclass(frozen=True, slots=True)
class Line:
    at: datetime
    what: str
    type: str
    who: str
    reason: str
    details: list[tuple[str, str]]
    number: int


@dataclass(frozen=True, slots=True)
class Lines:
    rows: list[Line]
    older_than: int | None
    """The entry to page behind, or None at the end."""


def read_lines(account_id: str, *, before: int | None, size: int = SIZE) -> Lines:
    """The newest ``size`` entries before ``before`` that members may see. Two or three queries."""
    entries = entries_about(account_id, before=before, limit=size + 1)
    more = len(entries) > size
    entries = entries[:size]
    shown = [entry for entry in entries if not entry.type.startswith(INTERNAL)]
    names = names_of(entry.actor for entry in shown)
    rows = [write_line(entry, names) for entry in shown]
    return Lines(rows, entries[-1].pk if more else None)


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """What to call each actor. Staff are not named: they act for the operator."""
    wanted = {actor.removeprefix("user:") for actor in actors if actor.startswith("user:")}
    people = User.objects.filter(pk__in=wanted)
    return {
        f"user:{user.pk}": str(user) if not user.is_staff else gettext("Trust and safety") for user in people
    }


def write_line(entry: Entry, names: dict[str, str]) -> Line:
    sort, _, name = entry.actor.partition(":")
    who = names.get(entry.actor) or (gettext("Agent Passport") if sort == "system" else name)
    return Line(
        at=entry.at,
        what=gettext(WORDS.get(entry.type, entry.type.replace(".", " ").replace("_", " ").capitalize())),
        type=entry.type,
        who=who,
        reason=reason_for_members(entry),
        details=[
            (key.replace("_", " "), str(value))
            for key, value in sorted(entry.payload.items())
            if plain(value) and key not in NOT_FOR_MEMBERS
        ],
        number=entry.pk,
    )


def reason_for_members(entry: Entry) -> str:
    """Why a proof is held is not told: nobody shall learn here which card or document is known."""
    if entry.type.startswith("attestation.") and "." in entry.reason:
        return ""
    return entry.reason.replace("_", " ")


def plain(value: object) -> bool:
    """What says something to a member: no lists, no identifiers of people."""
    return isinstance(value, str | float) and value != "" and not str(value).startswith("usr_")


def write_csv(lines: Iterable[Line]) -> str:
    """Comma-separated, one row a line; cells that a spreadsheet would compute are quoted."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["time", "type", "who", "reason", "details"])
    for line in lines:
        details = "; ".join(f"{key}: {value}" for key, value in line.details)
        writer.writerow(map(harmless, [line.at.isoformat(), line.type, line.who, line.reason, details]))
    return file.getvalue()


def harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
