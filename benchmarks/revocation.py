"""What a large batch takes, step by step, beside plain SQL of the same run on the same PostgreSQL.

    python -m benchmarks.revocation [accounts] [passports-each]      (24000 4 is the size to state)

One cluster, every account with an agent, a key and its passports. Times are seconds on the
clock, for the work is the database's. "plain UPDATE" sets one column of as many rows in one
statement; "plain SQL" inserts as many rows into the table of restrictions, with its indexes,
and sets the column: the least that could keep a record. The test services start PostgreSQL
without fsync.
"""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import batched
from typing import Any

import django

from tests import services  # noqa: F401 - starts PostgreSQL of its own

os.environ.pop("AP_BROKER_URL", None)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.contrib.auth.models import Group  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from accounts.linkage.models import AccountCluster, Cluster, ClusterLink  # noqa: E402
from accounts.owners.models import Account  # noqa: E402
from accounts.people.models import User  # noqa: E402
from foundation import clock  # noqa: E402
from foundation.ledger.append import append  # noqa: E402
from passport.agents.models import Agent, AgentKey  # noqa: E402
from passport.credentials.models import Passport  # noqa: E402
from passport.fields import Effect  # noqa: E402
from passport.restrictions.models import AccountState  # noqa: E402
from passport.restrictions.place import place  # noqa: E402
from passport.restrictions.publish import compare, publish  # noqa: E402
from passport.restrictions.subjects import Subject, SubjectRef  # noqa: E402
from passport.revocation.approve import approve  # noqa: E402
from passport.revocation.preview import make_preview, record_view  # noqa: E402
from passport.revocation.run import start, travel  # noqa: E402
from passport.revocation.steps import create_batch  # noqa: E402
from passport.revocation.undo import finish_undo, undo  # noqa: E402
from passport.signing.keys import active, ensure_keys  # noqa: E402
from passport.status.allocate import DRAW, FULL, SIZE, add_list, decoys_of  # noqa: E402
from passport.status.models import StatusEntry, StatusList  # noqa: E402

ACCOUNTS, PASSPORTS_EACH = 2_000, 4
SHARED_BY = 16
AT_ONCE = 10_000
REQUESTER, APPROVER = "user:usr_requester", "user:usr_approver"


def main() -> None:
    numbers = [int(one) for one in sys.argv[1:]]
    accounts, each = (numbers + [ACCOUNTS, PASSPORTS_EACH][len(numbers) :])[:2]
    logging.disable(logging.CRITICAL)
    call_command("migrate", verbosity=0)
    ensure_keys()
    cluster_id = populate(accounts, each)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    print(f"{accounts:,} accounts in one cluster, {accounts * each:,} living passports")
    update, plain = plain_update(), plain_sql()
    show("plain UPDATE", update)
    show("plain SQL: INSERT of the restrictions, UPDATE", plain)
    run_batch(cluster_id, update=update, plain=plain)


def run_batch(cluster_id: str, *, update: float, plain: float) -> None:
    now = clock.now()
    batch = create_batch(
        environment="live", chosen_by="cluster", chosen_from=cluster_id, reason="hydra", actor=REQUESTER,
        now=now, effect=Effect.REVOKE,
    )  # fmt: skip
    show("preview", timed(lambda: make_preview(batch.pk, actor=REQUESTER, now=now)))
    digest = record_view(batch.pk, APPROVER, now=now)
    show("approve", timed(lambda: approve(batch.pk, APPROVER, digest, now=now)))
    fact = placed_alone()
    show("the restrictions alone", fact, f"{fact / update:.1f} x UPDATE, {fact / plain:.1f} x plain SQL")
    began = timed(lambda: start(batch.pk, APPROVER, now=now))
    show("start: cluster read again, restrictions in force", began)
    lists = timed(publish)
    show("status lists published", lists)
    rest = timed(lambda: travel(batch.pk))
    complete = began + lists + rest
    show("records, memory, receipt", rest)
    show("complete", complete, f"{complete / plain:.1f} x plain SQL")
    show("undo in force", timed(lambda: undo(batch.pk, APPROVER, "mistake", now=now)))
    show("undo complete", timed(lambda: finish_undo(batch.pk)))
    left = sum(compare(one.number, clock.now()) for one in StatusList.objects.all())
    print(f"places that differ from the facts afterwards: {left}")


def timed(step: Callable[[], object]) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def show(name: str, seconds: float, beside: str = "") -> None:
    print(f"  {name:<48}{seconds:9.3f} s  {beside}")


