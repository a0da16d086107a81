"""``learn_weights [--adopt VERSION --reason TEXT --by ACTOR]``: weights from decided cases."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.flags.decided import decided_cases
from accounts.linkage.learning import TooFew, adopt, as_model, learn
from accounts.linkage.models import Environment, LinkageModel
from accounts.linkage.rebuild import Wanted, rebuild
from foundation import clock


class Command(BaseCommand):
    help = "Learns weights from decided cases and shows what they would change; --adopt puts them in force."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--adopt", metavar="VERSION", help="put a version in force")
        parser.add_argument("--reason", default="", help="why; needed to adopt")
        parser.add_argument("--by", default="system:command", help="who says so, such as user:usr_1")

    def handle(self, *args: Any, **options: Any) -> None:
        summary = self.adopt(**options) if options["adopt"] else self.learn(options["by"])
        self.stdout.write(json.dumps(summary, sort_keys=True))

    def learn(self, actor: str) -> dict[str, object]:
        try:
            row = learn(decided_cases(), actor=actor, now=clock.now())
        except TooFew as few:
            raise CommandError(str(few), returncode=1) from few
        compared = {}
        for environment in Environment.values:
            self.stderr.write(f"comparing in {environment}, in shadow")
            wanted = Wanted(apply=False, model=as_model(row), actor=actor)
            compared[environment] = rebuild(environment, wanted=wanted, now=clock.now()).accounts_to_move
        return {
            "model": row.version,
            "state": row.state,
            "cases": row.cases,
            "bits": row.bits,
            "accounts_to_move": compared,
        }

    def adopt(self, *, adopt: str, reason: str, by: str, **_: Any) -> dict[str, object]:
        if not reason.strip():
            raise CommandError("say why with --reason", returncode=2)
        return put_in_force(adopt, reason.strip(), by)


def put_in_force(version: str, reason: str, actor: str) -> dict[str, object]:
    try:
        row = adopt(version, actor=actor, reason=reason, now=clock.now())
    except LinkageModel.DoesNotExist:
        raise CommandError("there are no weights of that version", returncode=2) from None
    return {"model": row.version, "state": row.state, "cases": row.cases, "bits": row.bits}
