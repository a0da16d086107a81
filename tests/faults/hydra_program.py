"""What the processes of the batch tests do: each is one run of ``python -m tests.faults.hydra_program``.

``people`` makes a cluster of many accounts with agents and passports, and a batch that is
approved; ``run`` and ``undo`` are what an approver's click does, ``work`` what a worker does
until nothing is due; ``tell`` prints what has come of it all. With ``POINT`` in the environment
the process dies there (tests/faults/dying.py). ``nest`` has each of its orders done by a process
of its own that it forks, on the folder that the order names.
"""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

import json  # noqa: E402
import traceback  # noqa: E402
from collections import Counter  # noqa: E402
from contextlib import suppress  # noqa: E402
from datetime import timedelta  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any, NoReturn  # noqa: E402

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from accounts.linkage.models import BanMemory, Signal  # noqa: E402
from accounts.owners.models import Account  # noqa: E402
from foundation import clock  # noqa: E402
from foundation.jobs.models import Job  # noqa: E402
from foundation.jobs.outbox import end_leases, run_due  # noqa: E402
from foundation.ledger.models import Entry, Position, Waiting  # noqa: E402
from foundation.ledger.sequence import sequence  # noqa: E402
from foundation.ledger.verify import verify_ledger  # noqa: E402
from passport.agents.models import Agent  # noqa: E402
from passport.fields import Effect  # noqa: E402
from passport.restrictions.bits import all_values_on  # noqa: E402
from passport.restrictions.models import Restriction  # noqa: E402
from passport.restrictions.place import SubjectRef, place  # noqa: E402
from passport.restrictions.subjects import account_states  # noqa: E402
from passport.revocation.batch import WrongState  # noqa: E402
from passport.revocation.run import start  # noqa: E402
from passport.revocation.steps import get_batch  # noqa: E402
from passport.revocation.undo import undo as take_back  # noqa: E402
from passport.status.encode import get_value  # noqa: E402
from passport.status.models import StatusList, StatusMark  # noqa: E402
from tests.faults.dying import arm  # noqa: E402
from tests.passport import population  # noqa: E402
from tests.passport.revocation import hydra  # noqa: E402

SIZE = 2_500
"""Its members' own histories take three steps of the worker."""
PASSPORTS = 250
CARDS = 20


def main(words: list[str]) -> None:
    if point := os.environ.get("POINT"):
        arm(point)
    for word in words:
        DOES[word]()


def nest() -> None:
    """An order is a line of JSON: ``folder``, ``words``, ``point``. Answers each with the exit code.

    What the process says is in ``told`` and ``failed`` of the folder. It has Django from its
    parent, which never opens a connection, and starts at once.
    """
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            hatch(Path(order["folder"]), order["words"], order["point"])
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def hatch(folder: Path, words: list[str], point: str) -> NoReturn:
    for name, number in (("told", 1), ("failed", 2)):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    settings.DATA_DIR = folder
    if connection.vendor == "sqlite":
        connection.settings_dict["NAME"] = folder / Path(connection.settings_dict["NAME"]).name
    os.environ["POINT"] = point
    try:
        main(words)
    finally:
        if failure := sys.exception():
            traceback.print_exception(failure)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(failure is not None)


def people() -> None:
    call_command("migrate", verbosity=0)
    # The approval must not be older than what it approves.
    population.NOON = hydra.NOON = clock.now() - timedelta(hours=1)
    population.signing_keys()
    names = [f"{number:04}" for number in range(SIZE)]
    crowd(names)
    population.household("innocent")
    hydra.staff(hydra.APPROVER)
    cluster = hydra.cluster("crowd", *[f"acc_{name}" for name in names])
    batch = hydra.approved(hydra.previewed(cluster), hydra.APPROVER)
    restrict_one_for_another_reason()
    work()
    batch_file().write_text(batch.pk, encoding="ascii")


