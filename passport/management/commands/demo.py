"""Prints the demo's sign-ins, services and agents; makes them first where they are missing."""

import argparse
import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from foundation import clock
from passport.management.seed import make_demo
from passport.signing.keys import ensure_keys


class Command(BaseCommand):
    help = "The demo of the embedded default. Kept in DATA_DIR/demo.json, readable by its owner alone."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--quiet", action="store_true", help="print nothing")

    def handle(self, *args: Any, json: bool, quiet: bool, **options: Any) -> None:
        if not settings.EMBEDDED or settings.SECURE:
            raise CommandError("the demo is for the embedded default only: it makes well-known sign-ins")
        ensure_keys()
        made = make_demo(settings.DATA_DIR / "demo.json", settings.ISSUER, clock.now())
        if quiet:
            return
        self.stdout.write(as_json(made) if json else as_text(made))


def as_json(made: dict[str, Any]) -> str:
    return json.dumps(made, indent=2)


def as_text(made: dict[str, Any]) -> str:
    lines = [
        f"portal   {made['portal']['url']}   {made['portal']['email']}   {made['portal']['password']}",
        f"console  {made['admin']['url']}   {made['admin']['email']}   {made['admin']['password']}",
        "",
    ]
    lines += [
        f"service  {service['audience']}   {' '.join(service['scopes'])}" for service in made["services"]
    ]
    lines += [f"agent    {agent['client_id']}   of {agent['account']}" for agent in made["agents"]]
    return "\n".join([*lines, "", "secrets and second factors: manage.py demo --json"])
