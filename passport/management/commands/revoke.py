"""Restricts a cluster, an account, an agent, a passport or a key, by the way of every batch."""

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from accounts.linkage.models import Environment
from foundation import clock
from passport.fields import Effect
from passport.management.staff import StaffCommand
from passport.revocation.approve import approve, propose, second_person_needed
from passport.revocation.batch import BatchError
from passport.revocation.chosen_lists import MOST_BYTES, read_list
from passport.revocation.models import RevocationBatch
from passport.revocation.preview import exclude, make_preview, record_view
from passport.revocation.run import start
from passport.revocation.show import details
from passport.revocation.steps import create_batch, get_batch

WAYS = ("cluster", "account", "agent", "passport", "thumbprint", "signing_key", "since", "query", "list")
METAVARS = {"since": "MOMENT", "query": "CONDITIONS", "list": "FILE", "signing_key": "KID"}
EFFECTS = {"throttle": Effect.THROTTLE, "suspend": Effect.SUSPEND, "revoke": Effect.REVOKE}


class Command(StaffCommand):
    help = (
        "Preview a batch; with --yes, approve and run it. Beyond the threshold it waits for a second person."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        chosen = parser.add_mutually_exclusive_group(required=True)
        for way in WAYS:
            option = f"--{way.replace('_', '-')}"
            chosen.add_argument(option, dest=way, metavar=METAVARS.get(way, "ID"))
        chosen.add_argument("--batch", metavar="ID", help="approve and run one that was previewed before")
        parser.add_argument("--effect", choices=EFFECTS, default="suspend")
        parser.add_argument("--factor", type=float, default=1.0, help="of a throttle: the share that stays")
        parser.add_argument("--environment", choices=Environment.values, default="live")
        parser.add_argument("--reason", default="")
        parser.add_argument("--exclude", action="append", default=[], metavar="ACCOUNT=WHY")
        parser.add_argument("--yes", action="store_true", help="act; otherwise only the preview is shown")
        self.add_staff_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        actor = self.actor(options["by"], "analyst", "approver")
        try:
            batch = get_batch(options["batch"]) if options["batch"] else self._preview(actor, options)
            if options["yes"]:
                batch = self._run(batch, actor)
        except BatchError as refused:
            raise CommandError(f"{refused.code}: {refused}") from refused
        self.say(details(batch), self._words(batch), as_json=options["json"])

    def _preview(self, actor: str, options: dict[str, Any]) -> RevocationBatch:
        way = next(way for way in WAYS if options[way])
        now = clock.now()
        batch = create_batch(
            environment=options["environment"],
            chosen_by=way,
            chosen_from=options[way],
            names=_names(options[way]) if way == "list" else (),
            reason=options["reason"],
            actor=actor,
            now=now,
            effect=EFFECTS[options["effect"]],
            factor=options["factor"],
        )
        make_preview(batch.pk, actor=actor, now=now)
        for one in options["exclude"]:
            account_id, _, why = one.partition("=")
            exclude(batch.pk, account_id, why, actor=actor, now=now)
        return get_batch(batch.pk)

    def _run(self, batch: RevocationBatch, actor: str) -> RevocationBatch:
        now = clock.now()
        if second_person_needed(batch, now=now) and batch.requested_by == actor:
            return propose(batch.pk, actor, now=now) if batch.state == "previewed" else batch
        if not batch.approved_by:
            approve(batch.pk, actor, record_view(batch.pk, actor, now=now), now=now)
        return start(batch.pk, actor, now=now)

    def _words(self, batch: RevocationBatch) -> str:
        figures = batch.preview
        lines = [
            f"{batch.pk}: {batch.state}",
            f"  {figures.get('accounts', 0)} accounts, {figures.get('agents', 0)} agents, "
            f"{figures.get('passports', 0)} living passports",
            f"  perhaps innocent: {figures.get('perhaps_innocent_count', 0)}, "
            f"left out: {figures.get('left_out', 0)}",
        ]
        lines += [
            f"    {one['account']} {one['name']}: {', '.join(one['signs'])}"
            for one in figures.get("perhaps_innocent", [])
        ]
        if batch.state == "previewed":
            lines.append(f"  nothing is done yet; to act: revoke --batch {batch.pk} --yes")
        if batch.state == "awaiting_approval":
            lines.append(f"  a second person approves and runs it: revoke --batch {batch.pk} --yes")
        return "\n".join(lines)


def _names(file: str) -> list[str]:
    """Raises BatchError ``bad_list``, CommandError where the file cannot be read."""
    try:
        with Path(file).open("rb") as lines:
            return read_list(lines.read(MOST_BYTES + 1))
    except OSError as missing:
        raise CommandError(f"{file}: {missing.strerror}") from missing
