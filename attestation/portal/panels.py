"""What the verification page shows, gathered from the records. Nothing of a document or card is in it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from attestation.contract import State
from attestation.evidence.life import UNFINISHED
from attestation.evidence.models import AccountLevel, Attestation
from attestation.evidence.standing import Levels, levels_of
from attestation.evidence.tries import tries_left
from attestation.levels import at_least
from attestation.portal.words import LEVELS, Said, explain
from attestation.providers.registry import find_offered

KINDS: Final = ("identity", "payment")
TITLES: Final = {"identity": _("Identity"), "payment": _("Payment")}


@dataclass(frozen=True, slots=True)
class Labels:
    """What the button that leads to the provider says."""

    first: str | Promise
    again: str | Promise
    resume: str | Promise


OFFERS: Final = {
    "identity": {
        "document": Labels(_("Verify a document…"), _("Verify again…"), _("Go on with the document…"))
    },
    "payment": {
        "instrument": Labels(_("Save a card…"), _("Save another card…"), _("Go on saving a card…")),
        "charged": Labels(_("Charge a card once…"), _("Charge again…"), _("Go on charging a card…")),
    },
}
KEPT: Final = {
    "identity": _("Kept: the level, the method, the dates and a keyed hash. Never the document."),
    "payment": _("Kept: the level, the dates and a keyed hash of the card. Never its number."),
}
SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Rung:
    level: str
    unlocks: str | Promise
    held: bool


@dataclass(frozen=True, slots=True)
class Offer:
    level: str
    label: str | Promise
    is_next: bool
    """The first level that is not held yet: what to do next."""


@dataclass(frozen=True, slots=True)
class Panel:
    kind: str
    title: str | Promise
    level: str
    method: str
    proven_at: datetime | None
    until: datetime | None
    kept: str | Promise
    rungs: list[Rung]
    latest: Attestation | None
    said: Said | None
    tries_left: int
    offers: list[Offer]
    provider_title: str

    @property
    def moves(self) -> bool:
        """Whether a result is on its way: the page follows it."""
        return self.latest is not None and self.latest.state in UNFINISHED


def panels_of(account_id: str, environment: str, now: datetime) -> list[Panel]:
    held = levels_of(account_id, environment, now)
    row = AccountLevel.objects.filter(account_id=account_id, environment=environment).first()
    latest = latest_of_each(account_id, environment)
    return [_panel(kind, held, row, latest.get(kind), account_id, environment, now) for kind in KINDS]


def latest_of_each(account_id: str, environment: str) -> dict[str, Attestation]:
    """The newest attestation of each kind."""
    rows = Attestation.objects.filter(account_id=account_id, environment=environment)
    newest: dict[str, Attestation] = {}
    for row in rows.order_by("-created_at")[:SHOWN]:
        newest.setdefault(row.kind, row)
    return newest


def stamp_of(panels: list[Panel]) -> str:
    """Changes when anything on the page does: lets the page ask for news only."""
    parts = [
        f"{p.kind}:{p.level}:{p.latest.pk}:{p.latest.state}:{p.latest.provider_version}"
        if p.latest
        else f"{p.kind}:{p.level}"
        for p in panels
    ]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def _panel(
    kind: str,
    held: Levels,
    row: AccountLevel | None,
    latest: Attestation | None,
    account_id: str,
    environment: str,
    now: datetime,
) -> Panel:
    identity = kind == "identity"
    level = held.identity if identity else held.payment
    proven_at = held.identity_at if identity else held.payment_at
    until = (row.identity_until if identity else row.payment_until) if row and proven_at else None
    provider = find_offered(kind, environment)
    return Panel(
        kind=kind,
        title=TITLES[kind],
        level=level,
        method=held.identity_method if identity else "",
        proven_at=proven_at,
        until=until,
        kept=KEPT[kind],
        rungs=[Rung(name, unlocks, at_least(level, name)) for name, unlocks in LEVELS[kind]],
        latest=latest,
        said=explain(latest.state, latest.reason) if latest else None,
        tries_left=tries_left(account_id, environment, kind, now),
        offers=offers_of(kind, level, latest) if provider else [],
        provider_title=provider.title if provider else "",
    )


def offers_of(kind: str, held: str, latest: Attestation | None) -> list[Offer]:
    wanted = [name for name in OFFERS[kind] if not at_least(held, name)][:1]
    offers = []
    for name, labels in OFFERS[kind].items():
        begun = latest is not None and latest.state == State.PENDING and latest.wanted_level == name
        label = labels.resume if begun else labels.again if at_least(held, name) else labels.first
        offers.append(Offer(name, label, name in wanted))
    return offers
