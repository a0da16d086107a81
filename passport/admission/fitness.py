"""Whether the Redis we were given may hold admission: one that never evicts, and nobody else's."""

from typing import cast

import redis
from redis.exceptions import RedisError

from passport.admission.redis import connect, eviction_policy

SAMPLE = 1000
"""Keys looked at for strangers."""


class Unfit(Exception):
    """This Redis would forget proofs, or others write to it. ``code`` is the number of the system check."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint


def check_redis(url: str, broker_url: str) -> None:
    """Raises Unfit, and RedisError where it does not answer."""
    connection = connect(url)
    try:
        if policy := eviction_policy(connection):
            raise Unfit(
                "E101",
                f"the Redis of admission has maxmemory-policy {policy}: it would forget spent proofs",
                "Set maxmemory-policy noeviction on the server of AP_ADMISSION_REDIS_URL.",
            )
        if is_same_server(connection, broker_url):
            raise Unfit(
                "E102",
                "the broker lives in the Redis of admission",
                "Give AP_ADMISSION_REDIS_URL and AP_BROKER_URL a server each, not a database each.",
            )
        if stranger := find_stranger(connection):
            raise Unfit(
                "E103",
                f"the Redis of admission holds keys of somebody else, such as {stranger!r}",
                "Point AP_ADMISSION_REDIS_URL at an empty database of a Redis of its own.",
            )
    finally:
        connection.close()


def is_same_server(connection: redis.Redis, broker_url: str) -> bool:
    """By the server's own id: two names may lead to one server."""
    if not broker_url.startswith(("redis:", "rediss:", "unix:", "redis+socket:")):
        return False
    # Celery's way of writing a Unix socket has a name of its own, and its database in another parameter.
    address = broker_url.replace("redis+socket:", "unix:", 1).replace("virtual_host=", "db=", 1)
    broker = connect(address)
    try:
        return _run_id(broker) == _run_id(connection)
    except RedisError:
        return False
    finally:
        broker.close()


def find_stranger(connection: redis.Redis) -> str | None:
    """A key that is none of ours, in a sample."""
    _, names = cast("tuple[int, list[bytes]]", connection.scan(count=SAMPLE))
    return next((repr(name)[2:-1] for name in names if not name.startswith(b"{p")), None)


def _run_id(connection: redis.Redis) -> str:
    return str(connection.info("server")["run_id"])
