"""The switches for the worst day: what is paused, why, until when. The only writer of the table."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from foundation.ledger.append import append
from passport.restrictions.models import Switch

Name = Switch.Name


@dataclass(frozen=True, slots=True)
class Setting:
    """How a switch stands now: one past its end counts as off."""

    name: str
    label: str
    on: bool
    reason: str
    until: datetime | None
    changed_by: str
    changed_at: datetime | None


def find_on(name: str, now: datetime) -> Switch | None:
    """The switch if it is on now. One query by primary key."""
    row = Switch.objects.filter(name=name, on=True).first()
    return row if row is not None and (row.until is None or row.until > now) else None


def is_on(name: str, now: datetime) -> bool:
    return find_on(name, now) is not None


def settings(now: datetime) -> list[Setting]:
    """Every switch, in the order of their names' declaration; those never touched are off."""
    rows = {row.name: row for row in Switch.objects.all()}
    return [_setting(name, rows.get(name), now) for name in Name]


def set_switch(
    name: str, *, on: bool, reason: str, actor: str, now: datetime, until: datetime | None = None
) -> None:
    """Turn a switch, with a reason either way. Raises ValueError."""
    if name not in Name.values:
        raise ValueError(f"there is no switch {name}; there are {', '.join(Name.values)}")
    if not reason.strip():
        raise ValueError("say why: whoever turns it back must know")
    if on and until is not None and until <= now:
        raise ValueError("the end lies in the past")
    with transaction.atomic():
        Switch.objects.update_or_create(
            name=name,
            defaults={
                "on": on,
                "reason": reason.strip()[:200],
                "until": until if on else None,
                "changed_by": actor,
                "changed_at": now,
            },
        )
        append(
            "switch.changed",
            actor=actor,
            payload={"switch": name, "on": on, "until": until.isoformat() if on and until else None},
            text=reason.strip(),
            at=now,
        )


def _setting(name: Name, row: Switch | None, now: datetime) -> Setting:
    if row is None:
        return Setting(name.value, str(name.label), False, "", None, "", None)
    on = row.on and (row.until is None or row.until > now)
    return Setting(name.value, str(name.label), on, row.reason, row.until, row.changed_by, row.changed_at)