def plain_update() -> float:
    return timed(lambda: AccountState.objects.update(effect=Effect.NONE, factor=1.0))


def plain_sql() -> float:
    """In a transaction that is rolled back after it was timed."""
    statement = """
        INSERT INTO passport_restriction (subject_type, subject_id, account_id, effect, factor, reason,
                                          note, placed_by, placed_at, final, lifted_by)
        SELECT 'account', account_id, account_id, 3, 1.0, 'plain', '', 'x', now(), false, ''
          FROM passport_accountstate
    """
    with transaction.atomic(), connection.cursor() as cursor:
        began = time.perf_counter()
        cursor.execute(statement)
        cursor.execute("UPDATE passport_accountstate SET effect = 3")
        took = time.perf_counter() - began
        transaction.set_rollback(True)
    return took


def placed_alone() -> float:
    """``place`` on every account, in a transaction that is rolled back after it was timed."""
    subjects = [
        SubjectRef(Subject.ACCOUNT, one, one)
        for one in AccountState.objects.values_list("account_id", flat=True)
    ]
    with transaction.atomic():
        took = timed(
            lambda: place(subjects, effect=Effect.REVOKE, reason="bench", actor=REQUESTER, now=clock.now())
        )
        transaction.set_rollback(True)
    return took


def populate(accounts: int, each: int) -> str:
    for actor in (REQUESTER, APPROVER):
        user = User.objects.create(pk=actor[5:], email=f"{actor[9:]}@passport.test", is_staff=True)
        user.groups.add(Group.objects.get_or_create(name="approver")[0])
        append("staff.role_given", actor="system:command", subject_ids=[user.pk],
               payload={"roles": ["approver"]}, at=clock.now() - timedelta(days=2))  # fmt: skip
    names = [f"{number:06}" for number in range(accounts)]
    create(Account(id=f"acc_{name}", name=name) for name in names)
    create(AccountState(account_id=f"acc_{name}") for name in names)
    create(agent(name) for name in names)
    agents = dict(Agent.objects.values_list("client_id", "id"))
    create(key(name, agents[f"agent_{name}"]) for name in names)
    create_passports(names, agents, each)
    return create_cluster(names)


def create(rows: Iterator[Any]) -> None:
    for part in batched(rows, AT_ONCE):
        type(part[0]).objects.bulk_create(part)


def agent(name: str) -> Agent:
    return Agent(
        client_id=f"agent_{name}", name=name, account_id=f"acc_{name}", environment="live", client_secret="",
        hash_client_secret=False, client_type="confidential", authorization_grant_type="client-credentials",
    )  # fmt: skip


def key(name: str, agent_id: int) -> AgentKey:
    return AgentKey(
        id=f"key_{name}", agent_id=agent_id, kid="1", thumbprint=name.rjust(43, "_"), jwk={}, alg="EdDSA"
    )


def create_passports(names: list[str], agents: dict[str, int], each: int) -> None:
    now, kid = clock.now(), active().kid
    wanted = [f"pp_{name}_{number}" for name in names for number in range(each)]
    for part in batched(wanted, FULL):
        held = add_list()
        free = sorted(set(range(SIZE)).difference(decoys_of(held)))
        placed = list(zip(part, DRAW.sample(free, len(part)), strict=True))
        end = now + timedelta(days=30)
        create(StatusEntry(list=held, index=index, root=jti, expires_at=end) for jti, index in placed)
        create(
            Passport(
                jti=jti, account_id=f"acc_{jti[3:9]}", agent_id=agents[f"agent_{jti[3:9]}"],
                key_id=f"key_{jti[3:9]}", signing_key_id=kid, environment="live", scopes="model:infer",
                assurance={}, limits=[], status_list=held, status_index=index, issued_at=now,
                expires_at=end, sha256="",
            )
            for jti, index in placed
        )  # fmt: skip


def create_cluster(names: list[str]) -> str:
    found = Cluster.objects.create(environment="live", grade="linked", model_version="bench", size=len(names))
    now = clock.now()
    create(
        AccountCluster(account_id=f"acc_{name}", environment="live", cluster=found, changed_at=now)
        for name in names
    )
    create(
        ClusterLink(
            cluster=found, account_id=f"acc_{name}", kind=kind, holders=SHARED_BY, bits=7.0,
            value_hash=f"{kind} {place // SHARED_BY}".ljust(32).encode(),
        )
        for place, name in enumerate(names)
        for kind in ("payment_instrument", "device")
    )  # fmt: skip
    return found.pk


if __name__ == "__main__":
    main()
