"""The embedded default's workers: threads of the server process that run what is due.

They call the same functions that Celery's workers call. A killed server loses nothing: the
jobs lie in the database, and what was half done is taken up when the server starts again.
"""

import threading
from collections.abc import Callable

import structlog
from django.db import DatabaseError, close_old_connections

from foundation.jobs.outbox import end_leases, run_due, woken
from foundation.jobs.periodic import Watch
from foundation.ledger.sequence import sequence

log = structlog.get_logger()

JOBS_LOOK_SECONDS = 0.25
LEDGER_LOOK_SECONDS = 0.25
"""Each commit of this process numbers its own entries at once; this is for what failed there."""
PERIODIC_LOOK_SECONDS = 0.5


class EmbeddedWorkers:
    """Runs jobs, periodic work and the ledger's numbering until stopped."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.threads = [
            threading.Thread(target=self._loop, args=(name, step, wait), name=f"ap-{name}", daemon=True)
            for name, step, wait in (
                ("jobs", run_due, self._wait_for_jobs),
                ("periodic", Watch().run, lambda: self.stopping.wait(PERIODIC_LOOK_SECONDS)),
                ("ledger", sequence, lambda: self.stopping.wait(LEDGER_LOOK_SECONDS)),
            )
        ]

    def start(self) -> None:
        """Call it once a process, and in one process of a database: it takes over what a killed one held."""
        end_leases()
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """Finish the work in hand, at most five seconds of it."""
        self.stopping.set()
        woken.set()
        for thread in self.threads:
            thread.join(5)

    def _wait_for_jobs(self) -> None:
        woken.wait(JOBS_LOOK_SECONDS)
        woken.clear()

    def _loop(self, name: str, step: Callable[[], object], wait: Callable[[], object]) -> None:
        while not self.stopping.is_set():
            try:
                if not step():
                    wait()
            except DatabaseError as failure:
                log.warning("embedded_worker_database_away", worker=name, error=type(failure).__name__)
                close_old_connections()
                self.stopping.wait(1)
            except Exception as failure:  # noqa: BLE001 - a worker that dies silently would stop the server's work
                log.error("embedded_worker_failed", worker=name, error=f"{type(failure).__name__}: {failure}")
                self.stopping.wait(1)
        close_old_connections()
