"""Numbers the entries of the record as they are committed. Any number of these may run."""

import argparse
import time
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections

from foundation.ledger.sequence import sequence

log = structlog.get_logger()


class Command(BaseCommand):
    help = "Give committed ledger entries their numbers, every 50 ms, until stopped."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="number what waits, then stop")
        parser.add_argument("--every", type=float, default=0.05, help="seconds between two looks")

    def handle(self, *args: Any, once: bool, every: float, **options: Any) -> None:
        while True:
            try:
                sequence()
            except DatabaseError as failure:
                if once:
                    raise
                log.warning("ledger_database_away", error=type(failure).__name__)
                close_old_connections()
                time.sleep(1)
            if once:
                return
            time.sleep(every)
