"""``explain_link A B``: what holds two accounts together, or keeps them apart."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.linkage.explain import explain
from accounts.linkage.models import Environment
from accounts.owners.models import Account


class Command(BaseCommand):
    help = "Tells what holds two accounts together, or why they are not linked."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("a", metavar="A")
        parser.add_argument("b", metavar="B")
        parser.add_argument("--environment", choices=Environment.values, default=Environment.LIVE.value)

    def handle(self, *args: Any, **options: Any) -> None:
        for name in (options["a"], options["b"]):
            if not Account.objects.filter(pk=name).exists():
                raise CommandError("there is no account with that id", returncode=2)
        found = explain(options["a"], options["b"], options["environment"])
        self.stderr.write(found.words)
        self.stdout.write(json.dumps(found.as_json(), sort_keys=True))
