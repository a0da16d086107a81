"""Lists batches, or shows one with its set and its receipts."""

import argparse
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from passport.revocation.batch import BatchError, State
from passport.revocation.show import details, newest, summary
from passport.revocation.steps import get_batch


class Command(BaseCommand):
    help = "Show the newest batches, or one."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("batch", nargs="?")
        parser.add_argument("--state", choices=[state.value for state in State], default="")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, batch: str | None, state: str, **options: Any) -> None:
        try:
            found: Any = details(get_batch(batch)) if batch else [summary(one) for one in newest(state)]
        except BatchError as refused:
            raise CommandError(f"{refused.code}: {refused}") from refused
        if options["json"] or batch:
            self.stdout.write(json.dumps(found, indent=None if options["json"] else 2))
            return
        for one in found:
            self.stdout.write(
                f"{one['created_at']}  {one['batch']}  {one['state']:<18} {one['effect']:<8} "
                f"{one['accounts_hit']:>6} accounts  {one['reason']}"
            )
