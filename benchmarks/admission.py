"""What one admission costs in each store, and what it leaves behind.

    python -m benchmarks.admission [admissions]

An admission is that of a token request: two proofs, the buckets of agent, account and
cluster, one issue record. Beside each store its floor in the same run: an empty command to
Redis, an empty query to PostgreSQL. CPU of this process and of the Redis server, in
microseconds each; of PostgreSQL the time on the clock, for its processes are many. Memory is what
Redis itself says of a key (MEMORY USAGE), and the growth of the whole for each subject.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import django

from tests import services  # noqa: F401 - starts PostgreSQL and Redis of its own

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from passport.admission.contract import Admission, partition_of  # noqa: E402
from passport.admission.database import DatabaseStore  # noqa: E402
from passport.admission.memory import MemoryStore  # noqa: E402
from passport.admission.redis import RedisStore, client  # noqa: E402
from passport.limits.buckets import Bucket, Level  # noqa: E402
from passport.limits.gcra import Rate  # noqa: E402
from passport.proofs.spent import Spent  # noqa: E402

SINCE_US = 1
ROUNDS = 5


def admissions(count: int, offset: int, now_us: int) -> Iterator[Admission]:
    """One for each of ``count`` agents that have not been seen."""
    for number in range(offset, offset + count):
        account = f"acc_01KAVXB8Q4ZJ0000{number:010d}"
        subjects = ((Level.CREDENTIAL, f"agent_01KAVXB8Q4ZJ0000{number:010d}"), (Level.ACCOUNT, account),
                    (Level.CLUSTER, f"clu_01KAVXB8Q4ZJ0000{number // 3:010d}"))  # fmt: skip
        buckets = tuple(
            Bucket(
                f"{level[0:2]}{subject}:0123456789abcdef01minute",
                level,
                level,
                60,
                60,
                Rate(60, 1_000_000),
                1,
            )
            for level, subject in subjects
        )
        spent = tuple(
            Spent(hashlib.sha256(f"{kind}{number}".encode()).digest(), now_us + 60_000_000) for kind in "ap"
        )
        record = {
            "jti": f"at_01KAVXB8Q4ZJ0000{number:010d}", "root": f"pp_01KAVXB8Q4ZJ0000{number:010d}",
            "account_id": account, "agent": subjects[0][1], "audience": "https://model.example/v1",
            "scopes": "model:infer model:embed", "issued_at": now_us // 10**6,
            "expires_at": now_us // 10**6 + 300,
        }  # fmt: skip
        yield Admission(partition_of(subjects[2][1]), spent, buckets, record, now_us)


@contextmanager
def measured(into: dict[str, float], redis: Any = None) -> Iterator[None]:
    """CPU of this process, time on the clock, and CPU of Redis, in microseconds."""
    server = server_cpu_us(redis) if redis else 0.0
    cpu, clock = time.process_time_ns(), time.perf_counter_ns()
    yield
    into["cpu_us"] = (time.process_time_ns() - cpu) / 1000
    into["clock_us"] = (time.perf_counter_ns() - clock) / 1000
    if redis:
        into["redis_cpu_us"] = server_cpu_us(redis) - server


def server_cpu_us(redis: Any) -> float:
    usage = redis.info("cpu")
    return 1e6 * (usage["used_cpu_user"] + usage["used_cpu_sys"])


def cost(store: Any, count: int, offset: int, redis: Any = None) -> dict[str, float]:
    asked = list(admissions(count, offset, time.time_ns() // 1000))
    spent: dict[str, float] = {}
    with measured(spent, redis):
        taken = sum(store.admit(admission, SINCE_US).taken for admission in asked)
    if taken != count:
        raise SystemExit(f"only {taken} of {count} were taken")
    return {name: value / count for name, value in spent.items()}


def floor(work: Callable[[], object], count: int, redis: Any = None) -> dict[str, float]:
    spent: dict[str, float] = {}
    with measured(spent, redis):
        for _ in range(count):
            work()
    return {name: value / count for name, value in spent.items()}


def empty_query() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


def memory(redis: Any, count: int) -> dict[str, float]:
    """Bytes that Redis holds for a proof, a bucket, a subject."""
    redis.flushdb()
    store = RedisStore(redis)
    store.mark(SINCE_US)
    before = redis.info("memory")["used_memory"]
    for admission in admissions(count, 0, time.time_ns() // 1000):
        store.admit(admission, SINCE_US)
    grown = redis.info("memory")["used_memory"] - before
    found: dict[bytes, list[int]] = {b"s": [], b"b": []}
    for name in redis.scan_iter(match="{p*}:[sb]:*", count=1000):
        found[name.split(b":")[1]].append(redis.memory_usage(name))
    records = sum(redis.memory_usage(name) for name in redis.scan_iter(match="{p*}:issued"))
    return {
        "proof_bytes": median(found[b"s"]),
        "bucket_bytes": median(found[b"b"]),
        "record_bytes": records / count,
        "all_bytes_each_admission": grown / count,
    }


def main(count: int) -> dict[str, Any]:
    call_command("migrate", verbosity=0)
    redis = client(settings.ADMISSION_REDIS_URL)
    redis.flushdb()
    stores: dict[str, Any] = {
        "redis": RedisStore(redis), "memory": MemoryStore(), "database": DatabaseStore(share=1),
    }  # fmt: skip
    for name in ("redis", "memory"):
        stores[name].mark(SINCE_US)
    runs: dict[str, list[dict[str, float]]] = {}
    for number in range(ROUNDS + 1):
        for name, store in stores.items():
            share = count if name != "database" else max(count // 10, 1)
            server = redis if name == "redis" else None
            runs.setdefault(name, []).append(cost(store, share, number * count, server))
        runs.setdefault("redis, empty command", []).append(floor(redis.ping, count, redis))
        runs.setdefault("database, empty query", []).append(floor(empty_query, count // 10))
    # The first round warms.
    report: dict[str, Any] = {
        name: {kind: round(median(run[kind] for run in rounds[1:]), 1) for kind in rounds[0]}
        for name, rounds in runs.items()
    }
    report["redis memory"] = {name: round(value) for name, value in memory(redis, 10 * count).items()}
    return report


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000), indent=2))
