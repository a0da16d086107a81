"""Shows the switches for the worst day, or turns one."""

import argparse
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError

from foundation import clock
from passport.management.staff import StaffCommand
from passport.restrictions.models import Switch
from passport.restrictions.switches import Setting, set_switch, settings


class Command(StaffCommand):
    help = "Without a name: how all stand. With a name and on or off: turn it, with a reason."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", choices=Switch.Name.values)
        parser.add_argument("to", nargs="?", choices=("on", "off"))
        parser.add_argument("--reason", default="")
        parser.add_argument("--hours", type=float, help="off again by itself after so many")
        parser.add_argument("--by", metavar="EMAIL", default="", help="the member of staff who does this")
        parser.add_argument("--json", action="store_true", help="one line of JSON instead of words")

    def handle(self, *args: Any, name: str | None, to: str | None, **options: Any) -> None:
        now = clock.now()
        if name and not to:
            raise CommandError("say on or off")
        if name:
            actor = self.actor(options["by"], "approver", "operator")
            hours = options["hours"]
            until = now + timedelta(hours=hours) if hours is not None else None
            try:
                set_switch(name, on=to == "on", reason=options["reason"], actor=actor, now=now, until=until)
            except (ValueError, OverflowError) as refused:
                raise CommandError(str(refused)) from refused
        found = settings(now)
        content = [
            {"switch": one.name, "on": one.on, "reason": one.reason,
             "until": one.until.isoformat() if one.until else None, "changed_by": one.changed_by}
            for one in found
        ]  # fmt: skip
        self.say(content, "\n".join(_words(one) for one in found), as_json=options["json"])


def _words(one: Setting) -> str:
    until = f" until {one.until.isoformat(timespec='minutes')}" if one.on and one.until else ""
    return f"{one.name:<18} {'ON' if one.on else 'off'}{until}  {one.reason}"
