"""Takes a batch back, whole or single accounts."""

import argparse
from typing import Any

from django.core.management.base import CommandError

from foundation import clock
from passport.management.staff import StaffCommand
from passport.revocation.batch import BatchError
from passport.revocation.show import summary
from passport.revocation.steps import get_batch
from passport.revocation.undo import undo


class Command(StaffCommand):
    help = "Lift exactly what a batch placed. What was restricted for another reason stays so."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("batch")
        parser.add_argument("--reason", required=True)
        parser.add_argument("--account", action="append", help="only this one; may be given again")
        self.add_staff_arguments(parser)

    def handle(self, *args: Any, batch: str, reason: str, by: str, **options: Any) -> None:
        actor = self.actor(by, "analyst", "approver")
        try:
            lifted = undo(batch, actor, reason, options["account"], now=clock.now())
            found = summary(get_batch(batch))
        except BatchError as refused:
            raise CommandError(f"{refused.code}: {refused}") from refused
        words = f"{batch}: {found['state']}, {lifted} restrictions lifted"
        self.say({**found, "lifted": lifted}, words, as_json=options["json"])
