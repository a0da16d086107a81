"""``export_clusters FILE [--explain FILE] [--organisations]``: who is in which cluster, and why."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.linkage.explain import explain_cluster, export_lines, exported
from accounts.linkage.models import Environment


class Command(BaseCommand):
    help = "Writes clusters as JSON Lines. With - as FILE the summary goes to standard error."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="- is standard output")
        parser.add_argument("--explain", metavar="FILE", help="also write why, one line for each member")
        parser.add_argument("--organisations", action="store_true", help="also declared organisations")
        parser.add_argument("--environment", choices=Environment.values, default=Environment.LIVE.value)

    def handle(self, *args: Any, **options: Any) -> None:
        environment, organisations = options["environment"], options["organisations"]
        members = (
            {"account": account, "cluster": cluster}
            for account, cluster in export_lines(environment, organisations=organisations)
        )
        summary = {"environment": environment, "members": self.write(options["file"], members)}
        clusters = list(exported(environment, organisations=organisations))
        if options["explain"]:
            found = (one.as_json() for cluster in clusters for one in explain_cluster(cluster))
            summary["explanations"] = self.write(options["explain"], found)
        summary["clusters"] = len(clusters)
        piped = "-" in (options["file"], options["explain"])
        (self.stderr if piped else self.stdout).write(json.dumps(summary, sort_keys=True))

    def write(self, name: str, lines: Iterable[Mapping[str, object]]) -> int:
        with ExitStack() as files:
            try:
                file = (
                    sys.stdout if name == "-" else files.enter_context(Path(name).open("w", encoding="utf-8"))
                )
            except OSError as failure:
                raise CommandError(f"cannot write {name}: {failure.strerror}", returncode=2) from failure
            return sum(bool(file.write(json.dumps(line) + "\n")) for line in lines)
