"""``import_signals FILE [--strict]``: takes in a signal log and finds the links it makes."""

import json
import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.linkage.importing import Tally, import_log
from accounts.linkage.models import Environment
from accounts.linkage.rebuild import settle_everything
from accounts.linkage.settle import settle_marked
from foundation import clock


class Command(BaseCommand):
    help = "Takes in a signal log (JSON Lines). Bad lines are named by number and skipped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="the log; - is standard input")
        parser.add_argument("--strict", action="store_true", help="stop at the first bad line")
        parser.add_argument(
            "--defer", action="store_true", help="leave the links to the workers or a rebuild"
        )
        parser.add_argument("--environment", choices=Environment.values, default=Environment.LIVE.value)

    def handle(self, *args: Any, **options: Any) -> None:
        environment = options["environment"]
        tally = self.take_in(options["file"], environment, strict=options["strict"])
        settled = 0
        if not options["defer"] and settle_everything(environment, now=clock.now()):
            self.stderr.write("all blocks found anew")
        while not options["defer"] and (marks := settle_marked(environment)):
            settled += marks
            self.stderr.write(f"{settled} neighbourhoods settled")
        summary = {**asdict(tally), "settled": settled, "environment": environment}
        self.stdout.write(json.dumps(summary, sort_keys=True))
        if tally.bad_lines:
            raise CommandError(f"{tally.bad_lines} bad lines", returncode=1)

    def take_in(self, name: str, environment: str, *, strict: bool) -> Tally:
        def complain(number: int, why: str) -> None:
            self.stderr.write(f"line {number}: {why}")

        def progress(lines: int) -> None:
            self.stderr.write(f"{lines} lines")

        with ExitStack() as files:
            try:
                stream = sys.stdin.buffer if name == "-" else files.enter_context(Path(name).open("rb"))
            except OSError as failure:
                raise CommandError(f"cannot read {name}: {failure.strerror}", returncode=2) from failure
            return import_log(
                stream, environment, now=clock.now(), strict=strict, complain=complain, progress=progress
            )