def crowd(names: list[str]) -> None:
    """As ``household``, for many at once; some hold passports and cards."""
    Account.objects.bulk_create([Account(id=f"acc_{name}", name=name) for name in names])
    Agent.objects.bulk_create(
        [
            Agent(
                client_id=f"agent_{name}", name=name, account_id=f"acc_{name}", environment="sandbox",
                client_type=Agent.CLIENT_CONFIDENTIAL, client_secret="", hash_client_secret=False,
                authorization_grant_type=Agent.GRANT_CLIENT_CREDENTIALS,
            )
            for name in names
        ]
    )  # fmt: skip
    agents = list(Agent.objects.filter(name__in=names[:PASSPORTS]))
    for agent in agents:
        population.passport(agent, population.key(agent), issued_at=population.NOON)
    now = clock.now()
    Signal.objects.bulk_create(
        [
            Signal(
                account_id=f"acc_{name}", environment="sandbox", kind="payment_instrument", key_id="k",
                value_hash=name.encode().ljust(32), first_seen_at=now, last_seen_at=now,
            )
            for name in names[:CARDS]
        ]
    )  # fmt: skip


def restrict_one_for_another_reason() -> None:
    place(
        [SubjectRef("account", "acc_0000", "acc_0000")], effect=Effect.SUSPEND, reason="unpaid",
        actor=hydra.ANALYST, now=clock.now(),
    )  # fmt: skip


def run() -> None:
    """Once more where the fact has committed already: that is refused."""
    with suppress(WrongState):
        start(batch_id(), hydra.APPROVER, now=clock.now())


def undo() -> None:
    with suppress(WrongState):
        take_back(batch_id(), hydra.APPROVER, "mistake", now=clock.now())


def work() -> None:
    """As the embedded server does when it starts: what a dead process held is taken up."""
    end_leases()
    while run_due():
        pass
    sequence()


def tell() -> None:
    sys.stdout.write(json.dumps(facts()))


def facts() -> dict[str, Any]:
    """Everything that must be there exactly once, in numbers."""
    batch = get_batch(batch_id())
    placed = Restriction.objects.filter(batch=batch)
    entries = list(Entry.objects.all())
    parts = [entry for entry in entries if entry.payload.get("part_of") == batch.pk]
    kinds = Counter(entry.type for entry in entries if batch.pk in entry.subject_ids)
    return {
        "state": batch.state,
        "receipts": [bool(batch.receipt), bool(batch.undo_receipt)],
        "restrictions": [placed.count(), placed.filter(lifted_at=None).count()],
        "accounts": {
            effect.name: account_states("sandbox").filter(there=effect).count()
            for effect in (Effect.SUSPEND, Effect.REVOKE)
        },
        "entries": {kind: kinds[kind] for kind in sorted(kinds) if kind != "restriction.placed"},
        "recorded": sum(entry.payload["count"] for entry in parts),
        "bits": bits(),
        "memories": BanMemory.objects.filter(batch_id=batch.pk).count(),
        "left": [
            Job.objects.filter(finished_at=None).count(),
            StatusMark.objects.count(),
            Waiting.objects.count(),
            Entry.objects.count() - Position.objects.count(),
        ],
        "whole": verify_ledger([]).finding is None,
    }


def bits() -> list[int]:
    """How many passports are shown as suspended; and how many places differ from the facts."""
    shown = differ = 0
    now = clock.now()
    for held in StatusList.objects.all():
        content = bytes(held.content)
        for index, value in all_values_on(held.number, now).items():
            bit = get_value(content, held.bits, index)
            shown += bit != 0
            differ += bit != value
    return [shown, differ]


def batch_file() -> Path:
    return settings.DATA_DIR / "batch"


def batch_id() -> str:
    return batch_file().read_text(encoding="ascii")


DOES = {"nest": nest, "people": people, "run": run, "undo": undo, "work": work, "tell": tell}

if __name__ == "__main__":
    main(sys.argv[1:])
