"""Admission in Redis: one script, one trip, keys of one partition only.

Every key carries the hash tag of its partition (``{p042}:…``), so the script runs on a Redis
Cluster too. Each partition holds a marker with the moment since which this Redis has seen
every admission. A Redis that was emptied, restarted or restored lacks it and is not believed:
what was spent before is not known there.

Nothing is tried again: after a lost answer the step may have been taken or not.
"""

import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,
    MasterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TimeoutError,
)
from redis.retry import Retry

from passport.admission.contract import PARTITIONS, Admission, StoreLost, StoreUnavailable, Verdict
from passport.admission.judge import Judged, Tats, keys_of, verdict_of
from passport.admission.kept import KeptConnections

TIMEOUT_SECONDS = 0.2
"""Longer than any script of ours by two orders; shorter than a caller's patience."""
KEPT_LONGER_MS = 30_000
"""A proof is remembered for this long past its end: clocks of our processes may differ by it."""
RECORDS_KEPT = 20_000
"""Of a partition's stream, about: some 10 MB. Older ones go first, and leave a gap in their numbers."""

LOST = (
    ConnectionError,
    TimeoutError,
    BusyLoadingError,
    ReadOnlyError,
    OutOfMemoryError,
    ClusterDownError,
    MasterDownError,
)

SCRIPT = (Path(__file__).parent / "admit.lua").read_text(encoding="utf-8")


def key(partition: str, name: str | bytes) -> bytes:
    """``{p042}:name``: the braces are Redis Cluster's hash tag."""
    return b"{%s}:%s" % (partition.encode(), name.encode() if isinstance(name, str) else name)


def connect(url: str) -> redis.Redis:
    """A client with short timeouts that never sends anything twice."""
    return redis.Redis.from_url(
        url,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        retry_on_timeout=False,
        health_check_interval=0,
    )


@lru_cache(maxsize=4)
def client(url: str) -> redis.Redis:
    """This process's own connections."""
    return connect(url)


class RedisStore:
    """Decides by ``admit.lua``."""

    def __init__(self, connection: redis.Redis | RedisCluster) -> None:
        self._redis = connection
        self._command: Callable[..., Any] = (
            KeptConnections(connection).run
            if isinstance(connection, redis.Redis)
            # A cluster's client finds the node of the keys.
            else connection.execute_command
        )
        self._sha: str | None = None

    def admit(self, admission: Admission, since_us: int) -> Verdict:
        """One script. Raises StoreLost when Redis does not answer or is not the one since ``since_us``."""
        keys, arguments = script_call(admission, since_us)
        try:
            answer = self._run(keys, arguments)
        except LOST as failure:
            raise StoreLost(type(failure).__name__) from failure
        except RedisError as failure:
            raise StoreUnavailable(type(failure).__name__) from failure
        return read_answer(admission, answer)

    def mark(self, since_us: int) -> None:
        """From now on this Redis has seen all. Raises StoreLost."""
        try:
            self._check_alone()
            with self._redis.pipeline(transaction=False) as trip:
                for number in range(PARTITIONS):
                    trip.set(key(f"p{number:03d}", "since"), since_us)
                trip.execute()
        except RedisError as failure:
            raise StoreLost(type(failure).__name__) from failure

    def is_whole(self, since_us: int) -> bool:
        """Whether it answers, takes writes, and holds every marker."""
        try:
            self._redis.set(key("p000", "probe"), b"", px=1000)
            with self._redis.pipeline(transaction=False) as trip:
                for number in range(PARTITIONS):
                    trip.get(key(f"p{number:03d}", "since"))
                held = trip.execute()
        except RedisError:
            return False
        return all(marker == b"%d" % since_us for marker in held)

    def _check_alone(self) -> None:
        """Asked again at each start: a Redis that evicts would forget proofs without a word."""
        if policy := eviction_policy(self._redis):
            raise RedisError(f"maxmemory-policy is {policy}")

    def _run(self, keys: list[bytes], arguments: list[Any]) -> list[int]:
        if self._sha is None:
            self._sha = self._redis.script_load(SCRIPT)
        try:
            return cast("list[int]", self._command("EVALSHA", self._sha, len(keys), *keys, *arguments))
        except NoScriptError:
            # It has not run, so sending it again is safe; this time with its text.
            return cast("list[int]", self._command("EVAL", SCRIPT, len(keys), *keys, *arguments))


def eviction_policy(connection: redis.Redis | RedisCluster) -> str:
    """The setting, if it is other than ``noeviction``; empty where it is right, or may not be read."""
    try:
        found = cast("dict[str, str]", connection.config_get("maxmemory-policy"))
    except redis.exceptions.ResponseError:
        # Some hosts forbid CONFIG; INFO says it too.
        found = {"maxmemory-policy": str(connection.info("memory")["maxmemory_policy"])}
    policy = str(found.get("maxmemory-policy", "unknown"))
    return "" if policy == "noeviction" else policy


def script_call(admission: Admission, since_us: int) -> tuple[list[bytes], list[Any]]:
    """Keys and arguments in the order that ``admit.lua`` names."""
    at = admission.partition
    keys = [key(at, "since"), key(at, "issued"), key(at, "issued:n")]
    keys += [key(at, b"s:" + proof.digest) for proof in admission.spent]
    arguments: list[Any] = [
        admission.now_us,
        since_us,
        len(admission.spent),
        len(admission.buckets),
        int(admission.partial),
        RECORDS_KEPT,
        KEPT_LONGER_MS,
    ]
    arguments += [life_ms(proof.expires_at_us, admission.now_us) for proof in admission.spent]
    for bucket in admission.buckets:
        keys += [key(at, f"b:{name}") for name in keys_of(bucket)]
        floor = (0, 0) if bucket.floor is None else (bucket.floor.rate.burst, bucket.floor.rate.emission_us)
        arguments += [bucket.cost, bucket.rate.burst, bucket.rate.emission_us, *floor]
    for name, value in (admission.record or {}).items():
        arguments += [name, value]
    return keys, arguments


def life_ms(expires_at_us: int, now_us: int) -> int:
    return max(math.ceil((expires_at_us - now_us) / 1000), 0) + KEPT_LONGER_MS


def read_answer(admission: Admission, answer: list[int]) -> Verdict:
    code, *rest = answer
    if code == 3:
        raise StoreLost("emptied")
    if code == 1:
        return Verdict(taken=False, replayed=rest[0])
    if code == 2:
        return verdict_of(admission, Judged(0, pairs(rest[2:]), refused=rest[0], retry_after_us=rest[1]))
    return verdict_of(admission, Judged(rest[0], pairs(rest[1:])))


def pairs(numbers: Iterable[int]) -> tuple[Tats, ...]:
    flat = iter(numbers)
    return tuple(Tats(main, floor) for main, floor in zip(flat, flat, strict=True))
