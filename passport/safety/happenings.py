"""Entries of the ledger as a person reads them: what, why, who, by name where there is one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext, ngettext

from accounts.people.models import User
from accounts.people.roles import GIVEN, TAKEN
from foundation.ledger.models import Entry
from passport.safety.words import say_actor, say_entry, say_reason


@dataclass(frozen=True, slots=True)
class Happening:
    what: str
    detail: str
    who: str
    at: datetime
    text: str
    """Free text, as far as it was not erased."""


def happenings(entries: Sequence[Entry]) -> list[Happening]:
    """The entries, with their texts (``entries_about``), in their order. One query."""
    people = people_of(entry.actor for entry in entries)
    return [
        Happening(say_entry(entry), _detail(entry), people[entry.actor], entry.at, _text(entry))
        for entry in entries
    ]


def _text(entry: Entry) -> str:
    return entry.text.text if hasattr(entry, "text") else ""


def people_of(actors: Iterable[str]) -> dict[str, str]:
    """Actors of the ledger in words: people by their address, for colleagues know each other by it."""
    wanted = set(actors)
    ids = {actor.removeprefix("user:") for actor in wanted if actor.startswith("user:")}
    emails = dict(User.objects.filter(pk__in=ids).values_list("pk", "email"))
    return {actor: emails.get(actor.removeprefix("user:")) or say_actor(actor) for actor in wanted}


def _detail(entry: Entry) -> str:
    if entry.type in {GIVEN, TAKEN}:
        return ", ".join(entry.payload.get("roles", ()))
    if entry.type != "cluster.changed":
        return say_reason(entry.reason) if entry.reason else ""
    joined, left = len(entry.payload.get("joined", ())), len(entry.payload.get("left", ()))
    said = []
    if joined:
        said.append(ngettext("%d account joined", "%d accounts joined", joined) % joined)
    if left:
        said.append(ngettext("%d account left", "%d accounts left", left) % left)
    return gettext(", ").join(said)
