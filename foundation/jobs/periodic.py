"""Work that comes round again: once an interval, in one process at a time.

``every`` declares a function. Whoever runs workers (the embedded thread, Celery's beat)
calls ``run_periodic`` often; a row for each function says when it last began, and a
conditional UPDATE lets exactly one caller begin it. A function must be idempotent: after a
crash it simply comes round again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import IntegrityError, transaction

from foundation import clock
from foundation.jobs.models import Periodic

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Round:
    name: str
    seconds: float
    function: Callable[[], object]


ROUNDS: dict[str, Round] = {}


def every[F: Callable[[], object]](seconds: float, name: str) -> Callable[[F], F]:
    """Declare that ``function()`` runs each ``seconds``, under a name that lasts."""

    def register(function: F) -> F:
        if name in ROUNDS:
            raise ValueError(f"two periodic functions are named {name}")
        ROUNDS[name] = Round(name, seconds, function)
        return function

    return register


def take_turn(round_: Round) -> bool:
    """Whether it is time, and this caller is the one to begin."""
    now = clock.now()
    due = Periodic.objects.filter(name=round_.name, began_at__lte=now - timedelta(seconds=round_.seconds))
    if due.update(began_at=now):
        return True
    if Periodic.objects.filter(name=round_.name).exists():
        return False
    try:
        with transaction.atomic():
            Periodic.objects.create(name=round_.name, began_at=now)
    except IntegrityError:
        return False
    return True


def run_periodic() -> list[str]:
    """Run every function whose time has come, in this thread. Gives the names of those that ran."""
    return [round_.name for round_ in ROUNDS.values() if _run(round_)]


class Watch:
    """For a thread that looks often: asks the database of a function only when it may be due."""

    def __init__(self) -> None:
        self._look_at: dict[str, float] = {}

    def run(self) -> list[str]:
        """As ``run_periodic``; no query at all while nothing can be due."""
        ran: list[str] = []
        for round_ in ROUNDS.values():
            now = time.monotonic()
            if now < self._look_at.get(round_.name, 0.0):
                continue
            taken = _run(round_)
            # Where another process took it, that one may die: look again soon.
            self._look_at[round_.name] = now + (round_.seconds if taken else min(round_.seconds, 1.0))
            if taken:
                ran.append(round_.name)
        return ran


def _run(round_: Round) -> bool:
    if not take_turn(round_):
        return False
    try:
        round_.function()
    except Exception as failure:  # noqa: BLE001 - one that fails must not stop the others
        log.warning("periodic_failed", name=round_.name, error=f"{type(failure).__name__}: {failure}")
    return True
