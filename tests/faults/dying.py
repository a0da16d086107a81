"""A process that dies at a chosen point of our code as a power cut would: no handler runs, nothing is said.

``python -m tests.faults.dying POINT serve`` is ``manage.py serve`` with such a point, and
``… POINT celery`` a worker. A point is
``package.module.function:when:turn``: ``before`` or ``after`` the given call of it, counted from
1. ``job/<name>`` in place of a function is the function of that job.
"""

import importlib
import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from typing import Any


def arm(point: str) -> None:
    """Let this process die there."""
    name, when, turn = point.split(":")
    if name.startswith("job/"):
        from foundation.jobs.outbox import FUNCTIONS

        job = name.removeprefix("job/")
        FUNCTIONS[job] = deadly(FUNCTIONS[job], when, int(turn))
        return
    module_name, _, attribute = name.rpartition(".")
    module = importlib.import_module(module_name)
    setattr(module, attribute, deadly(getattr(module, attribute), when, int(turn)))


def deadly(function: Callable[..., Any], when: str, turn: int) -> Callable[..., Any]:
    turns = count(1)

    def call(*arguments: Any, **fields: Any) -> Any:
        now = next(turns) == turn
        if now and when == "before":
            die()
        result = function(*arguments, **fields)
        if now:
            die()
        return result

    return call


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    point, *arguments = sys.argv[1:]
    arm(point)
    if arguments == ["celery"]:
        from config.celery import app

        app.worker_main(["worker", "--pool", "solo", "--queues", "agent-passport"])
        return
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", *arguments])


if __name__ == "__main__":
    main()
