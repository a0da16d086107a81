"""``rebuild_clusters [--engine duckdb|spark] [--shadow]``: finds all clusters from scratch."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.linkage.learning import as_model, in_force
from accounts.linkage.models import Environment, LinkageModel
from accounts.linkage.rebuild import ENGINES, Wanted, rebuild
from accounts.linkage.spark import NoSpark
from accounts.linkage.weigh import Model
from foundation import clock


class Command(BaseCommand):
    help = "Finds all clusters from the signals, and records how far those found online were from it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--engine", choices=list(ENGINES), default="duckdb")
        parser.add_argument("--shadow", action="store_true", help="only compare; change nothing")
        parser.add_argument(
            "--by-policy", action="store_true", help="change little by itself; leave the rest to a person"
        )
        parser.add_argument("--model", metavar="VERSION", help="other weights than those in force; in shadow")
        parser.add_argument("--environment", choices=Environment.values, default=Environment.LIVE.value)

    def handle(self, *args: Any, **options: Any) -> None:
        model = self.model(options["model"])
        wanted = Wanted(
            apply=not options["shadow"] and not options["model"],
            by_policy=options["by_policy"],
            engine=options["engine"],
            model=model,
        )
        self.stderr.write(f"finding all clusters of {options['environment']} with {options['engine']}")
        try:
            run = rebuild(options["environment"], wanted=wanted, now=clock.now())
        except NoSpark as missing:
            raise CommandError(str(missing), returncode=2) from missing
        summary = {
            "run": run.pk,
            "environment": run.environment,
            "engine": run.engine,
            "shadow": run.shadow,
            "model": run.model_version,
            "accounts": run.accounts,
            "signals": run.signals,
            "clusters": run.clusters,
            "accounts_that_differ": run.accounts_that_differ,
            "accounts_to_move": run.accounts_to_move,
            "seconds": round((run.finished_at - run.started_at).total_seconds(), 3),
            **run.figures,
        }
        self.stdout.write(json.dumps(summary, sort_keys=True))

    def model(self, version: str | None) -> Model:
        if not version:
            return in_force()
        row = LinkageModel.objects.filter(pk=version).first()
        if row is None:
            raise CommandError("there are no weights of that version", returncode=2)
        return as_model(row)
