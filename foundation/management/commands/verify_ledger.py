"""Proves that the record is whole, or names the first entry that does not fit."""

import argparse
import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from foundation.ledger.checkpoints import checkpoint
from foundation.ledger.sequence import sequence
from foundation.ledger.verify import verify_ledger


class Command(BaseCommand):
    help = "Check numbers, digests, roots and signatures of the whole record. Exit status 1 if one is off."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--seal", action="store_true", help="first number and seal what waits")
        parser.add_argument(
            "--checkpoints",
            type=Path,
            default=settings.CHECKPOINT_FILE,
            help="file of checkpoint tokens kept outside the database, one a line",
        )

    def handle(self, *args: Any, json: bool, seal: bool, checkpoints: Path, **options: Any) -> None:
        if seal:
            sequence()
            checkpoint()
        kept = checkpoints.read_text(encoding="ascii").split() if checkpoints.exists() else []
        try:
            proof = verify_ledger(kept)
        except ValueError as failure:
            raise CommandError(str(failure)) from failure
        finding = proof.finding
        if json:
            self.stdout.write(_as_json(proof.entries, proof.sealed, proof.checkpoints, proof.root, finding))
        elif finding is None:
            self.stdout.write(
                f"whole: {proof.entries} entries, {proof.sealed} of them under "
                f"{proof.checkpoints} signed checkpoints, root {proof.root}"
            )
        if finding is not None:
            which = f" (id {finding.entry_id})" if finding.entry_id else ""
            raise CommandError(f"entry #{finding.number}{which} does not fit; {finding.fault}")


def _as_json(entries: int, sealed: int, checkpoints: int, root: str, finding: Any) -> str:
    fault = finding and {"number": finding.number, "entry_id": finding.entry_id, "fault": finding.fault}
    return json.dumps(
        {
            "whole": finding is None,
            "entries": entries,
            "sealed": sealed,
            "checkpoints": checkpoints,
            "root": root,
            "finding": fault,
        }
    )
