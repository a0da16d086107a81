"""``rebuild_clusters [--shadow]``: finds all clusters from scratch."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from accounts.linkage.models import Environment
from accounts.linkage.rebuild import rebuild
from foundation import clock


class Command(BaseCommand):
    help = "Finds all clusters from the signals, and records how far those found online were from it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--shadow", action="store_true", help="only compare; change nothing")
        parser.add_argument("--environment", choices=Environment.values, default=Environment.LIVE.value)

    def handle(self, *args: Any, **options: Any) -> None:
        run = rebuild(options["environment"], shadow=options["shadow"], now=clock.now())
        summary = {
            "environment": run.environment,
            "shadow": run.shadow,
            "model": run.model_version,
            "accounts": run.accounts,
            "signals": run.signals,
            "clusters": run.clusters,
            "accounts_that_differ": run.accounts_that_differ,
            "seconds": round((run.finished_at - run.started_at).total_seconds(), 3),
            **run.figures,
        }
        self.stdout.write(json.dumps(summary, sort_keys=True))
