"""Work that comes round again: once an interval, in one process at a time.

``every`` declares a function. Whoever runs workers (the embedded thread, Celery's beat)
calls ``run_periodic`` often; a row for each function says when it last began, and a
conditional UPDATE lets exactly one caller begin it. A function must be idempotent: after a
crash it simply comes round again.
"""

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
    ran: list[str] = []
    for round_ in ROUNDS.values():
        if not take_turn(round_):
            continue
        try:
            round_.function()
        except Exception as failure:  # noqa: BLE001 - one that fails must not stop the others
            log.warning(
                "periodic_failed", name=round_.name, error=type(failure).__name__, detail=str(failure)
            )
        ran.append(round_.name)
    return ran
