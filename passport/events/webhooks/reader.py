"""What accounts are told of: read from the ledger, and what comes with time alone. Told once each."""

from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Value
from django.db.models.functions import Concat

from foundation import clock
from foundation.jobs.periodic import every
from foundation.ledger.read import Placed, entries_after, head
from passport.agents.models import Agent
from passport.credentials.models import Passport
from passport.events.ssf.models import LedgerCursor
from passport.events.webhooks.messages import Message
from passport.events.webhooks.models import Notice
from passport.events.webhooks.tell import tell
from passport.restrictions.models import Restriction

READER = "webhooks"
ENTRIES_AT_ONCE = 50
SUBJECTS_AT_ONCE = 500
EXPIRING = timedelta(days=3)
EXPIRING_ABOUT = "expiring:"
DONE = {"suspend": "suspended", "revoke": "revoked"}


@every(2, "passport.events.webhooks.read")
def read() -> None:
    """Bring the accounts up to the head of the ledger."""
    while step():
        pass


def step() -> bool:
    """The next entries, or the next part of a large one, in one transaction. False: nothing to take."""
    with transaction.atomic():
        LedgerCursor.objects.get_or_create(reader=READER, defaults={"number": head()})
        cursor = LedgerCursor.objects.select_for_update().get(reader=READER)
        entries = entries_after(cursor.number, ENTRIES_AT_ONCE)
        for entry in entries:
            cursor.part = _tell(entry, cursor.part)
            if cursor.part:
                break
            cursor.number = entry.number
        cursor.save()
    return bool(entries)


def _tell(entry: Placed, part: str) -> str:
    effect = str(entry.payload.get("effect"))
    if entry.type != "restriction.placed" or effect not in DONE or "part_of" in entry.payload:
        return ""
    subjects, rest = _subjects(entry, part)
    messages = [one for subject in subjects for one in _messages(entry, *subject, word=DONE[effect])]
    tell(messages, now=clock.now())
    return rest


def _subjects(entry: Placed, part: str) -> tuple[list[tuple[str, str]], str]:
    """Kind and id of the next subjects; and where to go on."""
    if batch_id := entry.payload.get("batch"):
        rows = Restriction.objects.filter(batch_id=batch_id, pk__gt=int(part or 0)).order_by("pk")
        held = list(rows.values_list("pk", "subject_type", "subject_id")[:SUBJECTS_AT_ONCE])
        rest = str(held[-1][0]) if len(held) == SUBJECTS_AT_ONCE else ""
        return [(kind, name) for _, kind, name in held], rest
    named = entry.payload.get("subjects", {})
    return [(kind, name) for kind, names in sorted(named.items()) for name in names], ""


def _messages(entry: Placed, kind: str, name: str, *, word: str) -> Iterator[Message]:
    """By kind of subject; a key's or a signing key's restriction reaches developers as that of passports."""
    if kind in {"account", "agent"}:
        column = "account_id" if kind == "account" else "client_id"
        environment = str(entry.payload.get("environment", ""))
        agents = Agent.objects.filter(**{column: name}, state=Agent.State.ACTIVE)
        if environment:
            agents = agents.filter(environment=environment)
        for agent in agents:
            data = {"agent": agent.client_id, "environment": agent.environment, "status": word}
            about = f"{entry.number}:{agent.client_id}"
            yield Message("agent.suspended", agent.account_id, about, entry.at, data)
        return
    column = {"key": "key_id", "passport": "jti", "signing_key": "signing_key_id"}[kind]
    rows = Passport.objects.filter(**{column: name}, expires_at__gt=entry.at).select_related("agent")
    for row in rows.iterator():
        about = f"{entry.number}:{row.pk}"
        told = {**_about(row), "status": word}
        yield Message("passport.revoked", row.account_id, about, entry.at, told)


@every(600, "passport.events.webhooks.expiring")
def tell_expiring() -> None:
    """Of passports that end within three days and that no newer one of the same key has replaced."""
    now = clock.now()
    newer = Passport.objects.filter(key_id=OuterRef("key_id"), issued_at__gt=OuterRef("issued_at"))
    told = Notice.objects.filter(
        account_id=OuterRef("account_id"), about=Concat(Value(EXPIRING_ABOUT), OuterRef("jti"))
    )
    rows = Passport.objects.filter(
        ~Exists(newer),
        ~Exists(told),
        expires_at__gt=now,
        expires_at__lte=now + EXPIRING,
        agent__state=Agent.State.ACTIVE,
    )
    for row in rows.select_related("agent").iterator():
        data = {**_about(row), "expires_at": row.expires_at.isoformat()}
        about = EXPIRING_ABOUT + row.jti
        tell([Message("passport.expiring", row.account_id, about, now, data)], now=now)


def _about(row: Passport) -> dict[str, object]:
    return {"passport": row.pk, "agent": row.agent.client_id, "environment": row.environment}
